"""The runner: one process of `bucatini run`."""

import signal
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
        self.starts = 0

    def install(self) -> None:
        binary()

    def run(self, files: list[str]) -> None:
        """Start with these connectors; returns as soon as the process lives."""
        self.install()
        self._files = list(files)
        self.start()

    def start(self) -> None:
        self.starts += 1
        super().start()

    def command(self) -> list[str]:
        to = ["--direct"] if self._is_direct or self._broker is None else ["--bootstrap-servers", self._broker.bootstrap]
        offsets = ["--offsets", str(self.offsets)]
        return [str(binary()), "run", *self._files, *to, *offsets, "--engine", self._engine]

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
