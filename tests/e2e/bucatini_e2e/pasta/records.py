"""The records of the story's topic: what is expected, and what of them changes from run to run."""

import json
import re

from .. import places
from ..failure import Failure, expect_equal

#: The version that the connector of the story writes; the runner writes its own.
_DEBEZIUM = "1.7.0.Final"
_MILLISECONDS_OF_2020 = 1_577_836_800_000


def expected_avro() -> list[dict]:
    return _load("pasta-topic-avro.jsonl")


def expected_json() -> list[dict]:
    return _load("pasta-topic-json.jsonl")


def expected_schemas() -> dict[str, dict]:
    """The Avro schemas of the topic's key and value."""
    return json.loads((places.EXPECTED / "pasta-schemas.json").read_text())


def check_avro(found: list[dict]) -> None:
    """Compare records as the probe prints them with those expected: key, value and headers."""
    for number, (record, expected) in enumerate(zip(found, expected_avro(), strict=True)):
        what = f"record {number} ({expected['step']})"
        expect_equal(f"headers of {what}", expected["headers"], record["headers"])
        expect_equal(f"key of {what}", expected["key"], record["key"]["avro"])
        value = record["value"]
        expect_equal(f"value of {what}", comparable(expected["value"]), comparable(value and value["avro"]))


def check_json(found: list[dict]) -> None:
    """The same for records in the form of stock JsonConverter, which carry their schemas."""
    for number, (record, expected) in enumerate(zip(found, expected_json(), strict=True)):
        what = f"record {number} ({expected['step']})"
        key, value = (None if record[side] is None else json.loads(record[side]) for side in ("key", "value"))
        expect_equal(f"headers of {what}", expected["headers"], record["headers"])
        expect_equal(f"key of {what}", expected["key"], key)
        for side in (expected["value"], value):
            if side is not None:
                _neutralise(side["payload"])
        expect_equal(f"value of {what}", expected["value"], value)


def check_against_printed_story(found: list[dict]) -> None:
    """The lines which the story itself prints must come out, byte for byte but for the volatile fields."""
    printed = (places.EXPECTED / "story-kcat.txt").read_text().splitlines()
    lines = [
        line
        for record in found
        if record["value"]
        for line in (f"Key: {record['key']['avro']}", f"Value: {comparable(record['value']['avro'])}")
    ]
    for key, value in zip(printed[::2], printed[1::2], strict=True):
        wanted = [key, f"Value: {comparable(value.removeprefix('Value: '))}"]
        if not any(lines[at : at + 2] == wanted for at in range(0, len(lines), 2)):
            raise Failure(f"the topic has no record that kcat would print as the story does:\n  {key}\n  {value}")


def comparable(text: str | None) -> str | None:
    """The text with its volatile values replaced, after a check that nothing but kcat's own spacing is in it."""
    if text is None:
        return None
    value = json.loads(text)
    expect_equal("the spacing of a record", json.dumps(value), text)
    _neutralise(value)
    return json.dumps(value)


def _neutralise(envelope: dict) -> None:
    """Replace versions, times, positions, transaction ids and the database's name, and check that they make sense."""
    source = envelope["source"]
    for holder in (envelope, source):
        _replace(holder, "ts_ms", lambda value: isinstance(value, int) and value > _MILLISECONDS_OF_2020)
    lsn = _plain(source["lsn"])
    _replace(source, "lsn", lambda value: isinstance(value, int) and value > 0)
    _replace(source, "txId", lambda value: isinstance(value, int) and value > 0)
    _replace(source, "version", lambda value: value == _DEBEZIUM or value.startswith("bucatini-"))
    _replace(source, "db", lambda value: isinstance(value, str))
    sequence = _plain(source["sequence"])
    if json.loads(sequence)[1] != str(lsn):
        raise Failure(f"the sequence {sequence} does not end with the record's own position {lsn}")
    # Whether there was an earlier commit is a fact of the story; which position it had is not.
    _set(source, "sequence", re.sub(r"\d+", "N", sequence))


def _replace(holder: dict, name: str, is_plausible) -> None:
    if not is_plausible(_plain(holder[name])):
        raise Failure(f"the field {name} holds {holder[name]!r}")
    _set(holder, name, f"<{name}>")


def _plain(value):
    """The value inside an Avro union, or the value itself."""
    return next(iter(value.values())) if isinstance(value, dict) else value


def _set(holder: dict, name: str, value: str) -> None:
    if isinstance(holder[name], dict):
        holder[name] = dict.fromkeys(holder[name], value)
    else:
        holder[name] = value


def _load(name: str) -> list[dict]:
    return [json.loads(line) for line in (places.EXPECTED / name).read_text().splitlines()]
