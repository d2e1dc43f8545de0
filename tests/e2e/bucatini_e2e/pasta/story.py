"""The story, step by step, however its connectors are run."""

import time
from collections.abc import Callable

from .. import places
from ..failure import Failure, expect_equal
from ..registry_client import RegistryClient
from ..servers.stack import Stack
from ..steps import show, step
from . import configs, records
from .way import Way

TOPIC = "my_pg_source.public.pasta"
SLOT = "test_slot"
_TABLE = "pasta_mysql"
_PATIENCE_SECONDS = 60.0
_ROWS = f"select id, name, cooking_minutes, __deleted from {_TABLE}"
_CREATE = """
create table pasta (id serial, name varchar primary key, cooking_minutes int);
alter table pasta replica identity full;
insert into pasta (name, cooking_minutes) values ('spaghetti', 8);
insert into pasta (name, cooking_minutes) values ('pennette', 7);
insert into pasta (name, cooking_minutes) values ('linguine', 10);
insert into pasta (name, cooking_minutes) values ('farfalle', 9);
"""
_UPDATE = "update pasta set cooking_minutes=6 where name='pennette';"
_RENAME_AND_DELETE = (
    "update pasta set name='spaghettini' where name='spaghetti'; delete from pasta where name='linguine';"
)


def tell(
    stack: Stack, way: Way, engine: str, target: str, before_end: Callable[[], None] | None = None
) -> None:
    """Run the whole story this way into this database; returns only if every expectation held.

    `before_end` is called when all is done and the connectors still run.
    """
    values = stack.config_values(target, engine)
    source = configs.render(way.folder / configs.SOURCE_FILE, values)
    sink = configs.render(way.folder / configs.SINK_FILE, values)
    with step("the examples differ from the known-good configurations in what they may only"):
        configs.check_examples()
    with step("clean beginning: table pasta in PostgreSQL, nothing elsewhere"):
        _tidy(stack, way, target)
        stack.postgres.create_database(values["POSTGRES_DATABASE"])
        stack.postgres.sql(values["POSTGRES_DATABASE"], _CREATE)
    with step("source: the snapshot's 4 records are on the topic" if way.uses_topic else "source: asked for"):
        way.start_source(source)
        _wait_for_records(stack, way, 4)
    with step("source: the update's record is on the topic" if way.uses_topic else "the update"):
        stack.postgres.sql(values["POSTGRES_DATABASE"], _UPDATE)
        _wait_for_records(stack, way, 5)
    with step(f"sink: {target} holds the story's first table"):
        way.start_sink(sink)
        show(_wait_for_table(stack, way, target, "pasta_mysql-after-update.txt"))
    with step("rename and delete: 5 more records, two of them tombstones"):
        stack.postgres.sql(values["POSTGRES_DATABASE"], _RENAME_AND_DELETE)
        _wait_for_records(stack, way, 10)
    with step(f"sink: {target} holds the story's last table"):
        show(_wait_for_table(stack, way, target, "pasta_mysql-final.txt"))
        file = f"pasta_mysql-definition-{way.name}-{target}.txt"
        expect_equal(
            "the table's definition",
            (places.EXPECTED / file).read_text().strip(),
            stack.targets[target].definition(_TABLE),
        )
    if way.uses_topic and way.uses_avro:
        _check_avro(stack)
    elif way.uses_topic:
        with step("topic: 10 records, keys, values, schemas and headers as expected"):
            records.check_json(stack.probe.read_raw(TOPIC))
    if before_end is not None:
        before_end()
    way.check_running()
    _tidy(stack, way, target, keep_results=True)


def _check_avro(stack: Stack) -> None:
    with step("topic: 10 records, keys, values and headers as expected and as the story prints them"):
        found = stack.probe.read_avro(TOPIC)
        records.check_avro(found)
        records.check_against_printed_story(found)
    with step("registry: both schemas as expected, every request with the credentials"):
        registry = RegistryClient(stack.proxy)
        for side in ("key", "value"):
            subject = f"{TOPIC}-{side}"
            expect_equal(f"schema of {subject}", records.expected_schemas()[side], registry.latest_schema(subject))
            wanted = f"/subjects/{subject}/versions"
            if not any(
                request.method == "POST" and request.path.split("?")[0] == wanted and request.status == 200
                for request in stack.proxy.requests()
            ):
                raise Failure(f"nobody registered {subject}: the registry saw no successful POST {wanted}")
        without = [request for request in stack.proxy.requests() if not request.authorized]
        if without:
            raise Failure(f"requests without the credentials reached the registry: {without}")
    with step("a Java consumer with another vendor's serdes reads the same values"):
        expected = [record["value"] and record["value"]["avro"] for record in found]
        expect_equal("the values of the peer", expected, stack.probe.peer_read(TOPIC))


def _wait_for_records(stack: Stack, way: Way, count: int) -> None:
    if not way.uses_topic:
        return

    def arrived() -> bool:
        found = stack.probe.count(TOPIC)
        if found > count:
            raise Failure(f"topic {TOPIC} holds {found} records, expected {count}")
        return found == count

    _wait(way, arrived, lambda: f"{count} records on {TOPIC}, found {stack.probe.count(TOPIC)}")


def _wait_for_table(stack: Stack, way: Way, target: str, expectation: str) -> str:
    expected = (places.EXPECTED / expectation).read_text().strip()
    _wait(
        way,
        lambda: _table(stack, target) == expected,
        lambda: f"the table {_TABLE} in {target} as\n{expected}\nfound\n{_table(stack, target)}",
    )
    return expected


def _wait(way: Way, is_so: Callable[[], bool], what: Callable[[], str]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        way.raise_if_failed()
        if time.monotonic() > deadline:
            raise Failure(f"within {_PATIENCE_SECONDS:.0f} s expected {what()}")
        time.sleep(0.1)


def _table(stack: Stack, target: str) -> str:
    database = stack.targets[target]
    exists = database.sql(f"select 1 from information_schema.tables where table_name = '{_TABLE}'")
    return database.sql(_ROWS) if exists else ""


def _tidy(stack: Stack, way: Way, target: str, keep_results: bool = False) -> None:
    """Take the story's traces away, so that it can be told again under the same names on the same servers."""
    way.tidy()
    stack.postgres.drop_slot(SLOT)
    if keep_results:
        return
    stack.probe.delete_topic(TOPIC)
    registry = RegistryClient(stack.proxy)
    for side in ("key", "value"):
        registry.forget(f"{TOPIC}-{side}")
    stack.proxy.forget_requests()
    stack.targets[target].sql(f"drop table if exists {_TABLE}")
