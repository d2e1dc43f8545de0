"""The story four times on one set of servers, for people: what is shown, what ran where, and how long it took."""

import time
from collections.abc import Callable
from pathlib import Path

from .pasta import story
from .pasta.way import InConnect, InRunner, Way
from .servers.connect import Connect
from .servers.stack import Stack

_PROCESSES = {
    "postgres": "PostgreSQL 15 with wal2json",
    "kafka": "Kafka in KRaft mode",
    "schema-registry": "Apicurio's registry, behind basic authentication",
}


def tell(stack: Stack, worker: Connect, target: str, keep: Callable[[], None] | None) -> None:
    """Tell it in the runner and in Connect; `keep` is called while the last telling is still running."""
    tellings: list[tuple[str, Way, str]] = [
        ("the runner, through Kafka", InRunner(stack, "native", is_direct=False), "native"),
        ("the runner, directly", InRunner(stack, "native", is_direct=True), "native"),
        (f"stock Kafka Connect {worker.version}, native", InConnect(worker, "native"), "native"),
        (f"stock Kafka Connect {worker.version}, components", InConnect(worker, "wasm"), "wasm"),
    ]
    took = []
    for number, (where, way, engine) in enumerate(tellings, 1):
        print(f"\n{number}. The pasta table moves to {target} in {where}\n", flush=True)
        started = time.monotonic()
        is_last = number == len(tellings)
        story.tell(stack, way, engine, target, before_end=keep if is_last else None)
        took.append((where, time.monotonic() - started))
    print("\nWhat ran where, and the time each telling took, its checks included:\n")
    for name, what in _PROCESSES.items():
        print(f"  {what:52} {_port(stack, name)}")
    print(f"  {target + ', the target':52} 127.0.0.1:{stack.targets[target].port}")
    for where, seconds in took:
        print(f"  {where:52} {seconds:5.1f} s")
    print(f"\nLogs: {_shown(stack.workspace.logs)}", flush=True)


def _port(stack: Stack, name: str) -> str:
    (server,) = (server for server in (stack.postgres, stack.kafka, stack.registry) if server.name == name)
    return f"127.0.0.1:{server.port}"


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
