"""A large table: how the rows travel, and that memory stays small whatever the table's size."""

import re
import time
from pathlib import Path

from ..failure import Failure, expect_equal
from ..servers.stack import Stack
from ..steps import show, step
from .pipe import Pipe
from .printing import cat

ROWS = 300_000
_LEAST_ROWS_A_STATEMENT = 500
_MOST_MEMORY_MB = 60
_PATIENCE_SECONDS = 300.0


def check(stack: Stack, rows: int = ROWS) -> None:
    pipe = Pipe(stack, "bulk", "measurements", "mysql", is_direct=False)
    with step(f"bulk: a table of {rows:,} rows in PostgreSQL"):
        pipe.sql(
            f"""create table measurements (id bigint primary key, sensor int not null, label varchar(40), value numeric(12,3),
              ok boolean, taken timestamp(3), note text, ratio double precision);
            insert into measurements select n, n % 1000, 'sensor ' || n % 1000, n / 8.0, n % 2 = 0,
              timestamp '2026-01-01' + n * interval '1 second', repeat('y', n % 40), n / 3.0 from generate_series(1, {rows}) n"""
        )
    with step(f"bulk: {rows:,} rows in MySQL"):
        with pipe.target.logging_statements() as log:
            started, at = time.monotonic(), time.time()
            pipe.start()
            stack.probe.wait_for_any(pipe.topic)
            first = int(cat(stack, pipe.topic, "-q", "-c", "1", "-f", "%T")) / 1_000 - at
            _wait_for_rows(pipe, rows)
            seconds = time.monotonic() - started
        show(f"first record {first:.2f} s after the start of the process, by its own timestamp")
        show(f"{rows / seconds:,.0f} rows/s from start to end, through Kafka")
    with step(f"bulk: at least {_LEAST_ROWS_A_STATEMENT} rows a statement, by MySQL's own log"):
        inserts = log.count("insert into %measurements%")
        show(f"{inserts} statements")
        if not inserts or rows / inserts < _LEAST_ROWS_A_STATEMENT:
            raise Failure(f"{rows} rows came in {inserts} statements, expected at least {_LEAST_ROWS_A_STATEMENT} rows each")
    with step("bulk: an active walsender, and no program besides the runner"):
        _wait_for_walsender(pipe)
        process = pipe.runner.process
        assert process is not None
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        expect_equal("child processes of the runner", [], children)
    with step(f"bulk: at most {_MOST_MEMORY_MB} MB of memory"):
        peak = _peak_memory_mb(process.pid)
        show(f"peak {peak} MB")
        if peak > _MOST_MEMORY_MB:
            raise Failure(f"the runner needed {peak} MB, expected at most {_MOST_MEMORY_MB} MB")
    columns = "id, sensor, label, value, note"
    with step("bulk: both tables are equal"):
        pipe.raise_unless_equal(columns)
        pipe.end()


def _wait_for_rows(pipe: Pipe, rows: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(pipe.target.rows(f"select 1 from information_schema.tables where table_name = '{pipe.table}'")) == 0 or (
        pipe.target.rows(f"select count(*) from {pipe.table}") != [str(rows)]
    ):
        pipe.runner.raise_if_ended()
        if time.monotonic() > deadline:
            raise pipe.runner.failed(f"{rows} rows had not arrived after {_PATIENCE_SECONDS:.0f} s")
        time.sleep(0.2)


def _wait_for_walsender(pipe: Pipe) -> None:
    deadline = time.monotonic() + 30
    query = f"""select state from pg_stat_replication r join pg_replication_slots s on s.active_pid = r.pid
        where s.slot_name = '{pipe.name}'"""
    while (found := pipe.sql(query)) != "streaming":
        pipe.runner.raise_if_ended()
        if time.monotonic() > deadline:
            raise Failure(f"expected a walsender that streams from slot {pipe.name}, found {found!r}")
        time.sleep(0.2)


def _peak_memory_mb(pid: int) -> int:
    found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    if found is None:
        raise Failure(f"/proc/{pid}/status says nothing about peak memory")
    return int(found[1]) // 1024
