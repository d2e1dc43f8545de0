"""The verbs. Every one ends with code 0 only if all it was asked to do was done and held."""

import argparse
import contextlib
import time
from pathlib import Path

from . import aliases, demo, interop, places, plugins, settings, take_away
from .downloads import sets, store
from .failure import Failure
from .faults import suite as faults
from .pasta import story
from .pasta.way import InConnect
from .runner import bulk
from .runner import suite as runner
from .servers import runner as runner_program
from .servers.connect import Connect
from .servers.stack import TARGETS, Stack
from .servers.workspace import Workspace
from .steps import step

NEWEST, *OLDER = sets.CONNECT_VERSIONS


def main() -> int:
    arguments = _parser().parse_args()
    started = time.monotonic()
    try:
        arguments.run(arguments)
    except Failure as failure:
        print(f"\n{arguments.verb} FAILED after {time.monotonic() - started:.1f} s\n{failure}", flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"{arguments.verb}: everything held, {time.monotonic() - started:.1f} s", flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests/e2e/run", description="End-to-end tests against real servers.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name: str, run, help: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=help, description=help)
        added.set_defaults(run=run)
        return added

    verb("all", _all, "everything that must hold: the story in all its forms, aliases, interoperability, faults")
    one = verb("story", _story, "tell the reference story once")
    how = one.add_mutually_exclusive_group(required=True)
    how.add_argument("--engine", choices=plugins.ENGINES, help="our plug-ins, in this engine")
    how.add_argument("--stock", action="store_const", const="stock", dest="engine", help="stock plug-ins: the control")
    one.add_argument("--target", choices=sorted(TARGETS), default="mysql")
    one.add_argument("--connect", choices=sets.CONNECT_VERSIONS, default=NEWEST)
    one.add_argument("--keep", action="store_true", help="leave the servers running until Ctrl-C")
    for name, run, help in (
        ("aliases", _aliases, "our plug-ins take no short name away from others"),
        ("faults", _faults, "outages, bad records and faults of our own code"),
    ):
        verb(name, run, help).add_argument("--connect", choices=sets.CONNECT_VERSIONS, help="one version only")
    one = verb("demo", _demo, "tell the story in the runner and in Connect, and show what happens")
    one.add_argument("--target", choices=sorted(TARGETS), default="mysql")
    one.add_argument("--keep", action="store_true", help="leave the last telling running until Ctrl-C")
    one = verb("runner", _runner, "the story and faults in the runner, without Connect")
    one.add_argument("part", nargs="?", choices=runner.PARTS, help="one part only")
    one.add_argument("--rows", type=int, default=bulk.ROWS, help="rows of the bulk part")
    verb("take-away", _take_away, "without each server or artefact the story fails and names it")
    verb("up", _up, "start the servers, with a Connect worker and our plug-ins, until Ctrl-C").add_argument(
        "--target", choices=sorted(TARGETS), default="mysql"
    )
    verb("install", _install, "download and install what the servers need, start nothing")
    verb("lock", _lock, "resolve the downloads anew with Maven and write the lock file")
    return parser


def _all(_: argparse.Namespace) -> None:
    _download()
    with Workspace() as workspace:
        paths = {version: _plugin_path(workspace, version, with_ours=True) for version in sets.CONNECT_VERSIONS}
        faults.require()
        with Stack(workspace, tuple(TARGETS)) as stack:
            with stack.worker(NEWEST, paths[NEWEST]) as worker:
                _tell(stack, worker, "stock", "mysql")
                for target in TARGETS:
                    for engine in plugins.ENGINES:
                        _tell(stack, worker, engine, target)
                for engine in plugins.ENGINES:
                    interop.check(stack, worker, engine)
                settings.check(worker)
            for version in OLDER:
                with stack.worker(version, paths[version]) as worker:
                    for engine, target in zip(plugins.ENGINES, TARGETS, strict=True):
                        _tell(stack, worker, engine, target)
            runner.check(stack)
            for version in sets.CONNECT_VERSIONS:
                _check_aliases(stack, version)
                _check_faults(stack, version)


def _story(arguments: argparse.Namespace) -> None:
    is_ours = arguments.engine in plugins.ENGINES
    with Workspace() as workspace:
        path = _plugin_path(workspace, arguments.connect, is_ours)
        with Stack(workspace, (arguments.target,)) as stack, stack.worker(arguments.connect, path) as worker:
            _tell(stack, worker, arguments.engine, arguments.target)
            if is_ours:
                interop.check(stack, worker, arguments.engine)
                settings.check(worker)
            if arguments.keep:
                _wait_for_interrupt(stack, worker)


def _aliases(arguments: argparse.Namespace) -> None:
    with Workspace() as workspace:
        _plugin_path(workspace, NEWEST, with_ours=True)
        with Stack(workspace, ()) as stack:
            for version in _versions(arguments):
                _check_aliases(stack, version)


def _faults(arguments: argparse.Namespace) -> None:
    with Workspace() as workspace:
        faults.require()
        with Stack(workspace, ()) as stack:
            for version in _versions(arguments):
                _check_faults(stack, version)


def _demo(arguments: argparse.Namespace) -> None:
    _download()
    runner_program.binary()
    with Workspace() as workspace:
        path = _plugin_path(workspace, NEWEST, with_ours=True)
        with Stack(workspace, (arguments.target,)) as stack, stack.worker(NEWEST, path) as worker:
            keep = (lambda: _wait_for_interrupt(stack, worker)) if arguments.keep else None
            demo.tell(stack, worker, arguments.target, keep)


def _runner(arguments: argparse.Namespace) -> None:
    with Workspace() as workspace, Stack(workspace, tuple(TARGETS)) as stack:
        runner.check(stack, arguments.part, arguments.rows)


def _take_away(_: argparse.Namespace) -> None:
    take_away.check()


def _up(arguments: argparse.Namespace) -> None:
    with Workspace() as workspace:
        path = _plugin_path(workspace, NEWEST, with_ours=True)
        with Stack(workspace, (arguments.target,)) as stack, stack.worker(NEWEST, path) as worker:
            _wait_for_interrupt(stack, worker)


def _install(_: argparse.Namespace) -> None:
    _download()
    with Workspace() as workspace:
        Stack(workspace, tuple(TARGETS)).install()
        for version in sets.CONNECT_VERSIONS:
            _plugin_path(workspace, version, with_ours=False)
        with step("installed: stock plug-ins beside the story's"):
            plugins.stock(*aliases.STOCK)


def _download() -> None:
    """All at once: Maven takes longer to start than to fetch most of the sets."""
    with step("downloaded and checked: everything from Maven Central"):
        store.install(*sets.ROOTS)


def _lock(_: argparse.Namespace) -> None:
    with step(f"wrote {places.LOCK_FILE.name}"):
        store.write_lock()


def _plugin_path(workspace: Workspace, version: str, with_ours: bool) -> list[Path]:
    """Make a worker's plug-ins ready; done before any server starts, so that what is missing is known at once."""
    with step(f"installed: Connect {version} and its plug-ins"):
        store.install(sets.connect(version))
        path = [plugins.for_story(version)]
        if with_ours:
            path.append(plugins.ours(places.plugin_zip(), workspace.make_folder("plugins")))
    return path


def _tell(stack: Stack, worker: Connect, engine: str, target: str) -> None:
    print(f"the story in Connect {worker.version}: engine {engine}, into {target}", flush=True)
    story.tell(stack, InConnect(worker, None if engine == "stock" else engine), engine, target)


def _check_aliases(stack: Stack, version: str) -> None:
    print(f"short names on Connect {version}", flush=True)
    aliases.check(stack, version)


def _check_faults(stack: Stack, version: str) -> None:
    print(f"faults on Connect {version}", flush=True)
    faults.check(stack, version)


def _versions(arguments: argparse.Namespace) -> tuple[str, ...]:
    return (arguments.connect,) if arguments.connect else sets.CONNECT_VERSIONS


def _wait_for_interrupt(stack: Stack, worker: Connect) -> None:
    print(f"Connect:    {worker.client.url}\nKafka:      {stack.kafka.bootstrap}\nlogs:       {stack.workspace.logs}")
    print(f"registry:   {stack.proxy.url}, user {stack.proxy.user}\nPostgreSQL: 127.0.0.1:{stack.postgres.port}")
    for name, database in stack.targets.items():
        print(f"{name}: 127.0.0.1:{database.port}, socket {database.socket}")
    print("Ctrl-C stops everything.", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)
