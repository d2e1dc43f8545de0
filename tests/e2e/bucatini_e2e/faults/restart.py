"""The registry dies while topics are being read and written, and comes back with what it knew."""

import time

from .. import plugins, shapes
from ..failure import Failure, expect_equal
from ..file_sink import AVRO_CONVERTER, FileSink
from ..registry_client import RegistryClient
from ..servers.connect import Connect
from ..servers.stack import Stack
from ..steps import step

_KNOWN = [(1, "bucatini"), (3, "farfalle")]
_NEW = (2, "rigatoni", 45)
#: Longer than a registry takes to start on a busy machine; an outage beyond the budget is `outage.check`'s matter.
_PATIENT = {
    "max.retries": "1000",
    "retries.wait.ms": "100",
    "retries.max.wait.ms": "500",
    "retries.budget.ms": "180000",
}
_OUTAGE_SECONDS = 2.0


def check(stack: Stack, worker: Connect) -> None:
    with step("registry killed and restarted: known schemas go on, new ones wait for it, no task fails"):
        _check(stack, worker)


def _check(stack: Stack, worker: Connect) -> None:
    topic = f"registry-restart-{worker.version}"
    registry = RegistryClient(stack.proxy)
    known_id = registry.register(f"{topic}-value", shapes.SCHEMA)
    new_id = registry.register(f"{topic}-value", shapes.SCHEMA_WITH_LENGTH)
    stack.probe.create_topic(topic)
    stack.probe.write_raw(topic, (None, shapes.encode(known_id, *_KNOWN[0])))
    patient = {f"value.converter.{key}": value for key, value in _PATIENT.items()}
    sinks = [FileSink(stack, worker, topic, engine) for engine in plugins.ENGINES]
    for sink in sinks:
        sink.create(**patient)
    for sink in sinks:
        sink.wait_for_rows([shapes.line(*_KNOWN[0])])
    writer = _Source(stack, worker, f"{topic}-known", patient)
    writer.append("bucatini")
    writer.create()
    stack.probe.wait_for_count(writer.topic, 1)

    stack.registry.kill()
    stack.proxy.forget_requests()
    # What the converters know they do not ask for: both directions go on without the registry.
    stack.probe.write_raw(topic, (None, shapes.encode(known_id, *_KNOWN[1])))
    for sink in sinks:
        sink.wait_for_rows([shapes.line(*row) for row in _KNOWN])
    writer.append("rigatoni")
    stack.probe.wait_for_count(writer.topic, 2)
    if asked := stack.proxy.requests():
        raise Failure(f"a registry that is down was asked for schemas that the converters have: {asked}")

    stack.probe.write_raw(topic, (None, shapes.encode(new_id, *_NEW)))
    newcomer = _Source(stack, worker, f"{topic}-new", patient)
    newcomer.append("orecchiette")
    newcomer.create()
    worker.client.wait(lambda: len(stack.proxy.requests()) > 3, "the converters to ask for what they do not know")
    time.sleep(_OUTAGE_SECONDS)
    for sink in sinks:
        worker.client.raise_if_failed(sink.name)
    if stack.probe.count(newcomer.topic):
        raise Failure(f"a record was written to {newcomer.topic} without a registry")
    stack.registry.start()

    for sink in sinks:
        sink.wait_for_rows([shapes.line(*row) for row in (*_KNOWN, _NEW)])
    stack.probe.wait_for_count(newcomer.topic, 1)
    found = [record["value"]["avro"] for source in (writer, newcomer) for record in stack.probe.read_avro(source.topic)]
    expect_equal("the lines that were written", ['"bucatini"', '"rigatoni"', '"orecchiette"'], found)
    same_id = registry.register(f"{topic}-value", shapes.SCHEMA_WITH_LENGTH)
    expect_equal("the id of a schema after the restart", new_id, same_id)
    for name in (*(sink.name for sink in sinks), writer.topic, newcomer.topic):
        worker.client.raise_if_failed(name)
        worker.client.delete(name)


class _Source:
    """Kafka's own file source with our converter: each line of its file becomes a record."""

    def __init__(self, stack: Stack, worker: Connect, topic: str, settings: dict[str, str]) -> None:
        self.topic = topic
        self._worker = worker
        self._file = stack.workspace.make_folder("lines") / f"{topic}.txt"
        self._config = {
            "name": topic,
            "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
            "topic": topic,
            "file": str(self._file),
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": AVRO_CONVERTER,
            "value.converter.schema.registry.url": stack.proxy.url,
            "value.converter.basic.auth.credentials.source": "USER_INFO",
            "value.converter.basic.auth.user.info": stack.proxy.user_info,
        } | settings

    def append(self, line: str) -> None:
        with self._file.open("a") as file:
            file.write(f"{line}\n")

    def create(self) -> None:
        self._worker.client.create(self._config)
