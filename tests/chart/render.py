"""Renders the chart with the real Helm. Each set of values is rendered once in a test run."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path
from typing import Any

import yaml

from scripts import kube_tools

CHART = kube_tools.ROOT / "charts" / "eventstorming"
EXAMPLES = sorted(path.parent.name for path in CHART.glob("examples/*/values.yaml"))

Object = dict[str, Any]


class Refused(Exception):
    """Helm would not render; the message is what the operator sees."""


@functools.cache
def render(*sets: str, example: str = "default", chart: Path = CHART, helm: int = 4) -> tuple[Object, ...]:
    """Every object of the release `es` in the namespace `ns`; `sets` are those of `--set`."""
    values = [f"--values={CHART}/examples/{example}/values.yaml"]
    done = _helm(
        helm, "template", "es", str(chart), "--namespace=ns", *values, *(f"--set={it}" for it in sets)
    )
    if done.returncode:
        raise Refused(done.stderr)
    return tuple(it for it in yaml.load_all(done.stdout, yaml.CSafeLoader) if it)


def lint(*, example: str, helm: int) -> subprocess.CompletedProcess[str]:
    return _helm(helm, "lint", "--strict", str(CHART), f"--values={CHART}/examples/{example}/values.yaml")


def _helm(major: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([kube_tools.helm(major), *arguments], capture_output=True, text=True, check=False)


def of(objects: tuple[Object, ...], kind: str, name: str | None = None) -> Object:
    """The one object of this kind, and name where there are several."""
    found = [it for it in objects if it["kind"] == kind and name in (None, it["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} objects {kind} {name}"
    return found[0]


def named(objects: tuple[Object, ...], kind: str) -> dict[str, Object]:
    return {it["metadata"]["name"]: it for it in objects if it["kind"] == kind}


def poller(*sets: str, example: str = "default") -> Object:
    return of(render(*sets, example=example), "Deployment", _name(example))


def executor(*sets: str, example: str = "default") -> Object:
    return of(render(*sets, example=example), "Deployment", f"{_name(example)}-executor")


def _name(example: str) -> str:
    return "eventstorming-canary" if example == "canary" else "eventstorming-generator"


def pods(objects: tuple[Object, ...]) -> dict[str, Object]:
    """Pod templates, the test pod included, by the name of their owner."""
    found = {name: it["spec"]["template"] for name, it in named(objects, "Deployment").items()}
    return found | named(objects, "Pod")


def containers(pod: Object) -> list[Object]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def container(deployment: Object) -> Object:
    """The first, which is the program itself."""
    first: Object = deployment["spec"]["template"]["spec"]["containers"][0]
    return first


def env(deployment: Object) -> dict[str, Object]:
    return {entry["name"]: entry for entry in container(deployment)["env"]}


def value(deployment: Object, name: str) -> str | None:
    found: str | None = env(deployment).get(name, {}).get("value")
    return found


def secret_keys(deployment: Object) -> dict[str, Object]:
    """The reference behind each variable that comes from a secret."""
    return {
        name: entry["valueFrom"]["secretKeyRef"]
        for name, entry in env(deployment).items()
        if "secretKeyRef" in entry.get("valueFrom", {})
    }


def millicpu(quantity: str | int) -> int:
    text = str(quantity)
    return int(text[:-1]) if text.endswith("m") else int(float(text) * 1000)
