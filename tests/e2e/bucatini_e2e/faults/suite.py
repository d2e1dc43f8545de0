"""All fault tests on one version of Connect, sharing its worker."""

from .. import places
from ..downloads import sets
from ..failure import Missing
from ..servers.stack import Stack
from . import bad_records, engines, outage, restart


def require() -> None:
    """Fail at once if a plug-in that the tests need has not been built."""
    for plugin in (places.plugin_zip(), *(places.fault_zip(fault.plugin) for fault in engines.FAULTS)):
        if not plugin.is_file():
            raise Missing(f"the plug-in {plugin} is missing; `make plugin faults` builds it")


def check(stack: Stack, version: str) -> None:
    good = engines.plugin_folder(stack, version, None)
    with stack.worker(version, [good], "faults") as worker:
        outage.check(stack, worker)
        bad_records.check(stack, worker)
        if version == sets.CONNECT_VERSIONS[0]:  # a matter of our client, not of Connect
            outage.check_answers(stack, worker)
            restart.check(stack, worker)
        engines.check(stack, worker)
