"""Folders in the cache that were made from downloads: built once, and looked over on every use."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from .. import places
from ..failure import Missing


def folder(name: str, build: Callable[[Path], None]) -> Path:
    """The folder of this name, which `build` has filled; a file that has gone or changed since then is an error."""
    finished = places.cache() / name
    record = finished.with_name(finished.name + ".content.json")
    if not finished.is_dir() or not record.exists():
        partial = finished.with_name(finished.name + ".partial")
        for old in (partial, finished):
            shutil.rmtree(old, ignore_errors=True)
        partial.mkdir(parents=True)
        build(partial)
        partial.rename(finished)
        record.write_text(json.dumps(_content(finished)))
    recorded, found = json.loads(record.read_text()), _content(finished)
    if bad := sorted(file for file in recorded if recorded[file] != found.get(file)):
        raise Missing(
            f"{len(bad)} files of {finished} are missing or were changed: {', '.join(bad[:3])}; "
            f"delete {record.name} beside it to have the folder made again"
        )
    return finished


def _content(folder: Path) -> dict[str, list[int]]:
    """Size and modification time of every file: enough to notice a change without reading a hundred megabytes."""
    return {
        str(path.relative_to(folder)): [(stat := path.stat()).st_size, stat.st_mtime_ns]
        for path in folder.rglob("*")
        if path.is_file()
    }
