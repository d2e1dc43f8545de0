"""The tests of the source and of the sink that need a database: Rust tests, given the addresses of this run's servers."""

import os
import re
import subprocess

from .. import places
from ..failure import Failure
from ..servers.stack import Stack
from ..steps import show, step

#: Fewer would mean that tests were not found.
_AT_LEAST = 15


def check(stack: Stack) -> None:
    with step("source and sink: their tests against real servers"):
        command = ["make", "connector-tests"]
        done = subprocess.run(
            command,
            cwd=places.REPOSITORY,
            env=os.environ | _addresses(stack),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Failure(f"{' '.join(command)} failed:\n{done.stdout[-6000:]}")
        passed = sum(int(number) for number in re.findall(r"(\d+) passed", done.stdout))
        if passed < _AT_LEAST:
            raise Failure(f"only {passed} tests ran, expected at least {_AT_LEAST}:\n{done.stdout[-2000:]}")
    show(f"{passed} tests")


def _addresses(stack: Stack) -> dict[str, str]:
    postgres, mysql, mariadb = stack.postgres, stack.targets["mysql"], stack.targets["mariadb"]
    return {
        "BUCATINI_TEST_POSTGRES": f"postgres://{postgres.user}:{postgres.password}@127.0.0.1:{postgres.port}/postgres",
        "BUCATINI_TEST_MYSQL": mysql.url(),
        "BUCATINI_TEST_MARIADB": mariadb.url(),
    }
