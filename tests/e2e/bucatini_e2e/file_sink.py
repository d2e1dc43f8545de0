"""A connector of Kafka's own file sink that reads a topic with our converter: the shortest way to see what it read."""

from pathlib import Path

from .servers.connect import Connect
from .servers.stack import Stack

AVRO_CONVERTER = "io.bucatini.connect.BucatiniAvroConverter"
#: A short budget: a test should not wait as long as an operator would want a worker to.
_RETRIES = {
    "max.retries": "2",
    "retries.wait.ms": "100",
    "retries.max.wait.ms": "200",
    "retries.budget.ms": "15000",
    "http.connect.timeout.ms": "1000",
    "http.read.timeout.ms": "1000",
}


class FileSink:
    """The connector, its output file, its consumer group and its dead-letter queue."""

    def __init__(self, stack: Stack, worker: Connect, topic: str, engine: str, tolerance: str = "none") -> None:
        self.topic = topic
        self.engine = engine
        self.tolerance = tolerance
        self.name = f"{topic}-{engine}-{tolerance}"
        self.dead_letters = f"{self.name}-dead-letters"
        self._stack = stack
        self._worker = worker
        self._file = stack.workspace.make_folder("lines") / self.name

    def create(self, **changes: str) -> None:
        converter = {
            "converter": AVRO_CONVERTER,
            "converter.engine": self.engine,
            "converter.schema.registry.url": self._stack.proxy.url,
            "converter.basic.auth.credentials.source": "USER_INFO",
            "converter.basic.auth.user.info": self._stack.proxy.user_info,
        } | {f"converter.{key}": value for key, value in _RETRIES.items()}
        config = {
            "name": self.name,
            "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
            "topics": self.topic,
            "file": str(self._file),
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "errors.tolerance": self.tolerance,
        } | {f"value.{key}": value for key, value in converter.items()}
        if self.tolerance == "all":
            config |= {
                "errors.deadletterqueue.topic.name": self.dead_letters,
                "errors.deadletterqueue.topic.replication.factor": "1",
                "errors.deadletterqueue.context.headers.enable": "true",
            }
        self._worker.client.create(config | changes)

    def rows(self) -> list[str]:
        return self._file.read_text().splitlines() if self._file.exists() else []

    def wait_for_rows(self, expected: list[str]) -> None:
        """Wait until exactly these rows were written, each at least once: a task that restarts may repeat some."""

        def complete() -> bool:
            self._worker.client.raise_if_failed(self.name)
            return set(self.rows()) == set(expected)

        self._worker.client.wait(complete, f"{self.name} to write {expected} (so far {self.rows()})")

    def committed(self) -> int:
        """The offset its consumer group would go on from."""
        return self._stack.probe.committed(f"connect-{self.name}", self.topic) or 0


class Bystander:
    """A connector of stock classes on the same worker: it must not notice what happens to others."""

    name = "bystander"

    def __init__(self, stack: Stack, worker: Connect) -> None:
        self._stack = stack
        self._worker = worker
        self._topic = f"{self.name}-{worker.label}"
        self._file: Path = stack.workspace.make_folder("lines") / self._topic
        self._written = 0

    def create(self) -> None:
        self._stack.probe.create_topic(self._topic)
        self._worker.client.create(
            {
                "name": self.name,
                "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
                "topics": self._topic,
                "file": str(self._file),
                "key.converter": "org.apache.kafka.connect.storage.StringConverter",
                "value.converter": "org.apache.kafka.connect.storage.StringConverter",
            }
        )

    def check(self) -> None:
        """Send it one more record and see it arrive."""
        self._written += 1
        line = f"line {self._written}"
        self._stack.probe.write_raw(self._topic, (None, line.encode()))

        def arrived() -> bool:
            self._worker.client.raise_if_failed(self.name)
            return self._file.exists() and line in self._file.read_text().splitlines()

        self._worker.client.wait(arrived, "the connector beside the failed one to go on working")
