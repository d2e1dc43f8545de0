"""Faults in our own code: a core that panics, a component that traps, a component that never returns.

Plug-ins with one such fault each, which strikes on topics with `bucatini-fault` in their name, stand in for a bad
release; the repair is what an operator would do, to put the good release in its place and start the worker again.
"""

from dataclasses import dataclass
from pathlib import Path

from .. import places, plugins, shapes
from ..file_sink import Bystander, FileSink
from ..registry_client import RegistryClient
from ..servers.connect import Connect
from ..servers.stack import Stack
from ..steps import step
from .failing import expect_failed

_ROWS = [(1, "bucatini"), (2, "rigatoni"), (3, "orecchiette")]


@dataclass(frozen=True)
class EngineFault:
    plugin: str
    engine: str
    what: str
    cause: str


FAULTS = (
    EngineFault("panic", "native", "a panicking core", r"panic"),
    EngineFault("trap", "wasm", "a trapping component", r"trap|unreachable"),
    EngineFault("loop", "wasm", "a component that never returns", r"deadline|time[d -]*out|time limit|too long"),
)


def plugin_folder(stack: Stack, version: str, fault: EngineFault | None) -> Path:
    """A folder for `plugin.path` with the plug-in that has this fault, or with the good one."""
    name = fault.plugin if fault else "good"
    zip_file = places.fault_zip(name) if fault else places.plugin_zip()
    return plugins.ours(zip_file, stack.workspace.make_folder(f"plugins-{version}-{name}"))


def check(stack: Stack, worker: Connect) -> None:
    """Run the worker with each faulty plug-in in turn, then with the good one, under which every row arrives."""
    bystander = Bystander(stack, worker)
    failed: list[FileSink] = []
    for fault in FAULTS:
        with step(f"{fault.what}: tasks FAILED, offsets kept, worker and other connector live"):
            _use(worker, plugin_folder(stack, worker.version, fault))
            bystander.create()
            sinks = _sinks(stack, worker, fault)
            for sink in sinks:
                sink.create()
            for sink in sinks:
                expect_failed(stack, worker, sink, 0, fault.cause)
            bystander.check()
            for sink in sinks:
                worker.client.stop(sink.name)  # it must not come back before the repair
            failed += sinks
    with step("repair: with the good plug-in every row arrives"):
        _use(worker, plugin_folder(stack, worker.version, None))
        for sink in failed:
            worker.client.resume(sink.name)
        for sink in failed:
            sink.wait_for_rows([shapes.line(*row) for row in _ROWS])
            worker.client.delete(sink.name)
        bystander.check()
        worker.client.delete(bystander.name)


def _sinks(stack: Stack, worker: Connect, fault: EngineFault) -> list[FileSink]:
    topic = f"bucatini-fault-{fault.plugin}-{worker.version}"
    stack.probe.create_topic(topic)
    schema_id = RegistryClient(stack.proxy).register(f"{topic}-value", shapes.SCHEMA)
    stack.probe.write_raw(topic, *((None, shapes.encode(schema_id, *row)) for row in _ROWS))
    return [FileSink(stack, worker, topic, fault.engine, tolerance) for tolerance in ("none", "all")]


def _use(worker: Connect, folder: Path) -> None:
    """Start the worker again with the plug-ins of this folder; its connectors and their offsets are in Kafka."""
    worker.stop()
    worker.plugin_path = [folder]
    worker.start()
