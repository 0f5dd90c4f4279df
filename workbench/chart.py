"""Renders the chart with the real Helm, once for each set of values, and reads what comes out."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from scripts import kube_tools

CHART = kube_tools.ROOT / "charts" / "eventstorming"
EXAMPLES = sorted(path.parent.name for path in CHART.glob("examples/*/values.yaml"))
DASHBOARD = json.loads((CHART / "dashboards" / "eventstorming.json").read_text())
SERVICE = ("metrics.alerts.enabled=true", "metrics.serviceMonitor.enabled=true")

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


def alerts(*sets: str) -> list[Object]:
    kind = "Rules" if "metrics.podMonitoring.enabled=true" in sets else "PrometheusRule"
    groups = of(render(*sets), kind)["spec"]["groups"]
    assert len(groups) == 1
    found: list[Object] = groups[0]["rules"]
    return found


def dashboard_expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        yield variable.get("definition", "")


def metrics(expression: str) -> set[str]:
    names = re.findall(r"\beventstorming_\w+", re.sub(r'"[^"]*"', "", expression))
    return {re.sub(r"_bucket$", "", name) for name in names}


def asked_metrics() -> set[str]:
    """Of the dashboard and the alerts, as `# HELP` names them."""
    expressions = [*(it["expr"] for it in alerts(*SERVICE)), *dashboard_expressions()]
    return {name for it in expressions for name in metrics(it)}
