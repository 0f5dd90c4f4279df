"""A database in the cluster that no upgrade touches, and jobs in it, put in and looked at as the web client does."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol, Self

from scripts.kube_tools import ROOT
from workbench.cluster.tools import Failed, Tools

DATABASE = "rtdb"
SPACE = "eventstorming_generator"
EVERY = 0.5
LONGEST = 300.0


class Load(Protocol):
    """Jobs that come in while something happens."""

    def some(self, count: int) -> float:
        """Seconds until so many new ones are completed."""

    @contextmanager
    def coming(self) -> Iterator[list[str]]:
        """New ones all the while; on leaving, waits until all are completed. The value: their ids."""


class Jobs:
    """`Load`. A context: the namespace, the database and the way to it are there while inside."""

    def __init__(self, tools: Tools, registry: str, tag: str) -> None:
        self._tools = tools
        self._image = f"{registry.rstrip('/')}/eventstorming-poller:{tag}".removeprefix("/")
        self._forward: subprocess.Popen[str] | None = None
        self._url = ""
        self._inputs = {
            "requestType": "fromRequirements",
            "ids": {"uid": "check", "projectId": "check"},
            "preferedLanguage": "English",
            "requirements": (ROOT / "examples" / "library.en.md").read_text(),
        }

    def __enter__(self) -> Self:
        self._tools.kubectl("create", "namespace", self._tools.namespace)
        self._tools.kubectl("apply", "--filename=-", given=json.dumps(database(self._image)))
        self._tools.kubectl("rollout", "status", f"deployment/{DATABASE}", "--timeout=180s")
        forward = self._tools.command("port-forward", f"deployment/{DATABASE}", ":9000")
        self._forward = subprocess.Popen(forward, stdout=subprocess.PIPE, text=True)
        assert self._forward.stdout is not None
        if not (found := re.search(r"127\.0\.0\.1:(\d+)", self._forward.stdout.readline())):
            raise Failed("kubectl port-forward does not reach the database")
        self._url = f"http://127.0.0.1:{found[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._forward:
            self._forward.terminate()
        self._tools.kubectl("delete", "namespace", self._tools.namespace, "--ignore-not-found")

    def some(self, count: int) -> float:
        began = time.monotonic()
        self._completed([self._submitted() for _ in range(count)])
        return time.monotonic() - began

    @contextmanager
    def coming(self) -> Iterator[list[str]]:
        jobs, enough = list[str](), threading.Event()

        def submit() -> None:
            while not enough.wait(EVERY):
                jobs.append(self._submitted())

        thread = threading.Thread(target=submit)
        thread.start()
        try:
            yield jobs
        finally:
            enough.set()
            thread.join()
        self._completed(jobs)

    def _submitted(self) -> str:
        job = str(uuid.uuid4())
        self._ask("PUT", f"jobs/{SPACE}/{job}", {"state": {"inputs": {**self._inputs, "jobId": job}}})
        self._ask("PUT", f"requestedJobs/{SPACE}/{job}", {"createdAt": {".sv": "timestamp"}})
        return job

    def _completed(self, jobs: list[str]) -> None:
        end = time.monotonic() + LONGEST
        for job in jobs:
            while not (outputs := self._ask("GET", f"jobs/{SPACE}/{job}/state/outputs") or {}).get(
                "isCompleted"
            ):
                if outputs.get("isFailed") or time.monotonic() > end:
                    raise Failed(
                        f"the job {job} is {'failed' if outputs.get('isFailed') else 'not completed'}"
                    )
                time.sleep(0.1)

    def _ask(self, method: str, path: str, value: Any = None) -> Any:
        body = None if value is None else json.dumps(value).encode()
        headers = {"Authorization": "Bearer owner"}
        request = urllib.request.Request(
            f"{self._url}/{path}.json?ns=eventstorming", body, headers, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())


def database(image: str) -> dict[str, Any]:
    """The embedded database as a Deployment and a Service, under Pod Security's `restricted`."""
    labels = {"app": DATABASE}
    container = {
        "name": DATABASE,
        "image": image,
        "command": ["python3", "-m", "poller.rtdb.emulator", "--host", "::", "--port", "9000"],
        "readinessProbe": {"tcpSocket": {"port": 9000}},
        "resources": {"requests": {"cpu": "1m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    safe = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    pod = {"containers": [container], "securityContext": safe, "automountServiceAccountToken": False}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": DATABASE},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": DATABASE},
        "spec": {"selector": labels, "ports": [{"port": 9000}]},
    }
    return {"apiVersion": "v1", "kind": "List", "items": [deployment, service]}
