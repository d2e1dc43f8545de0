"""Takes each server and each artefact away in turn and expects the story to fail soon and to name what is missing.

A file is taken away in a mount namespace of one child process: its folder is covered by a copy without it. Nothing on
the machine changes for anybody else, and the child neither downloads nor installs.
"""

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import places, plugins
from .downloads import mysql_root, sets, store
from .failure import Failure, Missing
from .file_sink import FileSink
from .pasta import story
from .pasta.way import InConnect
from .servers.connect import Connect
from .servers.mysql import MySql
from .servers.stack import Stack
from .servers.workspace import Workspace
from .steps import step

_SOON_SECONDS = 30.0
#: Until the part that is missing is needed, which may be after the other components were compiled.
_SOON_WITH_SERVERS_SECONDS = 90.0
_WAL2JSON_CONVERTER = "io.bucatini.connect.BucatiniWal2JsonConverter"
_JAR = "bucatini-connect/bucatini-connect.jar"


@dataclass(frozen=True)
class File:
    """A file of the machine, the word the complaint must contain, and the target whose story needs the file."""

    path: Path
    word: str
    target: str = "mysql"
    is_damaged: bool = False


def check() -> None:
    for file in _files():
        how = "with a damaged" if file.is_damaged else "without"
        with step(f"{how} {file.path.name}: the story fails and names {file.word!r}"):
            _check_file(file)
    with step("without the plug-in zip: the story fails and names it"):
        _expect_complaint(
            _run_story("mysql", {"BUCATINI_PLUGIN_ZIP": "/nonexistent/bucatini-connect-plugin.zip"}, []),
            "bucatini-connect-plugin.zip",
        )
    with Workspace() as workspace, Stack(workspace, (MySql.name,)) as stack:
        for variant in _variants(workspace):
            with step(f"{variant.what}: the story fails and names {variant.word!r}"):
                _check_variant(stack, variant)


def _files() -> list[File]:
    postgres = Path("/usr/lib/postgresql/15")
    return [
        File(postgres / "bin/postgres", "bin/postgres"),
        File(postgres / "lib/wal2json.so", "wal2json"),
        File(_jar(sets.BROKER, "kafka_2.13-"), "kafka_2.13-"),
        File(_jar(sets.BROKER, "kafka_2.13-"), "kafka_2.13-", is_damaged=True),
        File(_jar(sets.connect("4.1.1"), "connect-runtime-"), "connect-runtime-"),
        File(_jar(sets.SOURCE_PLUGIN, "debezium-connector-postgres-"), "debezium-connector-postgres-"),
        File(_jar(sets.SINK_PLUGIN, "debezium-connector-jdbc-"), "debezium-connector-jdbc-"),
        File(_jar(sets.REGISTRY, "apicurio-registry-app-"), "apicurio-registry-app-"),
        File(store.unpacked(sets.REGISTRY) / f"apicurio-registry-app-{sets.APICURIO}-runner.jar", "-runner.jar"),
        File(_jar(sets.PROBE, "avro-1"), "avro-1"),
        File(Path("/usr/sbin/mariadbd"), "mariadbd", "mariadb"),
        File(mysql_root.folder() / "usr/sbin/mysqld", "mysqld"),
    ]


def _jar(name: str, prefix: str) -> Path:
    return next(path for path in store.class_path(name) if path.name.startswith(prefix))


def _check_file(file: File) -> None:
    if not file.path.exists():
        raise Missing(f"{file.path} is not there to be taken away")
    # Beside the folder, so that the copy can be one of hard links.
    with tempfile.TemporaryDirectory(prefix=".bucatini-take-away-", dir=file.path.parent.parent) as folder:
        copy = Path(folder) / "without"
        shutil.copytree(file.path.parent, copy, symlinks=True, copy_function=os.link)
        content = file.path.read_bytes() if file.is_damaged else b""
        (copy / file.path.name).unlink()
        if file.is_damaged:
            (copy / file.path.name).write_bytes(bytes([content[0] ^ 1]) + content[1:])
        cover = ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh"]
        _expect_complaint(_run_story(file.target, {}, [*cover, str(copy), str(file.path.parent)]), file.word)


def _run_story(target: str, environment: dict[str, str], prefix: list[str]) -> subprocess.CompletedProcess:
    command = [*prefix, sys.executable, "-m", __package__, "story", "--engine", "native", "--target", target]
    try:
        return subprocess.run(
            command,
            cwd=places.E2E,
            env=os.environ | {"BUCATINI_OFFLINE": "1"} | environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=_SOON_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        said = error.stdout or b""  # bytes even when text was asked for
        raise Failure(f"the story had not failed after {_SOON_SECONDS:.0f} s:\n{said!r}") from error


def _expect_complaint(done: subprocess.CompletedProcess, word: str) -> None:
    if done.returncode == 0:
        raise Failure(f"the story passed although something was taken away:\n{done.stdout}")
    complaint = done.stdout.partition("FAILED after")[2]
    if word not in complaint:
        raise Failure(f"the story failed without naming {word!r}:\n{done.stdout}")


@dataclass(frozen=True)
class Variant:
    """Our plug-in with one entry of its jar missing or damaged."""

    what: str
    zip_file: Path
    word: str
    engine: str


def _variants(workspace: Workspace) -> list[Variant]:
    plugin = places.plugin_zip()
    variants = []
    for entry in _entries(plugin):
        name = Path(entry).name
        engine = "native" if name == "libbucatini.so" else "wasm"
        variants.append(
            Variant(
                f"without {name}", _changed(workspace, plugin, f"without-{name}", entry, lambda _: None), name, engine
            )
        )
    component = next(entry for entry in _entries(plugin) if entry.endswith("avro-converter.wasm"))
    damaged = _changed(
        workspace, plugin, "damaged", component, lambda content: content[:8] + b"\xff" * (len(content) - 8)
    )
    variants.append(Variant(f"with a damaged {Path(component).name}", damaged, Path(component).name, "wasm"))
    return variants


def _entries(plugin: Path) -> list[str]:
    """The native libraries and components in the plug-in's jar."""
    if not plugin.is_file():
        raise Missing(f"the plug-in {plugin} is missing; `make plugin` builds it")
    with zipfile.ZipFile(plugin) as outer, outer.open(_JAR) as jar, zipfile.ZipFile(jar) as inner:
        entries = [entry for entry in inner.namelist() if entry.endswith((".so", ".wasm"))]
    if not any(entry.endswith(".so") for entry in entries) or not any(entry.endswith(".wasm") for entry in entries):
        raise Missing(f"{plugin} holds no native library or no component: {entries}")
    return entries


def _changed(
    workspace: Workspace, plugin: Path, name: str, entry: str, change: Callable[[bytes], bytes | None]
) -> Path:
    """A copy of the plug-in with one entry of its jar replaced, or left out if `change` returns None."""
    folder = workspace.make_folder(f"variants/{name}")
    with zipfile.ZipFile(plugin) as archive:
        archive.extractall(folder)
    jar = folder / _JAR
    changed = jar.with_suffix(".changed")
    with zipfile.ZipFile(jar) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            content = old.read(item)
            changed_content = change(content) if item.filename == entry else content
            if changed_content is not None:
                new.writestr(item, changed_content)
    changed.replace(jar)
    result = workspace.make_folder("variants") / f"{name}.zip"
    with zipfile.ZipFile(result, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return result


def _check_variant(stack: Stack, variant: Variant) -> None:
    ours = plugins.ours(variant.zip_file, stack.workspace.make_folder(f"plugins-{variant.zip_file.stem}"))
    stock = plugins.stock(sets.SOURCE_PLUGIN, sets.SINK_PLUGIN)
    with stack.worker("4.1.1", [stock, ours], variant.zip_file.stem) as worker:
        start = time.monotonic()
        try:
            if variant.word == "wal2json.wasm":
                _use_wal2json(stack, worker, variant)
            else:
                with contextlib.redirect_stdout(io.StringIO()):
                    story.tell(stack, InConnect(worker, variant.engine), variant.engine, MySql.name)
        except Failure as failure:
            complaint = str(failure)
        else:
            raise Failure(f"the story passed {variant.what}")
    if variant.word not in complaint:
        raise Failure(f"{variant.what} the story failed without naming it:\n{complaint}")
    if (took := time.monotonic() - start) > _SOON_WITH_SERVERS_SECONDS:
        raise Failure(f"{variant.what} the story took {took:.0f} s to fail")


def _use_wal2json(stack: Stack, worker: Connect, variant: Variant) -> None:
    """The story has no use for this component; a connector that names its converter has."""
    sink = FileSink(stack, worker, "take-away", variant.engine)
    stack.probe.create_topic(sink.topic)
    settings = {"": _WAL2JSON_CONVERTER, ".database.server.name": "my_pg_source", ".database.dbname": "defaultdb"}
    sink.create(**{f"value.converter{key}": value for key, value in settings.items()})
    worker.client.wait_until_failed(sink.name)
    worker.client.raise_if_failed(sink.name)
