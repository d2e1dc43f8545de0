"""A client of the registry's Confluent API, through the proxy and with its credentials."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request

from .servers.registry_proxy import RegistryProxy


class RegistryClient:
    def __init__(self, proxy: RegistryProxy) -> None:
        self._url = proxy.url
        self._authorization = "Basic " + base64.b64encode(proxy.user_info.encode()).decode()

    def latest_schema(self, subject: str) -> dict:
        answer = self._request("GET", f"/subjects/{urllib.parse.quote(subject, safe='')}/versions/latest")
        return json.loads(answer["schema"])

    def register(self, subject: str, schema: dict) -> int:
        body = {"schema": json.dumps(schema)}
        return self._request("POST", f"/subjects/{urllib.parse.quote(subject, safe='')}/versions", body)["id"]

    def forget(self, subject: str) -> None:
        """Delete a subject for good if it is there, so that the next run has to register it."""
        path = f"/subjects/{urllib.parse.quote(subject, safe='')}"
        for query in ("", "?permanent=true"):
            try:
                self._request("DELETE", path + query)
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise

    def _request(self, method: str, path: str, body: dict | None = None):
        headers = {"Authorization": self._authorization, "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())
