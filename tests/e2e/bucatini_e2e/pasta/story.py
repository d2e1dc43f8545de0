"""The story, step by step, in stock Kafka Connect: with our plug-ins, or with stock ones as the control."""

import time
from dataclasses import dataclass

from .. import places
from ..failure import Failure, expect_equal
from ..registry_client import RegistryClient
from ..servers.connect import Connect
from ..servers.stack import Stack
from ..steps import step
from . import configs, records

TOPIC = "my_pg_source.public.pasta"
SLOT = "test_slot"
_TABLE = "pasta_mysql"
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


@dataclass(frozen=True)
class Flavour:
    """Whose plug-ins tell the story. Ours run in one of two engines; the control has none."""

    engine: str

    @property
    def is_ours(self) -> bool:
        return self.engine != "stock"

    @property
    def folder(self):
        return places.EXAMPLES if self.is_ours else places.EXPECTED / "stock-json"


def tell(stack: Stack, worker: Connect, flavour: Flavour, target: str) -> None:
    """Run the whole story on this worker into this database; returns only if every expectation held."""
    values = stack.config_values(target, flavour.engine)
    source = {"name": "cdc-source-pg"} | configs.render(flavour.folder / configs.SOURCE_FILE, values)
    sink = {"name": "cdc-sink-mysql"} | configs.render(flavour.folder / configs.SINK_FILE, values)
    if flavour.is_ours:
        with step("the examples differ from the known-good configurations in what they may only"):
            configs.check_examples()
    with step("clean beginning: table pasta in PostgreSQL, nothing elsewhere"):
        _tidy(stack, worker, target)
        stack.postgres.create_database(values["POSTGRES_DATABASE"])
        stack.postgres.sql(values["POSTGRES_DATABASE"], _CREATE)
    with step("source: the snapshot's 4 records are on the topic"):
        worker.client.create(source)
        _wait_for_records(stack, worker, source["name"], 4)
    with step("source: the update's record is on the topic"):
        stack.postgres.sql(values["POSTGRES_DATABASE"], _UPDATE)
        _wait_for_records(stack, worker, source["name"], 5)
    with step(f"sink: {target} holds the story's first table"):
        worker.client.create(sink)
        _wait_for_table(stack, worker, sink["name"], target, "pasta_mysql-after-update.txt")
    with step("rename and delete: 5 more records, two of them tombstones"):
        stack.postgres.sql(values["POSTGRES_DATABASE"], _RENAME_AND_DELETE)
        _wait_for_records(stack, worker, source["name"], 10)
    with step(f"sink: {target} holds the story's last table"):
        _wait_for_table(stack, worker, sink["name"], target, "pasta_mysql-final.txt")
        definition = (places.EXPECTED / f"pasta_mysql-definition-{target}.txt").read_text().strip()
        expect_equal("the table's definition", definition, stack.targets[target].definition(_TABLE))
    if flavour.is_ours:
        _check_avro(stack)
    else:
        with step("topic: 10 records, keys, values, schemas and headers as expected"):
            records.check_json(stack.probe.read_raw(TOPIC))
    for connector in (source["name"], sink["name"]):
        worker.client.wait_until_running(connector)
    _tidy(stack, worker, target, keep_results=True)


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


def _wait_for_records(stack: Stack, worker: Connect, connector: str, count: int) -> None:
    def arrived() -> bool:
        worker.client.raise_if_failed(connector)
        found = stack.probe.count(TOPIC)
        if found > count:
            raise Failure(f"topic {TOPIC} holds {found} records, expected {count}")
        return found == count

    worker.client.wait(arrived, f"{count} records on {TOPIC}")


def _wait_for_table(stack: Stack, worker: Connect, connector: str, target: str, expectation: str) -> None:
    expected = (places.EXPECTED / expectation).read_text().strip()
    deadline = time.monotonic() + 60
    while True:
        worker.client.raise_if_failed(connector)
        found = _table(stack, target)
        if found == expected:
            return
        if time.monotonic() > deadline:
            raise Failure(f"table {_TABLE} in {target} is not the story's\n{expected}\nbut\n{found}")
        time.sleep(0.1)


def _table(stack: Stack, target: str) -> str:
    database = stack.targets[target]
    exists = database.sql(f"select 1 from information_schema.tables where table_name = '{_TABLE}'")
    return database.sql(_ROWS) if exists else ""


def _tidy(stack: Stack, worker: Connect, target: str, keep_results: bool = False) -> None:
    """Take the story's traces away, so that it can be told again under the same names on the same servers."""
    for connector in set(worker.client.connectors()) & {"cdc-source-pg", "cdc-sink-mysql"}:
        worker.client.remove(connector)
    stack.postgres.drop_slot(SLOT)
    if keep_results:
        return
    stack.probe.delete_topic(TOPIC)
    registry = RegistryClient(stack.proxy)
    for side in ("key", "value"):
        registry.forget(f"{TOPIC}-{side}")
    stack.proxy.forget_requests()
    stack.targets[target].sql(f"drop table if exists {_TABLE}")
