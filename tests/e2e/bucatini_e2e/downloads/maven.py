"""Runs Maven, the registry's own client, so that a mirror or a proxy in the user's settings is honoured.

One generated build with a module per set: the modules keep two versions of one artefact apart, and Maven
downloads the files of a module in parallel.
"""

import subprocess
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

from ..failure import Missing
from .sets import Dependency

_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
_TIMEOUT_SECONDS = 1800


def resolve(repository: Path, sets: dict[str, list[Dependency]]) -> dict[str, list[Path]]:
    """Resolve each set with everything its jars depend on; returns class paths relative to `repository`.

    An archive brings its own dependencies inside, so those of its POM are left out.
    """
    with tempfile.TemporaryDirectory(prefix="bucatini-maven-") as folder:
        reactor = Path(folder)
        _write_reactor(reactor, sets, transitive=True)
        _run(reactor, repository, "build-classpath", "-Dmdep.outputFile=classpath.txt")
        return {
            name: [
                Path(jar).relative_to(repository)
                for jar in (reactor / name / "classpath.txt").read_text().strip().split(":")
            ]
            for name in sets
        }


def download(repository: Path, sets: dict[str, list[Dependency]]) -> None:
    """Bring exactly these files into `repository`, without looking at what they depend on."""
    with tempfile.TemporaryDirectory(prefix="bucatini-maven-") as folder:
        reactor = Path(folder)
        _write_reactor(reactor, sets, transitive=False)
        _run(reactor, repository, "resolve")


def coordinate(path: Path) -> Dependency:
    """The coordinate of a file in a Maven repository, from its path alone."""
    *group, artifact, version, file = path.parts
    rest = file.removeprefix(f"{artifact}-{version}")
    classifier, kind = rest.lstrip("-").split(".", 1) if rest.startswith("-") else ("", rest.lstrip("."))
    return Dependency(".".join(group), artifact, version, kind, classifier)


def _write_reactor(reactor: Path, sets: dict[str, list[Dependency]], transitive: bool) -> None:
    modules = "".join(f"<module>{name}</module>" for name in sets)
    (reactor / "pom.xml").write_text(_pom("downloads", f"<packaging>pom</packaging><modules>{modules}</modules>"))
    for name, dependencies in sets.items():
        (reactor / name).mkdir()
        body = "".join(_dependency(dependency, transitive) for dependency in dependencies)
        (reactor / name / "pom.xml").write_text(
            _pom(name, f"<packaging>pom</packaging><dependencies>{body}</dependencies>")
        )


def _pom(name: str, body: str) -> str:
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        f"<groupId>io.bucatini.e2e</groupId><artifactId>{name}</artifactId><version>1</version>{body}</project>"
    )


def _dependency(dependency: Dependency, transitive: bool) -> str:
    fields = {
        "groupId": dependency.group,
        "artifactId": dependency.artifact,
        "version": dependency.version,
        "type": dependency.kind,
        "classifier": dependency.classifier,
    }
    body = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in fields.items() if value)
    if not transitive or dependency.kind != "jar":
        body += "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    return f"<dependency>{body}</dependency>"


def _run(reactor: Path, repository: Path, goal: str, *options: str) -> None:
    command = [
        "mvn",
        "--batch-mode",
        "--quiet",
        "--file",
        str(reactor / "pom.xml"),
        f"-Dmaven.repo.local={repository}",
        "-Daether.dependencyCollector.impl=bf",
        "-Dmaven.artifact.threads=8",
        f"{_PLUGIN}:{goal}",
        *options,
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
    except FileNotFoundError as error:
        raise Missing("Maven (`mvn`) is needed to download the servers and is not on PATH") from error
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        raise Missing(f"Maven could not download what the lock file names:\n{tail}")
