"""The tests of the source and of the sink that need a database: Rust tests, given the addresses of this run's servers."""

import os
import subprocess

from .. import places
from ..failure import Failure
from ..servers.stack import Stack
from ..steps import step

_CRATES = ("postgres-source", "mysql-sink")


def check(stack: Stack) -> None:
    for crate in _CRATES:
        with step(f"{crate}: its tests against real servers"):
            _run(crate, _addresses(stack))


def _addresses(stack: Stack) -> dict[str, str]:
    postgres, mysql, mariadb = stack.postgres, stack.targets["mysql"], stack.targets["mariadb"]
    return {
        "BUCATINI_TEST_POSTGRES": f"postgres://{postgres.user}:{postgres.password}@127.0.0.1:{postgres.port}/postgres",
        "BUCATINI_TEST_MYSQL": mysql.url(),
        "BUCATINI_TEST_MARIADB": mariadb.url(),
    }


def _run(crate: str, addresses: dict[str, str]) -> None:
    command = ["cargo", "test", "--quiet", "--package", crate, "--tests", "--", "--ignored", "--test-threads=2"]
    done = subprocess.run(
        command,
        cwd=places.REPOSITORY,
        env=os.environ | addresses,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)} failed:\n{done.stdout[-6000:]}")
    if "0 passed" in done.stdout and not any(f"{n} passed" in done.stdout for n in range(1, 1000)):
        raise Failure(f"{crate} has no test that needs a server: nothing was tested")
