"""Says what is being done and how long it took, one line a step."""

import contextlib
import time


@contextlib.contextmanager
def step(what: str):
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print(f"  FAILED {time.monotonic() - start:6.1f} s  {what}", flush=True)
        raise
    print(f"  ok     {time.monotonic() - start:6.1f} s  {what}", flush=True)


def show(text: str) -> None:
    """Print what a step found, below its line to be."""
    print("\n".join(f"    {line}" for line in text.splitlines()), flush=True)
