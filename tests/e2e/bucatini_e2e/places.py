"""Where things are: the clone, the download cache, the plug-in under test. Every place can be moved by a variable."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
E2E = PACKAGE.parent
REPOSITORY = E2E.parent.parent
#: The story's own configurations, for the runner, and what stock Connect with our plug-ins takes.
EXAMPLES = REPOSITORY / "examples" / "pasta"
EXAMPLES_IN_CONNECT = EXAMPLES / "connect"
EXPECTED = E2E / "expected"
PROBE_SOURCES = E2E / "probe"
LOCK_FILE = E2E / "downloads.lock.json"
LOGS = E2E / "target" / "logs"


def cache() -> Path:
    """Downloads live outside the clone, so that a clean clone does not download again."""
    return Path(os.environ.get("BUCATINI_CACHE") or Path.home() / ".cache" / "bucatini")


def plugin_zip() -> Path:
    return Path(os.environ.get("BUCATINI_PLUGIN_ZIP") or REPOSITORY / "dist" / "bucatini-connect-plugin.zip")


def runner() -> Path:
    return Path(os.environ.get("BUCATINI_RUNNER") or REPOSITORY / "dist" / "bucatini")


def fault_zip(fault: str) -> Path:
    """A plug-in built with one deliberate fault: `panic`, `trap` or `loop`."""
    folder = os.environ.get("BUCATINI_FAULT_ZIPS")
    return (Path(folder) if folder else REPOSITORY / "dist" / "faults") / f"{fault}-plugin.zip"


def offline() -> bool:
    """With BUCATINI_OFFLINE=1 nothing is downloaded or installed; what is absent is an error at once."""
    return os.environ.get("BUCATINI_OFFLINE") == "1"
