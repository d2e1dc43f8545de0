"""Everything is killed, in turn and at moments of chance, while rows change; in the end both tables are equal."""

import contextlib
import random
import threading
import time

from ..failure import Failure
from ..servers.server import ServerFailed
from ..servers.stack import Stack
from ..steps import show, step
from .pipe import Pipe

_SEED = 20261123
_ROUNDS = 2
_FIRST_ROWS = 5_000
_CATCH_UP_SECONDS = 120.0
_COLUMNS = "id, customer, amount, coalesce(note, '~')"
#: The runner's own codes for "something outside does not answer".
_OUTAGE_CODES = (3, 5)


def check(stack: Stack, is_direct: bool) -> None:
    name = "killing_direct" if is_direct else "killing_kafka"
    pipe = Pipe(stack, name, "orders", "mariadb" if is_direct else "mysql", is_direct)
    pipe.sql(
        f"""create table orders (id bigint primary key, customer varchar(80), amount numeric(12,2), note text);
        alter table orders replica identity full;
        insert into orders select n, 'customer ' || n % 97, n / 7.0, repeat('x', n % 50) from generate_series(1, {_FIRST_ROWS}) n"""
    )
    chance = random.Random(_SEED)
    victims = ["postgres", pipe.target.name, "runner"] + ([] if is_direct else ["kafka", "registry"])
    with step(f"{name}: {_ROUNDS} rounds of killing {', '.join(victims)} while rows change"):
        pipe.start()
        with _Writer(pipe, chance.randrange(1 << 30)) as writer:
            for _ in range(_ROUNDS):
                chance.shuffle(victims)
                for victim in victims:
                    time.sleep(chance.uniform(0.3, 1.5))
                    _kill(stack, pipe, victim, chance.uniform(0.0, 1.0))
                    _keep_running(pipe)
        show(f"{writer.transactions} transactions, {pipe.runner.starts} starts of the runner")
    with step(f"{name}: both tables are equal in the end"):
        _wait_until_equal(pipe)
        pipe.end()


def _kill(stack: Stack, pipe: Pipe, victim: str, seconds_down: float) -> None:
    if victim == "registry":
        stack.proxy.take_down()
        time.sleep(seconds_down)
        stack.proxy.bring_up()
        return
    server = {"postgres": stack.postgres, "kafka": stack.kafka, "runner": pipe.runner, pipe.target.name: pipe.target}[victim]
    server.kill()
    time.sleep(seconds_down)
    server.start()


def _keep_running(pipe: Pipe) -> None:
    """An outage beyond its budget may end the runner, with the code that says so; then an operator starts it again."""
    process = pipe.runner.process
    if process is None or (code := process.poll()) is None:
        return
    if code not in _OUTAGE_CODES:
        raise pipe.runner.failed(f"ended with code {code}")
    pipe.start()


def _wait_until_equal(pipe: Pipe) -> None:
    deadline = time.monotonic() + _CATCH_UP_SECONDS
    while pipe.here(_COLUMNS) != pipe.there(_COLUMNS):
        _keep_running(pipe)
        if time.monotonic() > deadline:
            raise pipe.runner.failed(pipe.differences(_COLUMNS))
        time.sleep(0.5)


class _Writer:
    """A context manager: changes rows from a thread of its own until the block ends."""

    def __init__(self, pipe: Pipe, seed: int) -> None:
        self._pipe = pipe
        self._chance = random.Random(seed)
        self._next = _FIRST_ROWS
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self.transactions = 0

    def __enter__(self) -> "_Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if not self.transactions:
            raise Failure("no transaction was written: nothing was tested")

    def _write(self) -> None:
        while not self._over.is_set():
            statements = "; ".join(self._statement() for _ in range(self._chance.randrange(1, 20)))
            with contextlib.suppress(ServerFailed):  # PostgreSQL may be the one that is down
                self._pipe.sql(f"begin; {statements}; commit;")
                self.transactions += 1

    def _statement(self) -> str:
        some = self._chance.randrange(1, _FIRST_ROWS)
        kind = self._chance.randrange(10)
        if kind < 4:
            return f"update orders set amount = amount + 1, note = 'n{self._chance.random()}' where id = {some}"
        if kind < 5:
            return f"delete from orders where id = {some}"
        self._next += 1
        if kind < 6:
            return f"update orders set id = {self._next} where id = {some}"
        return f"insert into orders values ({self._next}, 'new', {some}.25, null)"
