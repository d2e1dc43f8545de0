"""Oracle's MySQL, the database of the story."""

from ..downloads import mysql_root
from .target import TargetDatabase


class MySql(TargetDatabase):
    """Started as the caller and told to change its account by itself: the cache may lie where only the caller reads."""

    name = "mysql"

    def install(self) -> None:
        mysql_root.install()

    def prepare(self) -> None:
        self.run([*self.command(), "--initialize-insecure"], "mysqld --initialize-insecure")

    def command(self) -> list[str]:
        root = mysql_root.folder()
        account = self.account()
        return [
            *mysql_root.command("usr/sbin/mysqld"),
            "--no-defaults",
            *self.server_options(),
            f"--basedir={root / 'usr'}",
            f"--lc-messages-dir={root / 'usr/share/mysql'}",
            "--secure-file-priv=NULL",
            "--mysqlx=OFF",
            "--innodb-buffer-pool-size=32M",
            "--performance-schema=OFF",
            *([f"--user={account}"] if account else []),
        ]

    def process_account(self) -> None:
        return None

    def client(self) -> list[str]:
        return [*mysql_root.command("usr/bin/mysql"), "--no-defaults"]
