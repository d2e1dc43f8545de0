"""Oracle's MySQL, which only Debian's unstable suite carries, unpacked into a folder of its own.

The packages need a newer C library than a stable system has, so they bring theirs and every program is run through
the loader of that folder. Nothing is installed on the machine. What is unpacked is what apt verified by signature;
unstable does not keep old versions, so there is no version to lock.
"""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

from .. import places
from ..failure import Missing
from . import debian

_PACKAGES = ("mysql-server-core", "mysql-client-core")
_PROGRAMS = ("usr/sbin/mysqld", "usr/bin/mysql")
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def folder() -> Path:
    return places.cache() / "mysql-root"


def install() -> None:
    """Download and unpack once; on later uses compare sizes and times with those recorded, or hash again."""
    if not (folder() / "programs.json").exists():
        if places.offline():
            raise Missing(f"MySQL is missing: {folder()} is not there")
        _build()
    recorded = json.loads((folder() / "programs.json").read_text())
    for program in _PROGRAMS:
        file = folder() / program
        if not file.exists():
            raise Missing(f"MySQL is missing {file}; delete {folder()} to get it again")
        mark = recorded[program]
        if [file.stat().st_size, file.stat().st_mtime_ns] != mark["seen"] and _sha256(file) != mark["sha256"]:
            raise Missing(f"MySQL's {file} is damaged; delete {folder()} to get it again")


def command(program: str) -> list[str]:
    """The words that start a program of this folder with the libraries of this folder."""
    root = folder()
    libraries = [root / "usr/lib/x86_64-linux-gnu", root / "usr/lib/mysql/private", root / "lib/x86_64-linux-gnu"]
    loader = next(
        (
            path
            for path in (root / "usr/lib64/ld-linux-x86-64.so.2", root / "lib64/ld-linux-x86-64.so.2")
            if path.exists()
        ),
        libraries[0] / "ld-linux-x86-64.so.2",
    )
    return [str(loader), "--library-path", ":".join(map(str, libraries)), str(root / program)]


def _build() -> None:
    partial = folder().with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    apt = partial / "apt"
    for name in ("lists/partial", "archives/partial", "parts"):
        (apt / name).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {debian.main_archive()} sid main\n")
    options = {
        "Dir::State::status": apt / "status",
        "Dir::State::lists": apt / "lists",
        "Dir::Cache": apt,
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": apt / "parts",
        "Dir::Etc::preferencesparts": apt / "parts",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
    }
    flags = [f"--option={key}={value}" for key, value in options.items()]
    debian.apt_get(*flags, "update")
    debian.apt_get(*flags, "install", "--yes", "--download-only", *_PACKAGES)
    packages = sorted((apt / "archives").glob("*.deb"))
    for package in packages:
        subprocess.run(["dpkg-deb", "--extract", str(package), str(partial)], check=True)
    shutil.rmtree(apt)
    programs = {}
    for program in _PROGRAMS:
        file = partial / program
        if not file.exists():
            raise Missing(f"{program} is in none of the {len(packages)} packages that {' and '.join(_PACKAGES)} need")
        programs[program] = {"sha256": _sha256(file), "seen": [file.stat().st_size, file.stat().st_mtime_ns]}
    (partial / "programs.json").write_text(json.dumps(programs, indent=1))
    partial.rename(folder())


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
