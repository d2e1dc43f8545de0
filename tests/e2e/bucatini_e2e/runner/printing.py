"""`bucatini cat` prints the story's topic as the story shows it."""

import subprocess

from ..failure import Failure, expect_equal
from ..pasta import records
from ..pasta.story import TOPIC
from ..servers import runner
from ..servers.stack import Stack
from ..steps import step


def check(stack: Stack) -> None:
    """After the story was told through Kafka, while its topic is still there."""
    with step("bucatini cat: the story's lines, byte for byte but for times and positions"):
        lines = cat(stack, TOPIC, "-q", "-s", "avro", "-r", _registry(stack), "-f", "Key: %k\\nValue: %s\\n").splitlines()
        expected = records.expected_avro()
        expect_equal("the number of lines", 2 * len(expected), len(lines))
        found = [
            {"headers": record["headers"], "key": _field("Key: ", key), "value": _field("Value: ", value)}
            for record, key, value in zip(expected, lines[::2], lines[1::2], strict=True)
        ]
        records.check_avro(found)
        records.check_against_printed_story(found)
    with step("bucatini cat: as many records as asked for, and where they are"):
        expect_equal("partitions and offsets", "0:0 0:1", cat(stack, TOPIC, "-q", "-c", "2", "-f", "%p:%o ").strip())


def _field(label: str, line: str) -> dict[str, str] | None:
    if not line.startswith(label):
        raise Failure(f"expected a line that begins with {label!r}, found {line!r}")
    text = line.removeprefix(label)
    return {"avro": text} if text else None


def _registry(stack: Stack) -> str:
    scheme, _, address = stack.proxy.url.partition("://")
    return f"{scheme}://{stack.proxy.user_info}@{address}"


def cat(stack: Stack, topic: str, *arguments: str) -> str:
    """What `bucatini cat` prints of a topic."""
    command = [str(runner.binary()), "cat", "-b", stack.kafka.bootstrap, "-t", topic, "-C", "-o", "beginning", "-e"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise Failure(f"bucatini cat ended with code {done.returncode}:\n{done.stderr}")
    return done.stdout
