"""Folders for Connect's `plugin.path`: stock plug-ins with their manifests, and ours unpacked from its zip."""

import shutil
import subprocess
import zipfile
from pathlib import Path

from .downloads import derived, sets, store
from .failure import Missing
from .servers import java

#: The two ways in which one of our plug-ins does its work: in the native library, or in a component.
ENGINES = ("native", "wasm")
_TRANSFORMATIONS = "META-INF/services/org.apache.kafka.connect.transforms.Transformation"
_STORY_SMT = "io.debezium.transforms.ExtractNewRecordState"


def stock(*names: str, hide_current_smt: bool = False) -> Path:
    """A folder with these plug-ins, each with the service manifests that `plugin.discovery=service_load` reads.

    Plug-ins of 2021 have no manifests; Kafka's own tool writes them, once for each combination, into the cache.
    The sink's folder brings a newer ExtractNewRecordState that ignores the settings of the story. Connect 4.1 can be
    told by `plugin.version` to take the older one; for 3.9, which cannot, `hide_current_smt` takes it out there.
    """
    store.install(*names)

    def build(folder: Path) -> None:
        for name in names:
            (content,) = store.unpacked(name).iterdir()
            shutil.copytree(content, folder / name)
        _sync_manifests(folder)
        if hide_current_smt:
            (core,) = (folder / sets.SINK_PLUGIN).glob("debezium-core-*.jar")
            _remove_plugin(core, _TRANSFORMATIONS, _STORY_SMT)

    variant = "-older-smt" if hide_current_smt else ""
    return derived.folder(f"plugins/{'+'.join(names)}-{store.digest(*names)}{variant}", build)


def for_story(version: str) -> Path:
    """The story's source and sink for this version of Connect."""
    return stock(sets.SOURCE_PLUGIN, sets.SINK_PLUGIN, hide_current_smt=version.startswith("3."))


def ours(zip_file: Path, folder: Path) -> Path:
    """Unpack a plug-in zip of ours into a folder for `plugin.path`, replacing what was there."""
    if not zip_file.is_file():
        raise Missing(f"the plug-in {zip_file} is missing; `make plugin` builds it (or set BUCATINI_PLUGIN_ZIP)")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with zipfile.ZipFile(zip_file) as archive:
            archive.extractall(folder)
    except zipfile.BadZipFile as error:
        raise Missing(f"the plug-in {zip_file} is not a readable zip file: {error}") from error
    if not list(folder.glob("*/*.jar")):
        raise Missing(f"the plug-in {zip_file} has no jar in a folder of its own")
    return folder


def _sync_manifests(folder: Path) -> None:
    command = java.command(
        "512m",
        store.class_path(sets.connect("4.1.1")),
        "org.apache.kafka.tools.ConnectPluginPath",
        "sync-manifests",
        "--plugin-path",
        str(folder),
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0:
        raise Missing(f"writing the manifests of {folder.name} failed:\n{(done.stdout + done.stderr)[-2000:]}")


def _remove_plugin(jar: Path, manifest: str, name: str) -> None:
    """Take a class and its line in a manifest out of a jar."""
    changed = jar.with_suffix(".changed")
    with zipfile.ZipFile(jar) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            if item.filename == name.replace(".", "/") + ".class":
                continue
            content = old.read(item)
            if item.filename == manifest:
                content = b"".join(line for line in content.splitlines(keepends=True) if line.strip() != name.encode())
            new.writestr(item, content)
    changed.replace(jar)
