"""Debian packages: installed by apt when their program is not there yet."""

import os
import subprocess
from pathlib import Path

from .. import places
from ..failure import Missing


def require(program: Path, *packages: str) -> Path:
    """Return `program`, installing the packages which bring it if it is absent."""
    if program.exists():
        return program
    if places.offline():
        raise Missing(f"{program} is missing (Debian package {packages[-1]})")
    apt_get("update")
    apt_get("install", "--yes", "--no-install-recommends", *packages)
    if not program.exists():
        raise Missing(f"{program} is still missing after installing {' '.join(packages)}")
    return program


def apt_get(*arguments: str) -> None:
    """Run apt-get without questions; on failure say what it said."""
    command = ["apt-get", "--quiet=2", *arguments]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)
    except FileNotFoundError as error:
        raise Missing("apt-get is needed to install the databases; this is not a Debian system") from error
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise Missing(f"`{' '.join(command)}` failed:\n{tail}")


def main_archive() -> str:
    """The address of the Debian archive this machine is set up to use, so that a mirror is honoured."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT) $(LABEL)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in targets.stdout.splitlines():
        address, component, label = line.split(" ", 2)
        if component == "main" and label == "Debian":
            return address
    raise Missing("no Debian archive is configured on this machine (apt-get indextargets names none)")
