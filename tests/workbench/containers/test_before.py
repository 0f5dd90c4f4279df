"""What two builds are judged by, without a container."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from workbench.containers.before import ROUNDS, Round, report

CALM = Round(drain=0.0, start=2.0, took=[20.0, 30.0], asked_again=0, broken_off=0)
ROLLED = Round(drain=4.0, start=2.0, took=[31.0, 32.0], asked_again=0, broken_off=0)


def test_a_job_may_wait_for_the_drain_one_start_and_five_seconds() -> None:
    assert ROLLED.added(CALM) == [11.0, 2.0]
    assert not ROLLED.wrong(CALM)
    assert replace(ROLLED, took=[31.1, 32.0]).wrong(CALM)


@pytest.mark.parametrize("wasted", ["asked_again", "broken_off"])
def test_no_question_may_be_wasted(wasted: str) -> None:
    assert replace(ROLLED, **{wasted: 1}).wrong(CALM)  # type: ignore[arg-type]


def test_the_table_has_both_builds_side_by_side() -> None:
    rounds = dict.fromkeys(ROUNDS, ROLLED) | {"undisturbed": CALM}
    table = report({"ef01d00": rounds, "now": rounds}, 1.5)

    assert "load of the machine 1.5" in table
    assert re.search(r"both +ef01d00 +4.0 s +2.0 s +31.5 s +6.5 s +11.0 s +11.0 s +0 +0\nboth +now", table)
