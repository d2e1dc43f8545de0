"""Apicurio's schema registry, used through its Confluent-compatible API. What it knows survives that it is killed."""

import urllib.request
from pathlib import Path

from ..downloads import sets, store
from . import java
from .server import Server


class Registry(Server):
    name = "schema-registry"
    confluent_api = "/apis/ccompat/v7"

    def install(self) -> None:
        java.tool("java")
        store.unpacked(sets.REGISTRY)

    def command(self) -> list[str]:
        # In a file instead of in memory, and there before an answer is sent.
        database = f"jdbc:h2:file:{self.folder}/schemas;WRITE_DELAY=0"
        options = (
            "-Dquarkus.http.host=127.0.0.1",
            f"-Dquarkus.http.port={self.port}",
            f"-DREGISTRY_DATASOURCE_URL={database}",
        )
        return java.jar_command("256m", self._jar(), options=options)

    def is_ready(self) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.confluent_api}/subjects", timeout=5) as answer:
            return answer.status == 200

    def _jar(self) -> Path:
        return store.unpacked(sets.REGISTRY) / f"apicurio-registry-app-{sets.APICURIO}-runner.jar"
