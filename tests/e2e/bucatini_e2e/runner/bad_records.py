"""Records that cannot be read by their own fault: one ends the run, or goes to the dead-letter queue and no other."""

from .. import shapes
from ..failure import Failure, expect_equal
from ..registry_client import RegistryClient
from ..servers.stack import Stack
from ..steps import step
from .pipe import Pipe

_FAILED_LATER = 5
_GOOD = [(1, "bucatini"), (2, "rigatoni")]
_TABLE = "shapes"


def check(stack: Stack) -> None:
    strict = Pipe(stack, "bad_records_strict", _TABLE, "mariadb", is_direct=False, sink_changes=_sink("bad_records_strict", None))
    schema_id = RegistryClient(stack.proxy).register("runner-bad-records-value", shapes.SCHEMA)
    good = [shapes.encode(schema_id, *row) for row in _GOOD]
    bad = [b"\x7f" + good[0][1:], b"al dente", good[0][:3], good[0][:-3]]
    topic = "runner-bad-records"
    stack.probe.create_topic(topic)
    stack.probe.write_raw(topic, (None, good[0]), *((None, value) for value in bad), (None, good[1]))
    with step("bad records, tolerance none: the run ends and says which record it was"):
        sink = strict.files[1:]
        strict.runner.run(sink, "--stop-when-idle", "5")
        strict.runner.wait_for_end(_FAILED_LATER)
        said = strict.runner.log_text()
        if f"{topic}-0@1" not in said:
            raise strict.runner.failed(f"its log does not name {topic}-0@1")
        if "al dente" in said:
            raise Failure("the log shows what a record holds")
        committed = stack.probe.committed(strict.group, topic)
        if committed is not None and committed > 1:
            raise Failure(f"offset {committed} was committed, past the record 1 that could not be read")
        strict.tidy_up()
    letters = f"{topic}-letters"
    tolerant = Pipe(
        stack, "bad_records_tolerant", _TABLE, "mariadb", is_direct=False, sink_changes=_sink("bad_records_tolerant", letters)
    )
    with step("bad records, tolerance all: exactly they are in the dead-letter queue, the others in the table"):
        strict.target.sql(f"drop table if exists {_TABLE}")
        tolerant.runner.run(tolerant.files[1:], "--stop-when-idle", "3")
        tolerant.runner.wait_for_end(0)
        expect_equal("the rows", [f"{number}|{name}" for number, name in _GOOD], tolerant.there("id, name"))
        _check_letters(stack, letters, topic, tolerant.name, bad)
        expect_equal("the committed offset", len(good) + len(bad), stack.probe.committed(tolerant.group, topic))
        tolerant.tidy_up()
        tolerant.target.sql(f"drop table {_TABLE}")


def _sink(name: str, letters: str | None) -> dict[str, str]:
    changes = {
        "topics": "runner-bad-records",
        "name": f"{name}-sink",
        "pk.mode": "record_value",
        "pk.fields": "id",
        "delete.enabled": "false",
    }
    if letters is not None:
        changes |= {
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": letters,
            "errors.deadletterqueue.topic.replication.factor": "1",
            "errors.deadletterqueue.context.headers.enable": "true",
        }
    return changes


def _check_letters(stack: Stack, letters: str, topic: str, name: str, bad: list[bytes]) -> None:
    found = stack.probe.read_raw(letters)
    expect_equal("the dead letters", bad, [letter["value"] for letter in found])
    for number, letter in enumerate(found):
        headers = dict(letter["headers"])
        expected = {
            "__connect.errors.topic": topic,
            "__connect.errors.partition": "0",
            "__connect.errors.offset": str(number + 1),
            "__connect.errors.connector.name": f"{name}-sink",
            "__connect.errors.task.id": "0",
            "__connect.errors.stage": "VALUE_CONVERTER",
            "__connect.errors.class.name": "io.confluent.connect.avro.AvroConverter",
            "__connect.errors.exception.class.name": "org.apache.kafka.connect.errors.DataException",
        }
        expect_equal(f"the context of dead letter {number}", expected, {key: headers.get(key) for key in expected})
        if not headers.get("__connect.errors.exception.message"):
            raise Failure(f"dead letter {number} does not say what was wrong with it")
