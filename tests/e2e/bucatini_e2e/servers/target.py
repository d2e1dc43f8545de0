"""What MariaDB and MySQL have in common: options, a user for the sink, and the client's own table output."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .server import Server


class TargetDatabase(Server):
    accounts = ("mysql", "nobody")
    user = "pasta"
    password = "pasta-target"
    database = "target"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        return self.folder / "socket"

    def server_options(self) -> list[str]:
        return [
            f"--datadir={self.data}",
            f"--port={self.port}",
            f"--socket={self.socket}",
            "--bind-address=127.0.0.1",
            f"--pid-file={self.folder / 'pid'}",
            # What is committed survives the death of the process, if not of the machine.
            "--innodb-flush-log-at-trx-commit=2",
            "--skip-log-bin",
            "--character-set-server=utf8mb4",
        ]

    def client(self) -> list[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        ping = [*self.client(), "--user=root", f"--socket={self.socket}", "--execute=select 1"]
        return subprocess.run(ping, capture_output=True, check=False).returncode == 0

    def started(self) -> None:
        self.sql(
            f"create database {self.database}; create user '{self.user}'@'%' identified by '{self.password}';"
            f"grant all on {self.database}.* to '{self.user}'@'%'; flush privileges;",
            database="",
        )

    def sql(self, statements: str, database: str | None = None) -> str:
        """Run statements as the administrator; rows come as the client prints them, in a box of characters."""
        return self._client(statements, "--table", self.database if database is None else database)

    def rows(self, query: str) -> list[str]:
        """The rows of a query, one line each, columns apart by |, as psql prints them unaligned."""
        return self._client(query, "--batch --skip-column-names", self.database).replace("\t", "|").splitlines()

    def url(self) -> str:
        return f"mysql://{self.user}:{self.password}@127.0.0.1:{self.port}/{self.database}"

    @contextlib.contextmanager
    def logging_statements(self) -> Iterator["StatementLog"]:
        """Log every statement while the block runs."""
        self.sql("set global log_output = 'TABLE'; truncate mysql.general_log; set global general_log = 'ON'")
        try:
            yield StatementLog(self)
        finally:
            self.sql("set global general_log = 'OFF'")

    def definition(self, table: str) -> str:
        """The statement that would create the table, as the client prints it."""
        return self._client(f"show create table {table}", "--vertical", self.database)

    def _client(self, statements: str, form: str, database: str) -> str:
        options = ["--user=root", f"--socket={self.socket}", "--default-character-set=utf8mb4", *form.split()]
        return self.run([*self.client(), *options, database], "SQL", input=statements).strip("\n")

    def jdbc_url(self) -> str:
        return f"jdbc:mysql://127.0.0.1:{self.port}/{self.database}?useSSL=false&allowPublicKeyRetrieval=true"


class StatementLog:
    """What the server logged of the statements that it ran."""

    def __init__(self, server: TargetDatabase) -> None:
        self._server = server

    def count(self, pattern: str) -> int:
        """How many statements ran whose text is like this, in any case; preparing one does not count."""
        return int(
            self._server.rows(
                "select count(*) from mysql.general_log where command_type in ('Query', 'Execute') and "
                f"lower(convert(argument using utf8mb4)) like '{pattern}'"
            )[0]
        )
