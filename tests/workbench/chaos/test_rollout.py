"""A short rollout with every change; `make chaos-rollout` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.chaos.rollout import report, roll

pytestmark = pytest.mark.heavy


@pytest.mark.timeout(240)
def test_eight_jobs_survive_the_restart_of_both_programs_and_burn_no_attempt(tmp_path: Path) -> None:
    found = roll(tmp_path, jobs=8, latency=(1.5, 2.5), restart=("executor", "poller"), seconds=120)

    assert not found.wrong, report(found, None)
    assert found.burned == 0
    assert len(found.stood_still.get("executor", ())) >= 4, report(found, None)
    assert found.stood_still.get("poller"), report(found, None)
    print(report(found, None))
