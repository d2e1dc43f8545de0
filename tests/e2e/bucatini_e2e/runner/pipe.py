"""A pipe of the runner for a table of a test's own: its configurations, its runner, and both sides of it compared."""

import json
import time

from .. import places
from ..failure import Failure
from ..pasta import configs
from ..servers.runner import Runner
from ..servers.stack import Stack


class Pipe:
    """From a table in PostgreSQL to the table of the same name in a target, rows deleted as well."""

    def __init__(
        self,
        stack: Stack,
        name: str,
        table: str,
        target: str,
        is_direct: bool,
        source_changes: dict[str, str] | None = None,
        sink_changes: dict[str, str] | None = None,
    ) -> None:
        self._stack = stack
        self.name = name
        self.table = table
        self.target = stack.targets[target]
        self.runner = Runner(stack.workspace, stack.kafka, "native", is_direct, instance=name)
        values = stack.config_values(target, "native") | {"POSTGRES_DATABASE": name}
        source = configs.render(places.EXAMPLES / configs.SOURCE_FILE, values) | {
            "name": f"{name}-source",
            "slot.name": name,
            "database.server.name": name,
            "table.include.list": f"public.{table}",
        }
        sink = configs.render(places.EXAMPLES / configs.SINK_FILE, values) | {
            "name": f"{name}-sink",
            "topics": f"{name}.public.{table}",
            "table.name.format": table,
            "pk.fields": "id",
            "delete.enabled": "true",
            # The tombstone after a delete says it all.
            "transforms.newrecordstate.delete.handling.mode": "drop",
        }
        self.topic = sink["topics"]
        self.group = f"connect-{sink['name']}"
        folder = stack.workspace.make_folder(f"pipe-{name}")
        self.files = []
        for file, config in (
            (configs.SOURCE_FILE, source | (source_changes or {})),
            (configs.SINK_FILE, sink | (sink_changes or {})),
        ):
            (folder / file).write_text(json.dumps(config))
            self.files.append(str(folder / file))
        stack.postgres.create_database(name)

    def start(self) -> None:
        self.runner.run(self.files)

    def run_to_its_end(self, *arguments: str) -> None:
        """A run that is told when to end, and does so with success."""
        self.runner.run(self.files, *arguments)
        self.runner.wait_for_end(0)

    def tidy_up(self) -> None:
        """Slot and database go; the runner has ended."""
        self._stack.postgres.drop_slot(self.name)
        self._stack.postgres.sql("postgres", f'drop database "{self.name}" with (force)')

    def sql(self, statements: str) -> str:
        return self._stack.postgres.sql(self.name, statements)

    def here(self, columns: str) -> list[str]:
        """The rows in PostgreSQL, one line each, columns apart by |."""
        return self.sql(f"select {columns} from {self.table} order by id").splitlines()

    def there(self, columns: str) -> list[str]:
        """The same in the target; no rows while the table is not there."""
        exists = self.target.sql(f"select 1 from information_schema.tables where table_name = '{self.table}'")
        return self.target.rows(f"select {columns} from {self.table} order by id") if exists else []

    def end(self) -> None:
        self.runner.stop_and_expect_success()
        self.tidy_up()

    def differences(self, columns: str) -> str:
        here, there = set(self.here(columns)), set(self.there(columns))
        missing, surplus = sorted(here - there), sorted(there - here)
        return (
            f"{len(here)} rows in PostgreSQL, {len(there)} in {self.target.name}; "
            f"missing {len(missing)}: {missing[:3]}, surplus {len(surplus)}: {surplus[:3]}"
        )

    def wait_until_equal(self, columns: str, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while self.here(columns) != self.there(columns):
            self.runner.raise_if_ended()
            if time.monotonic() > deadline:
                raise self.runner.failed(self.differences(columns))
            time.sleep(0.2)

    def raise_unless_equal(self, columns: str) -> None:
        if self.here(columns) != self.there(columns):
            raise Failure(f"pipe {self.name}: {self.differences(columns)}")
