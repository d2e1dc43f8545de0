"""PostgreSQL 15 with wal2json, the database the story starts from."""

import signal
import subprocess
from pathlib import Path

from ..downloads import debian
from ..failure import Missing
from .server import Server

_BIN = Path("/usr/lib/postgresql/15/bin")
_WAL2JSON = Path("/usr/lib/postgresql/15/lib/wal2json.so")


class Postgres(Server):
    name = "postgres"
    accounts = ("postgres", "nobody")
    stop_signal = signal.SIGINT  # "fast" shutdown: does not wait for clients
    user = "postgres"
    password = "pasta-source"

    def install(self) -> None:
        debian.require(_BIN / "postgres", "postgresql-15")
        debian.require(_BIN / "psql", "postgresql-client-15")
        debian.require(_WAL2JSON, "postgresql-15-wal2json")

    def prepare(self) -> None:
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        self.own(password_file)
        self.run(
            [
                str(_BIN / "initdb"),
                "--pgdata",
                str(self._data),
                "--username",
                self.user,
                "--auth=scram-sha-256",
                f"--pwfile={password_file}",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            "initdb",
        )
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "wal_level": "logical",
            "max_wal_senders": 20,
            "max_replication_slots": 20,
            "fsync": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        # Minor versions of August 2026 and later refuse wal2json unless it is listed; older ones refuse the setting.
        if _knows_setting("output_plugin_libraries"):
            settings["output_plugin_libraries"] = "wal2json, test_decoding, pgoutput"
        with (self._data / "postgresql.auto.conf").open("a") as conf:
            conf.writelines(f"{key} = '{value}'\n" for key, value in settings.items())

    def command(self) -> list[str]:
        return [str(_BIN / "postgres"), "-D", str(self._data)]

    def is_ready(self) -> bool:
        check = [str(_BIN / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={self.port}"]
        return subprocess.run(check, check=False).returncode == 0

    def sql(self, database: str, statements: str) -> str:
        """Run statements, each in a transaction of its own; returns unaligned rows."""
        return self.run(
            [
                str(_BIN / "psql"),
                "--no-psqlrc",
                "--quiet",
                "--tuples-only",
                "--no-align",
                "--set=ON_ERROR_STOP=1",
                "--host=127.0.0.1",
                f"--port={self.port}",
                f"--username={self.user}",
                f"--dbname={database}",
            ],
            f"SQL in database {database}",
            input=statements,
            env={"PGPASSWORD": self.password},
        ).strip()

    def create_database(self, database: str) -> None:
        self.sql("postgres", f'drop database if exists "{database}" with (force); create database "{database}"')

    def drop_slot(self, slot: str) -> None:
        """Remove a replication slot if it is there, waiting for its reader to be gone."""
        self.sql(
            "postgres",
            f"""do $$ begin
              for attempt in 1..100 loop
                begin
                  perform pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '{slot}';
                  return;
                exception when object_in_use then perform pg_sleep(0.1);
                end;
              end loop;
              raise 'slot {slot} is still in use';
            end $$;""",
        )

    @property
    def _data(self) -> Path:
        return self.folder / "data"


def _knows_setting(setting: str) -> bool:
    described = subprocess.run(
        [str(_BIN / "postgres"), "--describe-config"], capture_output=True, text=True, check=False
    )
    if described.returncode != 0:
        raise Missing(f"{_BIN / 'postgres'} does not run: {described.stderr.strip()}")
    return any(line.startswith(setting + "\t") for line in described.stdout.splitlines())
