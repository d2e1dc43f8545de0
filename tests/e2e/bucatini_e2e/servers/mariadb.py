"""MariaDB, one of the two databases the story ends in."""

from pathlib import Path

from ..downloads import debian
from .target import TargetDatabase

_SERVER = Path("/usr/sbin/mariadbd")
_INSTALL = Path("/usr/bin/mariadb-install-db")
_CLIENT = Path("/usr/bin/mariadb")


class MariaDb(TargetDatabase):
    name = "mariadb"

    def install(self) -> None:
        debian.require(_SERVER, "mariadb-server")
        debian.require(_INSTALL, "mariadb-server")
        debian.require(_CLIENT, "mariadb-client")

    def prepare(self) -> None:
        self.run(
            [
                str(_INSTALL),
                "--no-defaults",
                f"--datadir={self.data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            "mariadb-install-db",
        )

    def command(self) -> list[str]:
        return [str(_SERVER), "--no-defaults", *self.server_options()]

    def client(self) -> list[str]:
        return [str(_CLIENT), "--no-defaults"]
