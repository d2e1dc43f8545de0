"""Installing our plug-ins must not take a short name away from anybody.

Connect gives every plug-in short names (`JsonConverter`, `Json`) and drops a name for both when two plug-ins claim it,
which breaks connectors of teams that never heard of us. So: which short names resolve on a worker without our plug-ins,
and do the same ones resolve with them?
"""

from pathlib import Path

from . import places, plugins
from .connect_client import ConnectClient, ConnectError
from .downloads import sets
from .failure import Failure
from .servers.stack import Stack
from .steps import step

STOCK = (sets.SOURCE_PLUGIN, sets.SOURCE_PLUGIN_CURRENT, sets.SINK_PLUGIN)
_OURS = {
    "io.bucatini.connect.BucatiniAvroConverter": "converter",
    "io.bucatini.connect.BucatiniExtractNewRecordState": "transformation",
    "io.bucatini.connect.BucatiniWal2JsonConverter": "converter",
}
_SUFFIXES = {
    "source": "Connector",
    "sink": "Connector",
    "converter": "Converter",
    "header_converter": "HeaderConverter",
    "transformation": "Transformation",
    "predicate": "Predicate",
}
#: Which setting of a connector names a plug-in of each kind, and what else has to be there for it to be looked at.
_SETTINGS = {
    "converter": ("value.converter", {}),
    "header_converter": ("header.converter", {}),
    "transformation": ("transforms.t.type", {"transforms": "t"}),
    "predicate": ("predicates.p.type", {"predicates": "p"}),
}
_NOBODY = "NobodysPlugin"


def check(stack: Stack, version: str) -> None:
    """Compare a worker without our plug-ins and one with them, beside two generations of Debezium."""
    stock = plugins.stock(*STOCK)
    with stack.worker(version, [stock], "without-ours") as worker:
        with step("control: which short names resolve without our plug-ins"):
            before = _resolving(worker.client, worker.client.plugins())
            for kind in _SUFFIXES:
                if _resolves(worker.client, kind, _NOBODY):
                    raise Failure(f"{worker.label} accepts a {kind} that does not exist; the comparison would be empty")
                if not any(found == kind for found, _ in before):
                    raise Failure(f"{worker.label} resolves no {kind} by a short name; the comparison would be empty")
    ours = plugins.ours(places.plugin_zip(), stack.workspace.make_folder("plugins-aliases"))
    with stack.worker(version, [stock, ours], "with-ours") as worker:
        listed = worker.client.plugins()
        with step(f"our {len(_OURS)} classes are listed with their version"):
            _check_listed(listed)
        with step(f"all {len(before)} short names still resolve, and ours"):
            after = _resolving(worker.client, listed)
            if lost := before - after:
                raise Failure(f"with our plug-ins these short names no longer resolve: {sorted(lost)}")
            for name, kind in _OURS.items():
                if (kind, name.rsplit(".", 1)[1]) not in after:
                    raise Failure(f"our own {kind} {name} does not resolve by its short name")
        with step("a connector created with short names only runs"):
            _check_connector(stack, worker.client)


def _check_listed(listed: list[dict]) -> None:
    for name, kind in _OURS.items():
        entries = [entry for entry in listed if entry["class"] == name and entry["type"] == kind]
        if len(entries) != 1:
            raise Failure(f"the worker lists {name} as a {kind} {len(entries)} times")
        version = entries[0].get("version")
        if not version or not version[0].isdigit():
            raise Failure(f"the worker lists {name} with version {version!r}")


def _check_connector(stack: Stack, client: ConnectClient) -> None:
    topic = "short-names"
    output = stack.workspace.make_folder(topic) / "lines"
    stack.probe.create_topic(topic)
    stack.probe.write_raw(topic, (None, b"farfalle"))
    client.create(
        {
            "name": topic,
            "connector.class": "FileStreamSink",
            "topics": topic,
            "file": str(output),
            "key.converter": "StringConverter",
            "value.converter": "String",
            "transforms": "t",
            "transforms.t.type": "InsertHeader",
            "transforms.t.header": "shape",
            "transforms.t.value.literal": "bow tie",
        }
    )
    client.wait_until_running(topic)
    client.wait(lambda: _lines(output) == ["farfalle"], "the line of the connector with short names")
    client.delete(topic)


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _resolving(client: ConnectClient, listed: list[dict]) -> set[tuple[str, str]]:
    """The pairs of kind and short name that this worker resolves."""
    candidates = {
        (entry["type"], short) for entry in listed if entry["type"] in _SUFFIXES for short in _short_names(entry)
    }
    return {(kind, short) for kind, short in candidates if _resolves(client, kind, short)}


def _short_names(entry: dict) -> set[str]:
    simple = entry["class"].rsplit(".", 1)[1]
    return {simple, simple.removesuffix(_SUFFIXES[entry["type"]])} - {""}


def _resolves(client: ConnectClient, kind: str, name: str) -> bool:
    if kind in ("source", "sink"):
        try:
            client.validate(name, {"connector.class": name, "name": "any"})
        except ConnectError as error:
            if "Failed to find any class" in error.message or "More than one" in error.message:
                return False
            raise
        return True
    setting, others = _SETTINGS[kind]
    config = {"name": "any", "connector.class": "FileStreamSink", "topics": "any", "file": "any", setting: name}
    answer = client.validate("FileStreamSink", config | others)
    (errors,) = (entry["value"]["errors"] for entry in answer["configs"] if entry["value"]["name"] == setting)
    return not errors
