"""A worker shows every setting of our plug-ins: its documentation, its default and its valid values."""

from . import places
from .connect_client import ConnectClient
from .failure import Failure, expect_equal
from .servers.connect import Connect
from .steps import step

_RESOURCES = places.REPOSITORY / "java-shim" / "src" / "main" / "resources" / "io" / "bucatini" / "connect"
_SINK = {"name": "any", "connector.class": "FileStreamSink", "topics": "any", "file": "any"}
#: Class, resource, the prefix of its settings in a connector, and what else the connector needs to name it.
_PLUGINS = (
    ("BucatiniAvroConverter", "avro-converter", "value.converter.", {"value.converter": ""}),
    ("BucatiniExtractNewRecordState", "extract-new-record-state", "transforms.t.", {"transforms": "t", "transforms.t.type": ""}),
    ("BucatiniWal2JsonConverter", "wal2json-converter", "value.converter.", {"value.converter": ""}),
)


def check(worker: Connect) -> None:
    for name, resource, prefix, naming in _PLUGINS:
        full_name = f"io.bucatini.connect.{name}"
        declared = _declared(resource)
        with step(f"{name}: the worker shows its {len(declared)} settings with documentation"):
            listed = {entry["name"]: entry for entry in worker.client.plugin_settings(full_name)}
            expect_equal(f"settings of {name}", sorted(declared), sorted(listed))
            for key, attributes in declared.items():
                expect_equal(f"documentation of {key}", attributes["doc"], listed[key]["documentation"])
        with step(f"{name}: validation shows them with their valid values, and refuses others"):
            config = _SINK | {key: value or full_name for key, value in naming.items()}
            _check_validation(worker.client, config, prefix, declared)


def _check_validation(client: ConnectClient, config: dict[str, str], prefix: str, declared: dict[str, dict[str, str]]) -> None:
    answer = {entry["value"]["name"]: entry for entry in client.validate("FileStreamSink", config)["configs"]}
    for key, attributes in declared.items():
        entry = answer.get(prefix + key)
        if entry is None:
            raise Failure(f"validation does not know {prefix + key}")
        expect_equal(f"documentation of {key}", attributes["doc"], entry["definition"]["documentation"])
        valid = attributes.get("one-of") or attributes.get("one-of-ignoring-case")
        if valid is None:
            continue
        expect_equal(f"valid values of {key}", valid.split(","), entry["value"]["recommended_values"])
        refused = client.validate("FileStreamSink", config | {prefix + key: "nonsense"})
        errors = [error for other in refused["configs"] if other["value"]["name"] == prefix + key for error in other["value"]["errors"]]
        if not any("nonsense" in error for error in errors):
            raise Failure(f"{prefix + key}=nonsense was not refused: {errors}")


def _declared(resource: str) -> dict[str, dict[str, str]]:
    """The declaration, by name: the generated properties file that the plug-in itself reads."""
    keys: dict[str, dict[str, str]] = {}
    for line in (_RESOURCES / f"{resource}.configdef.properties").read_text().splitlines():
        if not line.startswith("#"):
            place, _, value = line.partition("=")
            number, _, attribute = place.partition(".")
            keys.setdefault(number, {})[attribute] = value.encode().decode("unicode_escape")
    # What has no name is said of all keys together: a notice.
    return {attributes["name"]: attributes for attributes in keys.values() if "name" in attributes}
