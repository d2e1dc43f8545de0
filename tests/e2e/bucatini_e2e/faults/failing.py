"""What every fault that is not the record's own has in common: the task fails with an Error and stays where it was."""

import re

from ..failure import Failure
from ..file_sink import AVRO_CONVERTER, FileSink
from ..servers.connect import Connect
from ..servers.stack import Stack

ERROR = "io.bucatini.connect.BucatiniError"


def expect_failed(
    stack: Stack, worker: Connect, sink: FileSink, position: int, cause: str, seconds: float = 60
) -> None:
    """The task fails with our Error, naming plug-in and cause; no record from `position` on is counted as done."""
    trace = worker.client.wait_until_failed(sink.name, seconds)
    for what, pattern in (
        ("our Error", re.escape(ERROR)),
        ("the plug-in", AVRO_CONVERTER.rsplit(".", 1)[1]),
        ("the cause", cause),
    ):
        if not re.search(pattern, trace, re.IGNORECASE):
            raise Failure(f"the trace of {sink.name} does not name {what} ({pattern}):\n{trace}")
    expect_position(sink, position)
    if sink.tolerance == "all" and (letters := stack.probe.count(sink.dead_letters)):
        raise Failure(f"{sink.name} sent {letters} records to its dead-letter queue for a fault that is not theirs")


def expect_position(sink: FileSink, position: int) -> None:
    committed = sink.committed()
    if committed > position:
        raise Failure(f"{sink.name} committed offset {committed}, past the record {position} that it could not read")
