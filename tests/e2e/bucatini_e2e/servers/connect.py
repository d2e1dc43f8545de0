"""A worker of stock Kafka Connect in distributed mode, of the version asked for."""

from pathlib import Path

from ..connect_client import ConnectClient
from ..downloads import sets, store
from . import java, jvm_logging
from .kafka import Kafka
from .server import Server
from .workspace import Workspace


class Connect(Server):
    name = "connect"

    def __init__(
        self, workspace: Workspace, version: str, broker: Kafka, plugin_path: list[Path], instance: str = ""
    ) -> None:
        super().__init__(workspace, f"{version}-{instance}" if instance else version)
        self.version = version
        self.plugin_path = plugin_path
        self.client = ConnectClient(f"http://127.0.0.1:{self.port}")
        self._broker = broker

    def install(self) -> None:
        java.tool("java")
        store.install(sets.connect(self.version))

    def command(self) -> list[str]:
        properties = self.folder / "worker.properties"
        properties.write_text("".join(f"{key}={value}\n" for key, value in self._settings().items()))
        return java.command(
            "512m",
            store.class_path(sets.connect(self.version)),
            "org.apache.kafka.connect.cli.ConnectDistributed",
            str(properties),
            options=jvm_logging.options(self.version, self.folder),
        )

    def is_ready(self) -> bool:
        return self.client.answers()

    def _settings(self) -> dict[str, object]:
        topics: dict[str, object] = {
            f"{kind}.storage.{key}": value
            for kind in ("config", "offset", "status")
            for key, value in (("topic", f"{self.label}-{kind}"), ("replication.factor", 1))
        }
        return topics | {
            "bootstrap.servers": self._broker.bootstrap,
            "group.id": self.label,
            "listeners": f"http://127.0.0.1:{self.port}",
            "plugin.path": ",".join(map(str, self.plugin_path)),
            # Reading manifests in place of scanning every class: the difference is twenty seconds and 400 MB.
            "plugin.discovery": "service_load",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "offset.storage.partitions": 1,
            "status.storage.partitions": 1,
            "offset.flush.interval.ms": 1000,
            # A worker that comes back takes up its tasks at once.
            "scheduled.rebalance.max.delay.ms": 0,
            "task.shutdown.graceful.timeout.ms": 2000,
        }
