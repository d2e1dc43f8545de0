"""A small topic of records for tests that need rows rather than the story: the shapes of pasta, in Avro."""

import struct

SCHEMA = {
    "type": "record",
    "name": "Shape",
    "namespace": "bucatini.e2e",
    "fields": [{"name": "id", "type": "int"}, {"name": "name", "type": ["null", "string"], "default": None}],
}
#: The same record after its table got one more column: another schema, which a converter has to ask the registry for.
SCHEMA_WITH_LENGTH = SCHEMA | {"fields": [*SCHEMA["fields"], {"name": "length", "type": "int", "default": 0}]}


def encode(schema_id: int, number: int, name: str, length: int | None = None) -> bytes:
    """A row in the registry's wire format, written by hand so that no library of ours or of others is involved."""
    body = _number(number) + _number(1) + _number(len(name.encode())) + name.encode()
    return b"\0" + struct.pack(">I", schema_id) + body + (b"" if length is None else _number(length))


def line(number: int, name: str, length: int | None = None) -> str:
    """How Connect's file sink writes the row."""
    return f"Struct{{id={number},name={name}" + ("}" if length is None else f",length={length}}}")


def _number(value: int) -> bytes:
    """A number in Avro's variable length; small positive ones are enough here."""
    doubled = value * 2
    if not 0 <= doubled < 128:
        raise ValueError(f"{value} does not fit in one byte")
    return bytes([doubled])
