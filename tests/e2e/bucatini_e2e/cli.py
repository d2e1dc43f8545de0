"""The verbs. Every one ends with code 0 only if all it was asked to do was done and held."""

import argparse
import time

from . import places, plugins
from .downloads import sets, store
from .failure import Failure
from .pasta import story
from .servers.stack import TARGETS, Stack
from .servers.workspace import Workspace
from .steps import step


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
    parser = argparse.ArgumentParser(prog="bucatini_e2e", description="End-to-end tests against real servers.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    verb = verbs.add_parser("lock", help="resolve the downloads anew with Maven and write the lock file")
    verb.set_defaults(run=_lock)

    verb = verbs.add_parser("story", help="tell the reference story once")
    how = verb.add_mutually_exclusive_group(required=True)
    how.add_argument("--engine", choices=["native", "wasm"], help="our plug-ins, in this engine")
    how.add_argument("--stock", action="store_const", const="stock", dest="engine", help="stock plug-ins: the control")
    verb.add_argument("--target", choices=sorted(TARGETS), default="mysql")
    verb.add_argument("--connect", choices=sets.CONNECT_VERSIONS, default=sets.CONNECT_VERSIONS[0])
    _add_keep(verb)
    verb.set_defaults(run=_story)
    return parser


def _add_keep(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--keep", action="store_true", help="leave the servers running until Ctrl-C")


def _lock(_: argparse.Namespace) -> None:
    with step(f"wrote {places.LOCK_FILE.name}"):
        store.write_lock()


def _story(arguments: argparse.Namespace) -> None:
    flavour = story.Flavour(arguments.engine)
    with Workspace() as workspace:
        path = [plugins.stock(sets.SOURCE_PLUGIN, sets.SINK_PLUGIN, hide_current_smt=arguments.connect.startswith("3."))]
        if flavour.is_ours:
            path.append(plugins.ours(places.plugin_zip(), workspace.make_folder("plugins")))
        with Stack(workspace, (arguments.target,)) as stack, stack.worker(arguments.connect, path) as worker:
            story.tell(stack, worker, flavour, arguments.target)
            if arguments.keep:
                _wait_for_interrupt(stack, worker.client.url)


def _wait_for_interrupt(stack: Stack, connect_url: str) -> None:
    print(f"logs:       {stack.workspace.logs}\nConnect:    {connect_url}\nKafka:      {stack.kafka.bootstrap}")
    print(f"registry:   {stack.proxy.url} (user {stack.proxy.user})\nPostgreSQL: 127.0.0.1:{stack.postgres.port}")
    for name, database in stack.targets.items():
        print(f"{name}: 127.0.0.1:{database.port}, socket {database.socket}")
    print("Ctrl-C stops everything.", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print("stopping")
