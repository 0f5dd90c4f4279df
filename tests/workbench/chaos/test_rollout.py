"""A short rollout with every change; `make chaos-rollout` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.chaos.rollout import report, roll

pytestmark = pytest.mark.heavy


@pytest.mark.timeout(400)
def test_neither_program_wastes_a_question_alone_or_with_the_other(tmp_path: Path) -> None:
    kinds = ("at once", "executors", "poller")
    found = roll(tmp_path, jobs=6, latency=(1.0, 2.0), upgrades=kinds)

    print(report(found, None))
    assert found.good, report(found, None)
    assert sum(found.broken_off.values()) == 0
    assert min(found.open[kind] for kind in kinds) > 0
