"""Records that cannot be read by their own fault: one stops the task, or goes to the dead-letter queue and no other."""

from .. import plugins, shapes
from ..failure import Failure, expect_equal
from ..file_sink import AVRO_CONVERTER, FileSink
from ..registry_client import RegistryClient
from ..servers.connect import Connect
from ..servers.stack import Stack
from ..steps import step
from .failing import expect_position

_DATA_EXCEPTION = "org.apache.kafka.connect.errors.DataException"
_GOOD = [(1, "bucatini"), (2, "rigatoni")]


def check(stack: Stack, worker: Connect) -> None:
    topic = f"bad-records-{worker.version}"
    schema_id = RegistryClient(stack.proxy).register(f"{topic}-value", shapes.SCHEMA)
    good = [shapes.encode(schema_id, *row) for row in _GOOD]
    bad = {
        "wrong magic byte": b"\x7f" + good[0][1:],
        "garbage": b"al dente",
        "shorter than its header": good[0][:3],
        "cut off in the middle": good[0][:-3],
    }
    stack.probe.create_topic(topic)
    stack.probe.write_raw(topic, (None, good[0]), *((None, value) for value in bad.values()), (None, good[1]))
    for engine in plugins.ENGINES:
        with step(
            f"bad records, {engine}: tolerance none fails the task, all puts exactly them in the dead-letter queue"
        ):
            strict = FileSink(stack, worker, topic, engine, "none")
            tolerant = FileSink(stack, worker, topic, engine, "all")
            strict.create()
            tolerant.create()
            trace = worker.client.wait_until_failed(strict.name)
            if _DATA_EXCEPTION not in trace:
                raise Failure(f"a bad record failed {strict.name} with something else than a DataException:\n{trace}")
            expect_position(strict, 1)
            tolerant.wait_for_rows([shapes.line(*row) for row in _GOOD])
            stack.probe.wait_for_count(tolerant.dead_letters, len(bad))
            _check_dead_letters(stack, tolerant, list(bad.values()))
            worker.client.wait_until_running(tolerant.name)
            for sink in (strict, tolerant):
                worker.client.delete(sink.name)


def _check_dead_letters(stack: Stack, sink: FileSink, bad: list[bytes]) -> None:
    letters = stack.probe.read_raw(sink.dead_letters)
    expect_equal(f"the dead letters of {sink.name}", bad, [letter["value"] for letter in letters])
    for number, letter in enumerate(letters):
        headers = dict(letter["headers"])
        expected = {
            "__connect.errors.topic": sink.topic,
            "__connect.errors.partition": "0",
            "__connect.errors.offset": str(number + 1),
            "__connect.errors.connector.name": sink.name,
            "__connect.errors.task.id": "0",
            "__connect.errors.stage": "VALUE_CONVERTER",
            "__connect.errors.class.name": AVRO_CONVERTER,
            "__connect.errors.exception.class.name": _DATA_EXCEPTION,
        }
        found = {key: headers.get(key) for key in expected}
        expect_equal(f"the context of dead letter {number} of {sink.name}", expected, found)
        if not headers.get("__connect.errors.exception.message"):
            raise Failure(f"dead letter {number} of {sink.name} does not say what was wrong with it")
