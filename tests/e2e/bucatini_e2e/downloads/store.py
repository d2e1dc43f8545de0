"""The cache of Maven artefacts: every file is checked against the committed lock on every use.

A file whose size and modification time are those seen when its checksum was last computed is taken as checked;
any other is hashed again. A damaged file is deleted and downloaded once more before the run fails.
"""

import contextlib
import fcntl
import hashlib
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .. import places
from ..failure import Missing
from . import derived, maven
from .sets import ROOTS, Dependency


def write_lock() -> int:
    """Resolve every set anew and write the lock file; returns the number of files in it."""
    repository = _repository()
    with _exclusive():
        sets = maven.resolve(
            repository, {name: [Dependency.parse(root) for root in roots] for name, roots in ROOTS.items()}
        )
        files = sorted({path for paths in sets.values() for path in paths})
        with ThreadPoolExecutor(2) as pool:
            digests = pool.map(lambda path: _sha256(repository / path), files)
        lock = {
            "files": {
                str(path): {"size": (repository / path).stat().st_size, "sha256": digest}
                for path, digest in zip(files, digests, strict=True)
            },
            "sets": {name: [str(path) for path in paths] for name, paths in sets.items()},
        }
    places.LOCK_FILE.write_text(json.dumps(lock, indent=1) + "\n")
    return len(files)


def install(*names: str) -> None:
    """Make every file of these sets present and checked, with at most one run of Maven."""
    lock = _lock()
    if unknown := set(names) - lock["sets"].keys():
        raise Missing(f"the lock file has no sets {', '.join(sorted(unknown))}; run the verb `lock`")
    with _exclusive():
        bad = _unchecked(lock, names)
        if bad and not places.offline():
            for path in sorted({path for paths in bad.values() for path in paths}):
                _discard(_repository() / path)
            maven.download(
                _repository(), {name: [maven.coordinate(Path(path)) for path in paths] for name, paths in bad.items()}
            )
            bad = _unchecked(lock, names)
    for name, paths in bad.items():
        listed = ", ".join(Path(path).name for path in paths[:5])
        wanted = len(lock["sets"][name])
        raise Missing(f"{name}: {len(paths)} of {wanted} files are missing or do not match the lock file: {listed}")


def class_path(name: str) -> list[Path]:
    """The checked files of one set, in class path order."""
    install(name)
    return [_repository() / path for path in _lock()["sets"][name]]


def unpacked(name: str) -> Path:
    """The folder with the content of a set that is one archive; unpacked once for each checksum."""
    (archive,) = class_path(name)

    def build(folder: Path) -> None:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")

    with _exclusive():
        return derived.folder(f"unpacked/{name}-{digest(name)}", build)


def digest(*names: str) -> str:
    """One short checksum over whole sets, to name what was derived from them."""
    lock = _lock()
    text = "".join(lock["files"][path]["sha256"] for name in names for path in lock["sets"][name])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _repository() -> Path:
    folder = places.cache() / "maven"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _lock() -> dict:
    try:
        return json.loads(places.LOCK_FILE.read_text())
    except FileNotFoundError as error:
        raise Missing(f"{places.LOCK_FILE} is missing; run the verb `lock`") from error


def _unchecked(lock: dict, names: tuple[str, ...]) -> dict[str, list[str]]:
    """By set, the files that are absent or whose content is not the locked one."""
    seen_file = places.cache() / "checked.json"
    seen = json.loads(seen_file.read_text()) if seen_file.exists() else {}
    news: dict[str, list] = {}
    bad = {
        path
        for path in sorted({path for name in names for path in lock["sets"][name]})
        if not _is_good(path, lock["files"][path], seen, news)
    }
    if news:
        partial = seen_file.with_suffix(".partial")
        partial.write_text(json.dumps(seen | news))
        partial.rename(seen_file)
    found = {name: [path for path in lock["sets"][name] if path in bad] for name in names}
    return {name: paths for name, paths in found.items() if paths}


def _is_good(path: str, locked: dict, seen: dict, news: dict) -> bool:
    """Whether the file is the locked one; one whose mark was not `seen` is hashed, and its mark put into `news`."""
    try:
        stat = (_repository() / path).stat()
    except FileNotFoundError:
        return False
    mark = [stat.st_size, stat.st_mtime_ns, locked["sha256"]]
    if stat.st_size != locked["size"]:
        return False
    if seen.get(path) != mark:
        if _sha256(_repository() / path) != locked["sha256"]:
            return False
        news[path] = mark
    return True


def _discard(file: Path) -> None:
    """Remove a damaged file and Maven's note of where it came from, or Maven would not fetch it again."""
    file.unlink(missing_ok=True)
    (file.parent / "_remote.repositories").unlink(missing_ok=True)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def _exclusive():
    """Two runs may share one cache; only one of them changes it at a time."""
    places.cache().mkdir(parents=True, exist_ok=True)
    with (places.cache() / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
