"""The servers of a run, started once and shared by its tests."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..probe import Probe
from ..steps import step
from .connect import Connect
from .kafka import Kafka
from .mariadb import MariaDb
from .mysql import MySql
from .postgres import Postgres
from .registry import Registry
from .registry_proxy import RegistryProxy
from .server import Server
from .target import TargetDatabase
from .workspace import Workspace

TARGETS: dict[str, type[TargetDatabase]] = {"mysql": MySql, "mariadb": MariaDb}


class Stack:
    """A context manager: PostgreSQL, the target databases asked for, Kafka, the registry with its proxy, the probe.

    Connect workers come and go within it, since the tests differ in their version and in their plug-ins.
    """

    def __init__(self, workspace: Workspace, targets: tuple[str, ...]) -> None:
        self.workspace = workspace
        self.postgres = Postgres(workspace)
        self.kafka = Kafka(workspace)
        self.registry = Registry(workspace)
        self.targets = {name: TARGETS[name](workspace) for name in targets}
        self.proxy = RegistryProxy(workspace, self.registry)
        self.probe = Probe(workspace, self.kafka, self.proxy)
        self._exit = contextlib.ExitStack()

    def __enter__(self) -> "Stack":
        self.install()
        servers = self._servers()
        with self._exit as exit_stack:
            with step(f"started: {', '.join(server.name for server in servers)}"):
                for server in servers:
                    exit_stack.callback(server.stop)
                with ThreadPoolExecutor(len(servers)) as pool:
                    for _ in pool.map(lambda server: server.start(), servers):
                        pass
                exit_stack.enter_context(self.proxy)
                exit_stack.enter_context(self.probe)
            self._exit = exit_stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def install(self) -> None:
        """Bring what the servers need onto this machine; the first thing that is missing ends the run."""
        for part in (*self._servers(), self.probe):
            with step(f"installed: {part.name}"):
                part.install()

    def _servers(self) -> list[Server]:
        return [self.kafka, self.registry, self.postgres, *self.targets.values()]

    @contextlib.contextmanager
    def worker(self, version: str, plugin_path: list[Path], instance: str = "") -> Iterator[Connect]:
        """A Connect worker for the length of a `with` block."""
        worker = Connect(self.workspace, version, self.kafka, plugin_path, instance)
        worker.install()
        with step(f"started: {worker.label}"):
            worker.start()
        try:
            yield worker
        finally:
            worker.stop()

    def config_values(self, target: str, engine: str) -> dict[str, str]:
        """What the placeholders of the example configurations stand for in this run."""
        database = self.targets[target]
        return {
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(self.postgres.port),
            "POSTGRES_USER": self.postgres.user,
            "POSTGRES_PASSWORD": self.postgres.password,
            "POSTGRES_DATABASE": "defaultdb",
            "POSTGRES_SSLMODE": "disable",
            "MYSQL_JDBC_URL": database.jdbc_url(),
            "MYSQL_USER": database.user,
            "MYSQL_PASSWORD": database.password,
            "REGISTRY_URL": self.proxy.url,
            "REGISTRY_USER": self.proxy.user,
            "REGISTRY_PASSWORD": self.proxy.password,
            "ENGINE": engine,
        }
