"""What all servers share: a process in a group of its own, a log file, and readiness with a deadline."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from ..failure import Failure
from .workspace import Workspace

_LOG_TAIL_LINES = 40


class ServerFailed(Failure):
    """A server did not do what it was asked; carries the end of its log."""


class Server:
    """One server process. Subclasses say how it is installed, prepared, started and known to be ready."""

    name = "server"
    #: Some servers refuse to run as root; these run under the first of these accounts that exists.
    accounts: tuple[str, ...] = ()
    ready_within_seconds = 120.0  # a machine that also compiles is slow
    stop_within_seconds = 20.0
    stop_signal = signal.SIGTERM

    def __init__(self, workspace: Workspace, instance: str = "") -> None:
        self.label = f"{self.name}-{instance}" if instance else self.name
        self.workspace = workspace
        self.port = workspace.free_port()
        self.log = workspace.logs / f"{self.label}.log"
        self.process: subprocess.Popen | None = None
        self.folder = workspace.folder / self.label
        self._prepared = False

    def install(self) -> None:
        """Make sure that everything the server needs is on this machine, before anything is started."""

    def prepare(self) -> None:
        """Create the server's data, once, before its first start."""

    def command(self) -> list[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether the server answers; may raise OSError while it does not."""
        raise NotImplementedError

    def started(self) -> None:
        """What is to be done once the server is ready for the first time."""

    def __enter__(self):
        self.install()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start and wait until ready. A stopped or killed server starts again with its data and its port."""
        first = not self._prepared
        if first:
            self.folder.mkdir(parents=True)
            self.own(self.folder)
            self.prepare()
            self._prepared = True
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                **self._account_options(),
            )
        self.workspace.watch(self.process)
        self._wait_until_ready()
        if first:
            self.started()

    def stop(self) -> None:
        """Ask it to stop; kill it if it does not within its time."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self._end(signal.SIGKILL)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """It neither answers nor ends while the block runs."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def failed(self, message: str) -> ServerFailed:
        """An error that names this server and shows the end of its log."""
        return ServerFailed(f"{self.label}: {message}\n--- end of {self.log} ---\n{self.log_tail()}")

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_tail(self) -> str:
        return "\n".join(self.log_text().splitlines()[-_LOG_TAIL_LINES:])

    def account(self) -> str | None:
        """The account this server runs under, or None for the caller's own."""
        if os.getuid() != 0 or not self.accounts:
            return None
        known = {entry.pw_name for entry in pwd.getpwall()}
        return next((account for account in self.accounts if account in known), None)

    def process_account(self) -> str | None:
        """The account to start its programs under; differs from `account` for a server that changes it by itself."""
        return self.account()

    def own(self, path: Path) -> None:
        """Give a path to the account this server runs under."""
        if account := self.account():
            shutil.chown(path, account)

    def run(self, command: list[str], what: str, **options) -> str:
        """Run a short program under this server's account; its output goes to the caller, its failure names us."""
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            **(self._account_options() | {"timeout": 120} | options),
        )
        if done.returncode != 0:
            raise self.failed(f"{what} failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-2000:]}")
        return done.stdout

    def _account_options(self) -> dict:
        if account := self.process_account():
            entry = pwd.getpwnam(account)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": os.getgrouplist(account, entry.pw_gid)}
        return {}

    def _wait_until_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + self.ready_within_seconds
        while True:
            if (code := self.process.poll()) is not None:
                self.workspace.forget(self.process)
                raise self.failed(f"ended with code {code} while starting")
            with contextlib.suppress(OSError):
                if self.is_ready():
                    return
            if time.monotonic() > deadline:
                self.kill()
                raise self.failed(f"was not ready within {self.ready_within_seconds:.0f} s")
            time.sleep(0.05)

    def _end(self, number: int) -> None:
        process = self.process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(self.stop_within_seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # children it left behind
        self.workspace.forget(process)
        self.process = None
