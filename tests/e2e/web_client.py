"""Behaves like the MSAEz web client towards the database: two writes to start a job, streams to follow it, a removal request.

Plain REST, no code of the product.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

NAMESPACE = "eventstorming_generator"


@dataclass
class WebClient:
    """One browser. `port` is the embedded database's."""

    port: int
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10))

    def submit(self, inputs: dict[str, Any], *, job_id: str | None = None) -> str:
        job_id = job_id or inputs.get("jobId") or str(uuid.uuid4())
        self.put(f"jobs/{NAMESPACE}/{job_id}", {"state": {"inputs": {**inputs, "jobId": job_id}}})
        self.enqueue(job_id)
        return job_id

    def enqueue(self, job_id: str) -> None:
        self.put(f"requestedJobs/{NAMESPACE}/{job_id}", {"createdAt": {".sv": "timestamp"}})

    def request_removal(self, job_id: str) -> None:
        self.put(f"jobStates/{NAMESPACE}/{job_id}", {"isRemoveRequested": True})

    def put(self, path: str, value: Any) -> None:
        self.http.put(self._url(path), json=value, headers=_OWNER).raise_for_status()

    def get(self, path: str) -> Any:
        return self.http.get(self._url(path), headers=_OWNER).raise_for_status().json()

    def outputs(self, job_id: str) -> dict[str, Any]:
        return self.get(f"jobs/{NAMESPACE}/{job_id}/state/outputs") or {}

    def wait(self, what: Callable[[], Any], *, seconds: float = 60.0) -> Any:
        """Waits until `what` is true; its value."""
        deadline = time.monotonic() + seconds
        while not (value := what()):
            if time.monotonic() > deadline:
                raise AssertionError(f"still not true after {seconds:.0f} s")
            time.sleep(0.05)
        return value

    def ended(self, job_id: str, *, seconds: float = 100.0) -> dict[str, Any]:
        """The outputs of a job that has come to its end."""

        def end() -> dict[str, Any] | None:
            outputs = self.outputs(job_id)
            return outputs if outputs.get("isCompleted") or outputs.get("isFailed") else None

        found: dict[str, Any] = self.wait(end, seconds=seconds)
        return found

    def record(self, path: str) -> Recorder:
        return Recorder(self._url(path))

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}.json?ns=eventstorming"


class Recorder:
    """Everything the database streams about one path, in order: (path, value) per changed place."""

    def __init__(self, url: str) -> None:
        self.events: list[tuple[str, Any]] = []
        self._url, self._open = url, threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        assert self._open.wait(10), "the stream did not open"

    def _listen(self) -> None:
        headers = {**_OWNER, "Accept": "text/event-stream"}
        with (
            httpx.Client(timeout=httpx.Timeout(10, read=None)) as http,
            http.stream("GET", self._url, headers=headers) as stream,
        ):
            for kind, data in _events(stream.iter_lines()):
                self.events.extend(_changes(kind, data))
                self._open.set()


_OWNER = {"Authorization": "Bearer owner"}


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    kind = ""
    for line in lines:
        if line.startswith("event:"):
            kind = line[6:].strip()
        elif line.startswith("data:") and kind in ("put", "patch"):
            yield kind, json.loads(line[5:])


def _changes(kind: str, data: dict[str, Any]) -> list[tuple[str, Any]]:
    base = data["path"].rstrip("/")
    if kind == "put":
        return [(base or "/", data["data"])]
    return [(f"{base}/{key}", value) for key, value in data["data"].items()]
