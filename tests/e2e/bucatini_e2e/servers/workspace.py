"""The temporary folder of one run, its logs, and the promise that nothing outlives the run."""

import contextlib
import datetime
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from .. import places

_KEPT_LOGS = 10


class Workspace:
    """Use as a context manager around everything that starts servers."""

    def __init__(self) -> None:
        self.folder = Path()
        self.logs = Path()
        self._reaper: subprocess.Popen | None = None
        self._ports: set[int] = set()
        self._telling = threading.Lock()

    def __enter__(self) -> "Workspace":
        self.folder = Path(tempfile.mkdtemp(prefix="bucatini-e2e-"))
        self.folder.chmod(0o711)  # servers under other accounts reach their own folders below it
        self.logs = _new_log_folder()
        # A process of its own, so that servers end and the folder goes even if this process is killed outright.
        self._reaper = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("reaper.py")), str(self.folder)],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _leave)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._reaper is not None and self._reaper.stdin is not None
        self._reaper.stdin.close()
        self._reaper.wait()

    def watch(self, process: subprocess.Popen) -> None:
        """Have this process and its group ended with the run."""
        self._tell(f"+{process.pid}")

    def forget(self, process: subprocess.Popen) -> None:
        """The process has ended; its number may soon belong to another."""
        self._tell(f"-{process.pid}")

    def make_folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def free_port(self) -> int:
        """A loopback port that nobody listens on and that this run has not given out before."""
        while True:
            with contextlib.closing(socket.socket()) as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            if port not in self._ports:
                self._ports.add(port)
                return port

    def _tell(self, line: str) -> None:
        assert self._reaper is not None and self._reaper.stdin is not None
        with self._telling:
            self._reaper.stdin.write(line + "\n")
            self._reaper.stdin.flush()


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _new_log_folder() -> Path:
    places.LOGS.mkdir(parents=True, exist_ok=True)
    started = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = places.LOGS / f"{started}-{os.getpid()}"
    folder.mkdir()
    for old in sorted(path for path in places.LOGS.iterdir() if path.is_dir())[:-_KEPT_LOGS]:
        shutil.rmtree(old, ignore_errors=True)
    return folder
