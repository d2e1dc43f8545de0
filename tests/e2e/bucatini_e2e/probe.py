"""The Java program that looks at Kafka with stock classes, compiled on first use and driven over a pipe."""

import base64
import hashlib
import json
import subprocess
import threading
import time
from pathlib import Path

from . import places
from .downloads import derived, sets, store
from .failure import Failure
from .servers import java
from .servers.kafka import Kafka
from .servers.registry_proxy import RegistryProxy
from .servers.workspace import Workspace

_ANSWER_WITHIN_SECONDS = 60.0


class Probe:
    """A context manager. Every method is one question to the running program."""

    name = "probe"

    def __init__(self, workspace: Workspace, broker: Kafka, registry: RegistryProxy) -> None:
        self._workspace = workspace
        self._broker = broker
        self._registry = registry
        self._log = workspace.logs / "probe.log"
        self._process: subprocess.Popen | None = None

    def install(self) -> None:
        java.tool("javac")
        store.install(sets.PROBE)

    def __enter__(self) -> "Probe":
        command = java.command("128m", [_compiled(), *store.class_path(sets.PROBE)], "Probe", self._broker.bootstrap)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        self._workspace.watch(self._process)
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._workspace.forget(process)

    def create_topic(self, topic: str) -> None:
        self._ask("create-topic", topic=topic)

    def delete_topic(self, topic: str) -> None:
        self._ask("delete-topic", topic=topic)

    def count(self, topic: str, partition: int = 0) -> int:
        return self._ask("count", topic=topic, partition=partition)

    def wait_for_count(self, topic: str, count: int, seconds: float = 60.0) -> None:
        """Wait until the topic holds this many records; more is an error at once."""
        deadline = time.monotonic() + seconds
        while (found := self.count(topic)) != count:
            if found > count or time.monotonic() > deadline:
                raise Failure(f"topic {topic} holds {found} records, expected {count}")
            time.sleep(0.1)

    def wait_for_any(self, topic: str, seconds: float = 60.0) -> None:
        """Wait until the topic holds a record."""
        deadline = time.monotonic() + seconds
        while not self.count(topic):
            if time.monotonic() > deadline:
                raise Failure(f"topic {topic} is still empty after {seconds:.0f} s")

    def committed(self, group: str, topic: str) -> int | None:
        """The offset from which the group would go on, or None if it has committed nothing."""
        return self._ask("committed", group=group, topic=topic)

    def read_raw(self, topic: str) -> list[dict]:
        """All records with key and value as bytes."""
        records = self._ask("read-raw", topic=topic)
        for record in records:
            for side in ("key", "value"):
                record[side] = None if record[side] is None else base64.b64decode(record[side])
        return records

    def read_avro(self, topic: str) -> list[dict]:
        """All records; key and value are None or {"id": schema id, "avro": the text kcat would print}."""
        return self._ask("read-avro", topic=topic, **self._access())

    def write_raw(self, topic: str, *records: tuple[bytes | None, bytes | None]) -> list[int]:
        encoded = [{"key": _base64(key), "value": _base64(value)} for key, value in records]
        return self._ask("write-raw", topic=topic, records=encoded)

    def peer_read(self, topic: str) -> list[str | None]:
        """All values as another team's Java consumer reads them."""
        return self._ask("peer-read", topic=topic, **self._access())

    def peer_write(self, topic: str, schema: dict, *values: str) -> list[int]:
        """Have another team's Java producer register the schema and write values given as Avro JSON."""
        return self._ask("peer-write", topic=topic, schema=json.dumps(schema), values=list(values), **self._access())

    def _access(self) -> dict[str, str]:
        return {"registry": self._registry.url, "user_info": self._registry.user_info}

    def _ask(self, question: str, **arguments):
        process = self._process
        assert process is not None, "the probe has not been started"
        timer = threading.Timer(_ANSWER_WITHIN_SECONDS, process.kill)
        timer.start()
        try:
            process.stdin.write(json.dumps({"do": question} | arguments) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if not line:
            tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])
            raise Failure(f"the probe ended or stalled on {question!r}\n--- end of {self._log} ---\n{tail}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failure(f"the probe could not {question} {arguments.get('topic', '')}: {answer['error']}")
        return answer["answer"]


def _compiled() -> Path:
    """The folder with the probe's classes, compiled once for each content of its sources."""
    sources = sorted(places.PROBE_SOURCES.glob("*.java"))
    content = b"".join(source.read_bytes() for source in sources) + store.digest(sets.PROBE).encode()
    jars = ":".join(map(str, store.class_path(sets.PROBE)))

    def build(folder: Path) -> None:
        done = subprocess.run(
            [java.tool("javac"), "--release", "17", "-cp", jars, "-d", str(folder), *map(str, sources)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Failure(f"the probe does not compile:\n{done.stderr}")

    return derived.folder(f"probe/{hashlib.sha256(content).hexdigest()[:16]}", build)


def _base64(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()
