"""A short chaos run on every change: one poller, two executors, one of each kind of trouble that does not take long."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.chaos.plan import Fault, Plan, plan
from workbench.chaos.report import table
from workbench.chaos.run import perform, verdict

pytestmark = pytest.mark.heavy

_KINDS = (
    "rtdb drops replies",
    "kill executor",
    "rtdb cuts streams",
    "kill poller",
    "rtdb 412",
    "kill both",
    "rtdb 503",
    "stop executor",
)


def _short_plan() -> Plan:
    jobs = plan(seed=3, jobs=7, seconds=12).submissions
    faults = tuple(
        Fault(at=2.0 + 1.7 * place, kind=kind, target=place, seconds=1.0, count=6)
        for place, kind in enumerate(_KINDS)
    )
    return Plan(seed=3, submissions=jobs, faults=faults)


@pytest.mark.timeout(300)
def test_no_promise_is_broken_while_things_are_killed(tmp_path: Path) -> None:
    settled = perform(_short_plan(), tmp_path, pollers=1, executors=2, settle=150, slow="")

    found = verdict(tmp_path)
    assert found.good, table(found)
    assert settled
    assert found.counts["submitted"] == 7
    assert found.counts["calls"] > 50
    assert found.counts["in flight at kills"] > 0, "the kills hit nothing"
