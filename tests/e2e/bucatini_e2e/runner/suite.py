"""All tests of the runner, in parts that can also be asked for one by one."""

from ..pasta import story
from ..pasta.way import InRunner
from ..servers import runner as program
from ..servers.stack import Stack
from . import bad_records, bulk, connectors, ending, killing, printing

PARTS = ("story", "ending", "bad-records", "kill", "bulk", "connectors")


def check(stack: Stack, part: str | None = None, bulk_rows: int = bulk.ROWS) -> None:
    program.binary()
    if part in (None, "story"):
        tell(stack, "native", "mysql", is_direct=False)
        printing.check(stack)
        tell(stack, "wasm", "mariadb", is_direct=False)
        tell(stack, "native", "mariadb", is_direct=True)
        tell(stack, "wasm", "mysql", is_direct=True)
    if part in (None, "ending"):
        ending.check(stack)
    if part in (None, "bad-records"):
        bad_records.check(stack)
    if part in (None, "bulk"):
        bulk.check(stack, bulk_rows)
    if part in (None, "kill"):
        killing.check(stack, is_direct=False)
        killing.check(stack, is_direct=True)
    if part in (None, "connectors"):
        connectors.check(stack)


def tell(stack: Stack, engine: str, target: str, is_direct: bool) -> None:
    how = "directly" if is_direct else "through Kafka"
    print(f"the story in the runner, {how}: engine {engine}, into {target}", flush=True)
    story.tell(stack, InRunner(stack, engine, is_direct), engine, target)
