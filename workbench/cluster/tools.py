"""One of the two Helms and kubectl, in one namespace of one cluster."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from scripts import kube_tools


class Failed(Exception):
    """A step did not do what it should; the message has the tool's own words."""


class Tools:
    """`major` is Helm's."""

    def __init__(self, config: Path, major: int) -> None:
        self.config, self.namespace = config, f"eventstorming-check-{major}"
        self._helm, self._kubectl = str(kube_tools.helm(major)), str(kube_tools.kubectl())

    @property
    def version(self) -> str:
        return _said([self._helm, "version", "--template", "{{.Version}}"]).removeprefix("v")

    def helm(self, *arguments: str) -> str:
        return _said([self._helm, f"--kubeconfig={self.config}", f"--namespace={self.namespace}", *arguments])

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        return _said(self.command(*arguments), given)

    def command(self, *arguments: str) -> list[str]:
        """Of kubectl, for a process that stays."""
        return [self._kubectl, f"--kubeconfig={self.config}", f"--namespace={self.namespace}", *arguments]

    def found(self, *what: str) -> list[dict[str, Any]]:
        """Objects, as `kubectl get` has them."""
        listed: list[dict[str, Any]] = json.loads(self.kubectl("get", *what, "--output=json"))["items"]
        return listed


def _said(command: list[str], given: str | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, input=given, check=False, timeout=900)
    if done.returncode:
        raise Failed(f"{' '.join(command)}\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout.strip()
