"""How a JVM is started here: small heaps and the quick compiler, because a test JVM lives for seconds."""

import os
import shutil
from pathlib import Path

from ..failure import Missing

_QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")


def tool(name: str) -> str:
    """The path of `java` or `javac`: from JAVA_HOME if set, else from PATH."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(name, path=f"{home}/bin") if home else shutil.which(name)
    if not found:
        raise Missing(f"`{name}` is missing: a JDK of at least version 17 is needed (JAVA_HOME or PATH)")
    return found


def command(heap: str, class_path: list[Path], main: str, *arguments: str, options: tuple[str, ...] = ()) -> list[str]:
    jars = ":".join(map(str, class_path))
    return [tool("java"), *_QUICK, f"-Xmx{heap}", *options, "-cp", jars, main, *arguments]


def jar_command(heap: str, jar: Path, options: tuple[str, ...] = ()) -> list[str]:
    return [tool("java"), *_QUICK, f"-Xmx{heap}", *options, "-jar", str(jar)]
