"""What is downloaded from Maven Central, by set. A set is one class path, or one archive."""

from dataclasses import dataclass

KAFKA = "4.1.1"
CONNECT_VERSIONS = ("4.1.1", "3.9.1")
DEBEZIUM_OF_THE_STORY = "1.7.0.Final"
DEBEZIUM_CURRENT = "3.3.1.Final"
APICURIO = "2.6.13.Final"
AVRO = "1.12.1"

BROKER = "kafka-broker"
PROBE = "probe"
REGISTRY = "schema-registry"
SOURCE_PLUGIN = "debezium-postgres-of-the-story"
SOURCE_PLUGIN_CURRENT = "debezium-postgres-current"
SINK_PLUGIN = "debezium-jdbc-sink"


def connect(version: str) -> str:
    return f"kafka-connect-{version}"


@dataclass(frozen=True)
class Dependency:
    """A Maven coordinate; `kind` is the packaging, with its classifier if it has one."""

    group: str
    artifact: str
    version: str
    kind: str = "jar"
    classifier: str = ""

    @staticmethod
    def parse(text: str) -> "Dependency":
        """Reads `group:artifact:version[:kind[:classifier]]`."""
        return Dependency(*text.split(":"))


def _connect_roots(version: str, logging: str) -> list[str]:
    modules = ("connect-runtime", "connect-json", "connect-transforms", "connect-api", "connect-file", "kafka-tools")
    return [f"org.apache.kafka:{module}:{version}" for module in modules] + [logging]


_LOG4J2 = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"

ROOTS: dict[str, list[str]] = {
    BROKER: [f"org.apache.kafka:kafka_2.13:{KAFKA}", _LOG4J2],
    connect("4.1.1"): _connect_roots("4.1.1", _LOG4J2),
    connect("3.9.1"): _connect_roots("3.9.1", "org.slf4j:slf4j-reload4j:1.7.36"),
    PROBE: [
        f"org.apache.kafka:kafka-clients:{KAFKA}",
        f"org.apache.avro:avro:{AVRO}",
        f"io.apicurio:apicurio-registry-serdes-avro-serde:{APICURIO}",
        "org.slf4j:slf4j-nop:1.7.36",
    ],
    REGISTRY: [f"io.apicurio:apicurio-registry-app:{APICURIO}:tar.gz:all"],
    SOURCE_PLUGIN: [f"io.debezium:debezium-connector-postgres:{DEBEZIUM_OF_THE_STORY}:tar.gz:plugin"],
    SOURCE_PLUGIN_CURRENT: [f"io.debezium:debezium-connector-postgres:{DEBEZIUM_CURRENT}:tar.gz:plugin"],
    SINK_PLUGIN: [f"io.debezium:debezium-connector-jdbc:{DEBEZIUM_CURRENT}:tar.gz:plugin"],
}
