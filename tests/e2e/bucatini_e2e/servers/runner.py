"""The runner: one process of `bucatini run`."""

import signal
import subprocess
from pathlib import Path

from .. import places
from ..failure import Missing
from .kafka import Kafka
from .server import Server
from .workspace import Workspace


class Runner(Server):
    """Started by `run` with the files of its connectors; keeps its offsets between starts."""

    name = "runner"
    stop_signal = signal.SIGINT

    def __init__(
        self, workspace: Workspace, broker: Kafka | None, engine: str = "native", is_direct: bool = False, instance: str = ""
    ) -> None:
        super().__init__(workspace, instance)
        self._broker = broker
        self._engine = engine
        self._is_direct = is_direct
        self._files: list[str] = []
        self._arguments: tuple[str, ...] = ()
        self.starts = 0

    def install(self) -> None:
        binary()

    def run(self, files: list[str], *arguments: str) -> None:
        """Start with these connectors and options; returns as soon as the process lives."""
        self.install()
        self._files, self._arguments = list(files), arguments
        self.start()

    def start(self) -> None:
        self.starts += 1
        super().start()

    def command(self) -> list[str]:
        to = ["--direct"] if self._is_direct or self._broker is None else ["--bootstrap-servers", self._broker.bootstrap]
        offsets = ["--offsets", str(self.offsets)]
        return [str(binary()), "run", *self._files, *to, *offsets, "--engine", self._engine, *self._arguments]

    def is_ready(self) -> bool:
        return self.is_running

    @property
    def offsets(self) -> Path:
        return self.folder / "offsets.json"

    def forget_offsets(self) -> None:
        self.offsets.unlink(missing_ok=True)

    def raise_if_ended(self) -> None:
        """A runner that has ended by itself is a failure, shown with what it said."""
        if self.process is not None and (code := self.process.poll()) is not None:
            raise self.failed(f"ended with code {code}")

    def interrupt(self) -> None:
        """Ctrl-C."""
        assert self.process is not None, "the runner has not been started"
        self.process.send_signal(signal.SIGINT)

    def wait_for_end(self, code: int, seconds: float = 120.0) -> None:
        """The runner ends by itself, with this code."""
        process = self.process
        assert process is not None, "the runner has not been started"
        try:
            found = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self.failed(f"had not ended after {seconds:.0f} s") from None
        if found != code:
            raise self.failed(f"ended with code {found}, expected {code}")
        self.stop()

    def stop_and_expect_success(self) -> None:
        """Ctrl-C drains and ends with code 0."""
        process = self.process
        self.stop()
        if process is not None and process.returncode != 0:
            raise self.failed(f"ended with code {process.returncode} after Ctrl-C")


def binary() -> Path:
    found = places.runner()
    if not found.is_file():
        raise Missing(f"the runner {found} is missing; `make runner` builds it (or set BUCATINI_RUNNER)")
    return found
