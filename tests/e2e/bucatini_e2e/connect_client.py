"""A client of Kafka Connect's REST interface: only what the tests ask of it."""

import contextlib
import json
import time
import urllib.error
import urllib.parse
import urllib.request

from .failure import Failure

_REBALANCING = 409
_PATIENCE_SECONDS = 60.0


class ConnectError(Failure):
    """Connect answered a request with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"Connect answered {status}: {message}")
        self.status = status
        self.message = message


class ConnectClient:
    def __init__(self, url: str) -> None:
        self.url = url

    def answers(self) -> bool:
        """Whether the worker has joined its group and serves requests; raises OSError while it is not up."""
        try:
            self._once("GET", "/connectors", None)
        except ConnectError:
            return False
        return True

    def plugins(self) -> list[dict]:
        return self._request("GET", "/connector-plugins?connectorsOnly=false")

    def validate(self, plugin: str, config: dict[str, str]) -> dict:
        return self._request("PUT", f"/connector-plugins/{_quoted(plugin)}/config/validate", config)

    def plugin_settings(self, plugin: str) -> list[dict]:
        return self._request("GET", f"/connector-plugins/{_quoted(plugin)}/config")

    def connectors(self) -> list[str]:
        return self._request("GET", "/connectors")

    def create(self, config: dict[str, str]) -> None:
        """Create or change a connector from one flat object with its `name`, the form the story uses."""
        self._request("PUT", f"/connectors/{_quoted(config['name'])}/config", config)

    def status(self, name: str) -> dict:
        return self._request("GET", f"/connectors/{_quoted(name)}/status")

    def stop(self, name: str) -> None:
        """Stop the connector's tasks and wait until they are gone; its configuration and offsets stay."""
        self._request("PUT", f"/connectors/{_quoted(name)}/stop")

        def stopped() -> bool:
            status = self.status(name)
            return status["connector"]["state"] == "STOPPED" and not status["tasks"]

        self.wait(stopped, f"connector {name} to stop")

    def resume(self, name: str) -> None:
        self._request("PUT", f"/connectors/{_quoted(name)}/resume")

    def restart_failed_task(self, name: str, task: int = 0) -> None:
        """Restart the task and wait until its old failure is no longer what the worker reports."""
        self._request("POST", f"/connectors/{_quoted(name)}/tasks/{task}/restart")

        def is_back() -> bool:
            return all(entry["state"] != "FAILED" for entry in self.status(name)["tasks"])

        self.wait(is_back, f"task {task} of connector {name} to start again")

    def delete(self, name: str) -> None:
        """Delete a connector; its offsets stay."""
        self._request("DELETE", f"/connectors/{_quoted(name)}")

    def remove(self, name: str) -> None:
        """Delete a connector together with its offsets, so that its name can be used afresh."""
        self.stop(name)
        self._request("DELETE", f"/connectors/{_quoted(name)}/offsets")
        self.delete(name)

    def wait_until_running(self, name: str, seconds: float = 60.0) -> None:
        """Wait for the connector and one task to run; a task that fails ends the wait with its trace."""

        def running() -> bool:
            self.raise_if_failed(name)
            status = self._status_or_none(name)
            tasks = status["tasks"] if status else []
            return bool(tasks) and all(task["state"] == "RUNNING" for task in tasks)

        self.wait(running, f"connector {name} to run", seconds)

    def raise_if_failed(self, name: str) -> None:
        """Turn a failed connector or task into an error with its trace, rather than wait for what cannot come."""
        status = self._status_or_none(name)
        if status is None:
            return
        for part in (status["connector"], *status["tasks"]):
            if part["state"] == "FAILED":
                raise Failure(f"connector {name} failed:\n{part['trace']}")

    def wait_until_failed(self, name: str, seconds: float = 60.0) -> str:
        """Wait for the connector's task to fail; returns its trace."""
        trace = ""

        def failed() -> bool:
            nonlocal trace
            status = self._status_or_none(name)
            for task in status["tasks"] if status else []:
                if task["state"] == "FAILED":
                    trace = task["trace"]
            return bool(trace)

        self.wait(failed, f"the task of connector {name} to fail", seconds)
        return trace

    def wait(self, condition, what: str, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Failure(f"waited {seconds:.0f} s in vain for {what}; {self._states()}")
            time.sleep(0.1)

    def _status_or_none(self, name: str) -> dict | None:
        """A connector that was just created may have no status for a moment."""
        try:
            return self.status(name)
        except ConnectError as error:
            if error.status == 404:
                return None
            raise

    def _states(self) -> str:
        """What state every connector and its tasks are in, in a few words."""
        described = []
        for name, entry in self._request("GET", "/connectors?expand=status").items():
            parts = (entry["status"]["connector"], *entry["status"]["tasks"])
            described.append(f"{name} is {', '.join(part['state'] for part in parts)}")
        return "; ".join(described)

    def _request(self, method: str, path: str, body: dict | None = None):
        """Send a request, again while the worker says that its group is rebalancing."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return self._once(method, path, body)
            except ConnectError as error:
                if error.status != _REBALANCING or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def _once(self, method: str, path: str, body: dict | None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            with contextlib.suppress(ValueError, KeyError):
                text = json.loads(text)["message"]
            raise ConnectError(error.code, text) from error
        return json.loads(content) if content else None


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")
