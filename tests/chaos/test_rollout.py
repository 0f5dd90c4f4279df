"""A short rollout with every change; `make chaos-rollout` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.rollout import report, roll


@pytest.mark.timeout(240)
def test_eight_jobs_survive_the_restart_of_both_programs_and_burn_no_attempt(tmp_path: Path) -> None:
    found = roll(tmp_path, jobs=8, latency=(1.0, 2.0), restart=("executor", "poller"), seconds=120)

    assert not found.wrong, report(found, None)
    assert found.burned == 0
    assert all(len(found.stood_still[name]) >= 4 for name in ("executor", "poller")), report(found, None)
    print(report(found, None))
