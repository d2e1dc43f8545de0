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
