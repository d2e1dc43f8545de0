"""A Kafka broker which is its own controller (KRaft)."""

import base64
import socket
import uuid
from pathlib import Path

from ..downloads import sets, store
from . import java, jvm_logging
from .server import Server


class Kafka(Server):
    name = "kafka"

    def __init__(self, workspace, instance: str = "") -> None:
        super().__init__(workspace, instance)
        self._controller_port = workspace.free_port()

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def install(self) -> None:
        java.tool("java")
        store.install(sets.BROKER)

    def prepare(self) -> None:
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "log.dirs": self.folder / "data",
            "num.partitions": 1,
            "default.replication.factor": 1,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            # A group of one member should not wait for others to join.
            "group.initial.rebalance.delay.ms": 0,
            # A stopped connector's topics are deleted between tests; the files should go at once.
            "log.segment.delete.delay.ms": 0,
        }
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self.run(
            java.command(
                "128m",
                self._class_path(),
                "kafka.tools.StorageTool",
                "format",
                f"--cluster-id={cluster}",
                "--config",
                str(self._properties),
            ),
            "formatting the storage",
        )

    def command(self) -> list[str]:
        return java.command(
            "256m",
            self._class_path(),
            "kafka.Kafka",
            str(self._properties),
            options=jvm_logging.options(sets.KAFKA, self.folder),
        )

    def is_ready(self) -> bool:
        socket.create_connection(("127.0.0.1", self.port), 1).close()
        return "Kafka Server started" in self.log_text()

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _class_path(self) -> list[Path]:
        return store.class_path(sets.BROKER)
