"""How the story's two connectors are run: by a worker of stock Connect, or by the runner."""

import json
from pathlib import Path
from typing import Protocol

from .. import places
from ..servers.connect import Connect
from ..servers.runner import Runner
from ..servers.stack import Stack
from . import configs

SOURCE = "cdc-source-pg"
SINK = "cdc-sink-mysql"


class Way(Protocol):
    """What the story asks of whoever runs its connectors."""

    name: str
    #: The connector configurations that it is told with.
    folder: Path
    #: Whether the records go through the topic, and whether its values are Avro.
    uses_topic: bool
    uses_avro: bool

    def start_source(self, config: dict[str, str]) -> None: ...

    def start_sink(self, config: dict[str, str]) -> None: ...

    def raise_if_failed(self) -> None: ...

    def check_running(self) -> None: ...

    def tidy(self) -> None: ...


class InConnect:
    """A worker: `engine` is one of ours, or None for the stock plug-ins as the control."""

    name = "connect"
    uses_topic = True

    def __init__(self, worker: Connect, engine: str | None) -> None:
        self._client = worker.client
        self.uses_avro = engine is not None
        self.folder = places.EXPECTED / "stock-json" if engine is None else places.EXAMPLES_IN_CONNECT

    def start_source(self, config: dict[str, str]) -> None:
        self._client.create({"name": SOURCE} | config)

    def start_sink(self, config: dict[str, str]) -> None:
        self._client.create({"name": SINK} | config)

    def raise_if_failed(self) -> None:
        for connector in (SOURCE, SINK):
            self._client.raise_if_failed(connector)

    def check_running(self) -> None:
        for connector in (SOURCE, SINK):
            self._client.wait_until_running(connector)

    def tidy(self) -> None:
        for connector in set(self._client.connectors()) & {SOURCE, SINK}:
            self._client.remove(connector)


class InRunner:
    """The runner, through Kafka or directly; both connectors in one process, which starts with the sink."""

    name = "runner"
    uses_avro = True
    folder = places.EXAMPLES

    def __init__(self, stack: Stack, engine: str, is_direct: bool) -> None:
        self.uses_topic = not is_direct
        instance = f"{engine}-{'direct' if is_direct else 'kafka'}"
        self._folder = stack.workspace.make_folder(f"runner-files-{instance}")
        self._files: list[str] = []
        self.runner = Runner(stack.workspace, stack.kafka, engine, is_direct, instance)

    def start_source(self, config: dict[str, str]) -> None:
        self._write(configs.SOURCE_FILE, config)
        if self.uses_topic:
            self.runner.run(self._files)

    def start_sink(self, config: dict[str, str]) -> None:
        self._write(configs.SINK_FILE, config)
        self.runner.stop()
        self.runner.run(self._files)

    def raise_if_failed(self) -> None:
        self.runner.raise_if_ended()

    def check_running(self) -> None:
        self.runner.raise_if_ended()
        self.runner.stop_and_expect_success()

    def tidy(self) -> None:
        self.runner.stop()
        self.runner.forget_offsets()
        self._files.clear()

    def _write(self, name: str, config: dict[str, str]) -> None:
        file = self._folder / name
        file.write_text(json.dumps(config, indent=2))
        file.chmod(0o600)
        self._files.append(str(file))
