"""Topics are shared with other teams: what their Java producer writes, our converter reads.

The other way round, their consumer reading what we wrote, is part of the story.
"""

from . import shapes
from .file_sink import FileSink
from .servers.connect import Connect
from .servers.stack import Stack
from .steps import step

_ROWS = [(1, "bucatini"), (2, "rigatoni")]


def check(stack: Stack, worker: Connect, engine: str) -> None:
    with step(f"our converter ({engine}) reads what a Java producer with another vendor's serdes wrote"):
        topic = f"peer-{engine}-{worker.version}"
        stack.probe.peer_write(
            topic, shapes.SCHEMA, *(f'{{"id": {number}, "name": {{"string": "{name}"}}}}' for number, name in _ROWS)
        )
        sink = FileSink(stack, worker, topic, engine)
        sink.create()
        sink.wait_for_rows([shapes.line(*row) for row in _ROWS])
        worker.client.delete(sink.name)
