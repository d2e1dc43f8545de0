"""Runs that end by themselves, with everything delivered; and a sink of several tasks."""

import time

from ..failure import Failure
from ..servers.stack import Stack
from ..steps import show, step
from .pipe import Pipe

_ROWS = 3_000
_PARTITIONS = 3
_COLUMNS = "id, name"
_INTERRUPTED = 130
_UNDER_WAY_SECONDS = 1.0


def check(stack: Stack) -> None:
    _until(stack, is_direct=False)
    _until(stack, is_direct=True)
    _interrupted_twice(stack)
    _several_tasks(stack)


def _until(stack: Stack, is_direct: bool) -> None:
    name = "ending_direct" if is_direct else "ending_kafka"
    pipe = _pipe(stack, name, is_direct)
    with step(f"{name}: --until snapshot, caught-up and a position, --stop-when-idle"):
        pipe.run_to_its_end("--until", "snapshot")
        pipe.raise_unless_equal(_COLUMNS)
        pipe.sql(f"update {pipe.table} set name = 'changed' where id % 3 = 0")
        pipe.run_to_its_end("--until", "caught-up")
        pipe.raise_unless_equal(_COLUMNS)
        pipe.sql(f"delete from {pipe.table} where id % 7 = 0")
        position = pipe.sql("select pg_current_wal_lsn()")
        pipe.sql(f"update {pipe.table} set name = 'moved on' where id = 1")
        pipe.run_to_its_end("--until", position)
        if len(pipe.there(_COLUMNS)) != len(pipe.here(_COLUMNS)):
            raise Failure(f"the rows deleted before {position} are still there after --until {position}")
        pipe.run_to_its_end("--stop-when-idle", "2")
        pipe.raise_unless_equal(_COLUMNS)
    pipe.tidy_up()


def _interrupted_twice(stack: Stack) -> None:
    pipe = _pipe(stack, "interrupted_twice", is_direct=True)
    with step("Ctrl-C waits for a database that does not answer, a second one does not, and nothing is lost"):
        pipe.start()
        pipe.wait_until_equal(_COLUMNS)
        with pipe.target.paused():
            pipe.sql(f"update {pipe.table} set name = 'under way'")
            time.sleep(_UNDER_WAY_SECONDS)
            pipe.runner.interrupt()
            time.sleep(_UNDER_WAY_SECONDS)
            pipe.runner.raise_if_ended()
            pipe.runner.interrupt()
            pipe.runner.wait_for_end(_INTERRUPTED, seconds=10)
        pipe.run_to_its_end("--until", "caught-up")
        pipe.raise_unless_equal(_COLUMNS)
    pipe.tidy_up()


def _several_tasks(stack: Stack) -> None:
    pipe = _pipe(
        stack,
        "several_tasks",
        is_direct=False,
        source_changes={"topic.creation.default.partitions": str(_PARTITIONS), "topic.creation.default.replication.factor": "1"},
        sink_changes={"tasks.max": str(_PARTITIONS)},
    )
    with step(f"a sink of {_PARTITIONS} tasks reads {_PARTITIONS} partitions"):
        pipe.run_to_its_end("--until", "snapshot")
        pipe.raise_unless_equal(_COLUMNS)
        for statement in ("update {} set name = 'a' || id", "update {} set name = 'b' || id", "delete from {} where id % 2 = 0"):
            pipe.sql(statement.format(pipe.table))
        pipe.run_to_its_end("--until", "caught-up")
        pipe.raise_unless_equal(_COLUMNS)
        counts = [stack.probe.count(pipe.topic, partition) for partition in range(_PARTITIONS)]
        if not all(counts):
            raise Failure(f"expected records in each of {_PARTITIONS} partitions, found {counts}")
        show(f"records by partition: {counts}")
    pipe.tidy_up()


def _pipe(stack: Stack, name: str, is_direct: bool, **changes: dict[str, str]) -> Pipe:
    pipe = Pipe(stack, name, name, "mysql", is_direct, **changes)
    pipe.sql(
        f"""create table {name} (id bigint primary key, name varchar(40)); alter table {name} replica identity full;
        insert into {name} select n, 'name ' || n from generate_series(1, {_ROWS}) n"""
    )
    return pipe
