"""What it costs running jobs when a program is replaced, by the build before and by this one: `make containers BEFORE=1`.

Each build at the chart's limits and default size, one executor and one poller: the same six jobs undisturbed, then with the
executor replaced while they ask, with the poller replaced, and with both at once, as `helm upgrade` does. The old pod goes
first (the chart has no surge) and the new one is waited for. The language model answers the same question after the same time
in every round, so a job's added delay is what it took more than undisturbed. Ends with 1 when this build asks an answered
question again, breaks one off, or delays a job by more than the drain, one pod's start and 5 s.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from workbench.bench import before
from workbench.chaos import texts
from workbench.containers import calls, engine, rendered
from workbench.containers.jobs import completed, submitted

TEXTS = [texts.text(2 * number, "English") for number in range(6)]
ROUNDS = ("undisturbed", "executor", "poller", "both")
P50, P95 = 2.5, 6.0
SLACK = 5.0
OLD = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Seconds, but for the last two. `drain` and `start` are the longest of what was replaced; 0 where nothing was."""

    drain: float
    start: float
    took: list[float]
    asked_again: int
    broken_off: int

    def added(self, undisturbed: Round) -> list[float]:
        return [took - calm for took, calm in zip(self.took, undisturbed.took, strict=True)]

    @property
    def bound(self) -> float:
        return self.drain + self.start + SLACK

    def wrong(self, undisturbed: Round) -> bool:
        """What this build must not do."""
        late = max(self.added(undisturbed)) > self.bound
        return bool(late or self.asked_again or self.broken_off)


def main() -> int:
    engine.require_tools()
    engine.remove_all()
    if reason := engine.why_not():
        print(f"No container runs on this machine, whatever is in it: {reason}")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        try:
            tree = Path(folder) / OLD
            answers = ("tests.openai_server", before.unpacked(tree))
            engine.build_images(tree, OLD)
            engine.build_images()
            old = _rounds(OLD, Path(folder), answers)
            new = _rounds(engine.TAG, Path(folder), ("workbench.openai_server", {}))
        finally:
            engine.remove_all()
    print(report({before.BEFORE: old, "now": new}, os.getloadavg()[1]))
    return 1 if any(new[kind].wrong(new[ROUNDS[0]]) for kind in ROUNDS[1:]) else 0


def report(builds: dict[str, dict[str, Round]], load: float) -> str:
    rows = [
        f"{len(TEXTS)} jobs at once, calls p50 {P50} s and p95 {P95} s, one executor and one poller at the chart's limits; "
        f"load of the machine {load:.1f}",
        f"{'replaced':<12} {'build':<8} {'drain':>7} {'start':>7} {'a job took':>11} {'added, median':>14} {'most':>7} "
        f"{'bound':>7} {'asked again':>12} {'broken off':>11}",
    ]
    for kind in ROUNDS:
        for build, rounds in builds.items():
            rows.append(f"{kind:<12} {build:<8} {_row(rounds[kind], rounds[ROUNDS[0]])}")
    return "\n".join(rows)


def _row(found: Round, undisturbed: Round) -> str:
    added = found.added(undisturbed)
    return (
        f"{found.drain:>5.1f} s {found.start:>5.1f} s {statistics.median(found.took):>9.1f} s "
        f"{statistics.median(added):>12.1f} s {max(added):>5.1f} s {found.bound:>5.1f} s {found.asked_again:>12} {found.broken_off:>11}"
    )


Answers = tuple[str, Mapping[str, str]]
"""The language model's module and its settings: a build asks what only its own tree can answer."""


def _rounds(tag: str, folder: Path, answers: Answers) -> dict[str, Round]:
    engine.podman("network", "create", engine.NETWORK)
    try:
        return dict(_played(tag, folder, answers))
    finally:
        engine.remove_all()


def _played(tag: str, folder: Path, answers: Answers) -> Iterator[tuple[str, Round]]:
    """The language model is started anew for each round, at one port, so that it has forgotten what it was asked."""
    rendered.start_database(tag=tag)
    pods, port = Pods(tag), 0
    for kind in ROUNDS:
        log = folder / f"{tag}-{kind}.jsonl"
        host, (module, own) = engine.gateway(), answers
        with calls.language_model(
            host, log, p50=P50, p95=P95, port=port, module=module, settings=own
        ) as settings:
            port = int(settings["OPENAI_BASE_URL"].rsplit(":", 1)[1].split("/")[0])
            yield kind, _round(pods, kind, settings, log)


def _round(pods: Pods, kind: str, settings: dict[str, str], log: Path) -> Round:
    times = pods.started(("executor", "poller"), settings) if kind == ROUNDS[0] else []
    jobs = submitted(TEXTS)
    if kind != ROUNDS[0]:
        calls.until_asked(log, 2 * len(jobs), than=0, until=engine.expect)
        times = pods.replaced(("executor", "poller") if kind == "both" else (kind,), settings)
    return Round(
        drain=max(drain for drain, _ in times),
        start=max(start for _, start in times),
        took=completed(jobs, within=300),
        asked_again=len(calls.asked_again(log)),
        broken_off=calls.broken_off(log),
    )


class Pods:
    """One executor and one poller of a build; a new one has a new name."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._lives = {"executor": 0, "poller": 0}

    def started(self, components: tuple[str, ...], settings: dict[str, str]) -> list[tuple[float, float]]:
        """Drain (none) and start of each, seconds."""
        return [(0.0, self._started(component, settings)) for component in components]

    def replaced(self, components: tuple[str, ...], settings: dict[str, str]) -> list[tuple[float, float]]:
        """All at the same moment; drain and start of each, seconds."""
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda component: self._replaced(component, settings), components))

    def _replaced(self, component: str, settings: dict[str, str]) -> tuple[float, float]:
        name = self._name(component)
        return rendered.stop([name], component)[name], self._started(component, settings)

    def _started(self, component: str, settings: dict[str, str]) -> float:
        self._lives[component] += 1
        began, name = time.monotonic(), self._name(component)
        if component == "executor":
            rendered.start_executor(name, settings, tag=self._tag)
        else:
            rendered.start_poller(name, tag=self._tag)
        return rendered.until_ready(name, component, began)

    def _name(self, component: str) -> str:
        return f"check-{component}-{self._lives[component]}"


if __name__ == "__main__":
    sys.exit(main())
