"""The life of a release, step by step; each step says what it measured, and raises when something is not as the documents say."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from workbench.chart import CHART
from workbench.cluster.jobs import DATABASE, Load
from workbench.cluster.tools import Failed, Tools

NAME = "es"
POLLER, EXECUTOR = "eventstorming-generator", "eventstorming-generator-executor"
OURS = "app.kubernetes.io/name=eventstorming"


class Release:
    """`waits` go to whatever can wait, `flags` to every `helm upgrade`."""

    def __init__(
        self,
        tools: Tools,
        registry: str,
        tag: str,
        *,
        waits: tuple[str, ...] = ("--wait", "--timeout=5m"),
        flags: tuple[str, ...] = (),
    ) -> None:
        self.tools, self.waits, self._flags = tools, waits, flags
        self._given = {
            "image.registry": registry,
            "image.tag": tag,
            "service.type": "ClusterIP",
            "settings.AI_MODEL": "offline:rules",
            "settings.FIREBASE_DATABASE_EMULATOR_HOST": f"{DATABASE}:9000",
        }

    def upgraded(self, **values: str) -> float:
        """Installs where there is none. Seconds."""
        sets = {**self._given, **{name.replace("__", "."): value for name, value in values.items()}}
        flags = [part for name, value in sets.items() for part in ("--set", f"{name}={value}")]
        began = time.monotonic()
        self.tools.helm(
            "upgrade",
            "--install",
            NAME,
            str(CHART),
            "--reset-then-reuse-values",
            *self.waits,
            *self._flags,
            *flags,
        )
        return time.monotonic() - began

    @property
    def revision(self) -> int:
        return max(
            int(it["revision"]) for it in json.loads(self.tools.helm("history", NAME, "--output=json"))
        )

    @property
    def executors(self) -> int:
        """As the cluster has it."""
        [found] = [it for it in self.tools.found("deployments") if it["metadata"]["name"] == EXECUTOR]
        return int(found["spec"]["replicas"])

    def setting(self, name: str) -> str:
        """Of the poller, as the cluster has it."""
        [found] = [it for it in self.tools.found("deployments") if it["metadata"]["name"] == POLLER]
        env = found["spec"]["template"]["spec"]["containers"][0]["env"]
        return str(next((it.get("value") for it in env if it["name"] == name), ""))


def life(release: Release, load: Load) -> Iterator[tuple[str, str]]:
    """What was done, and what it took."""
    tools = release.tools
    yield "install --wait", _seconds(release.upgraded())
    began = time.monotonic()
    tools.helm("test", NAME, "--timeout=5m")
    yield "helm test", _seconds(time.monotonic() - began)
    _expect(
        not tools.found("pods", f"--selector={OURS},app.kubernetes.io/component=test"),
        "the test's pod is still there",
    )
    yield "8 jobs completed", _seconds(load.some(8))

    first = release.revision
    with load.coming() as jobs:
        took = release.upgraded(settings__LOG_LEVEL="DEBUG")
    _expect(release.setting("LOG_LEVEL") == "DEBUG", "the upgrade changed nothing")
    yield (
        "upgrade under load, both pods replaced",
        f"{_seconds(took)}, {len(jobs)} of {len(jobs)} jobs completed",
    )

    release.upgraded(executor__replicas="2")
    _expect(release.executors == 2, "the values say 2 executors")
    yield "scaled by values to 2, then the setting of before", release.setting("LOG_LEVEL")
    release.upgraded(autoscaling__mode="external", executor__replicas="null")
    tools.kubectl("scale", f"deployment/{EXECUTOR}", "--replicas=3")
    release.upgraded(settings__LOG_LEVEL="WARNING")
    _expect(release.executors == 3, f"kubectl scaled to 3, an upgrade made it {release.executors}")
    yield "scaled by hand to 3, kept by an upgrade", str(release.executors)

    with load.coming() as jobs:
        began = time.monotonic()
        tools.helm("rollback", NAME, str(first), *_forced(tools), *release.waits)
        took = time.monotonic() - began
    _expect(release.setting("LOG_LEVEL") == "", "the rollback left a setting")
    yield (
        f"rollback to revision {first} under load",
        f"{_seconds(took)}, {len(jobs)} of {len(jobs)} jobs completed",
    )

    tools.helm("uninstall", NAME, "--wait")
    left = [it["metadata"]["name"] for it in tools.found("deployments,services,pods", f"--selector={OURS}")]
    _expect(not left, f"left behind: {', '.join(left)}")
    yield "uninstall, objects left behind", str(len(left))


def _forced(tools: Tools) -> tuple[str, ...]:
    """A hand has scaled: Helm 4 asks whose number it is (docs/operations.md)."""
    return ("--force-conflicts",) if tools.version.startswith("4.") else ()


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Failed(otherwise)


def _seconds(took: float) -> str:
    return f"{took:.1f} s"
