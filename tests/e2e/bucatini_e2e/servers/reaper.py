"""Run as a program: ends the servers of a run and removes its folder as soon as the run's end of the pipe closes."""

import contextlib
import os
import shutil
import signal
import sys
import time


def main() -> None:
    # Ctrl-C reaches the run, which closes the pipe in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    alive: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            alive.add(pid)
        else:
            alive.discard(pid)
    for pid in alive:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    for _ in range(20):  # a dying server may still make a file
        shutil.rmtree(sys.argv[1], ignore_errors=True)
        if not os.path.exists(sys.argv[1]):
            break
        time.sleep(0.1)


main()
