"""Log settings for the Java servers: everything goes to the console, which is the server's log file."""

from pathlib import Path

_PATTERN = "[%d{ISO8601}] %p %m (%c:%L)%n"

_LOG4J2 = f"""\
rootLogger.level = INFO
rootLogger.appenderRefs = console
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = {_PATTERN}
"""

_LOG4J1 = f"""\
log4j.rootLogger=INFO, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern={_PATTERN}
"""


def options(kafka_version: str, folder: Path) -> tuple[str, ...]:
    """JVM options for this version's logging library; its settings are written into `folder`."""
    if kafka_version.startswith("3."):
        file, text, key = folder / "log4j.properties", _LOG4J1, "log4j.configuration"
    else:
        file, text, key = folder / "log4j2.properties", _LOG4J2, "log4j2.configurationFile"
    file.write_text(text)
    return (f"-D{key}=file:{file}",)
