"""The story's two connector configurations: rendered from the examples, and compared with the known-good ones."""

import json
import string
from pathlib import Path

from .. import places
from ..failure import Failure, Missing

SOURCE_FILE = "connector_pg_source.json"
SINK_FILE = "connector_sink_mysql.json"

_STOCK = places.EXPECTED / "stock-avro"
_STORY = places.EXPECTED / "story"
#: Settings that the known-good configurations spell out at their defaults and the story leaves alone.
_DEFAULTS = {"tasks.max": "1", "slot.drop.on.stop": "false", "consumer.override.max.poll.interval.ms": "300000"}
_ENGINES = {"key.converter.engine", "value.converter.engine", "transforms.newrecordstate.engine"}
_CLASSES = {"key.converter", "value.converter", "transforms.newrecordstate.type"}
#: The known-good runs had a registry without authentication; the story has one with.
_CREDENTIALS = {
    f"{side}.converter.{key}"
    for side in ("key", "value")
    for key in ("basic.auth.credentials.source", "schema.registry.basic.auth.user.info")
}
#: Chooses between two generations of the stock class; ours has one class for both.
_STOCK_CLASS_CHOICE = {"transforms.newrecordstate.plugin.version"}
_NAME = {"name"}


def render(file: Path, values: dict[str, str]) -> dict[str, str]:
    """Read a configuration and fill in its placeholders; one without a value is an error."""
    template = _load(file)
    try:
        return {key: string.Template(value).substitute(values) for key, value in template.items()}
    except KeyError as error:
        raise Failure(f"{file} asks for {error}, which the test does not know") from error


def check_examples() -> None:
    """Our examples may differ from the story and from the known-good files in what a user has to change only: nothing for
    the runner, a class and three lines for Connect."""
    for file in (SOURCE_FILE, SINK_FILE):
        _expect_difference(f"{file} for the runner, from the story's", _load(_STORY / file), _load(places.EXAMPLES / file), set())
    source, sink = (_load(places.EXAMPLES_IN_CONNECT / file) for file in (SOURCE_FILE, SINK_FILE))
    _expect_difference("source, from the story's", _load(_STORY / SOURCE_FILE), source, _CLASSES | _ENGINES)
    # The class and four keys of the sink are another vendor's; what they are called here is checked by the next pair.
    common = set(_load(_STORY / SINK_FILE)) & set(sink)
    story = {key: value for key, value in _load(_STORY / SINK_FILE).items() if key in common}
    ours = {key: value for key, value in sink.items() if key in common}
    _expect_difference("sink, from the story's", story, ours, _CLASSES | {"connector.class"})
    allowed = _CLASSES | _ENGINES | _CREDENTIALS | _STOCK_CLASS_CHOICE | _NAME
    _expect_difference("source, from the known-good", _without_defaults(SOURCE_FILE), source, allowed)
    _expect_difference("sink, from the known-good", _without_defaults(SINK_FILE), sink, allowed)


def _without_defaults(file: str) -> dict[str, str]:
    return {key: value for key, value in _load(_STOCK / file).items() if _DEFAULTS.get(key) != value}


def _expect_difference(what: str, known: dict[str, str], ours: dict[str, str], allowed: set[str]) -> None:
    different = {key for key in known.keys() | ours.keys() if known.get(key) != ours.get(key)}
    if surplus := different - allowed:
        listed = "".join(f"\n  {key}: {known.get(key)!r} became {ours.get(key)!r}" for key in sorted(surplus))
        raise Failure(f"the example of the {what} differs in more than it may:{listed}")


def _load(file: Path) -> dict[str, str]:
    try:
        return json.loads(file.read_text())
    except FileNotFoundError as error:
        raise Missing(f"{file} is missing") from error
