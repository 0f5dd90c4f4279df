"""The plan is the seed's and nothing else's; the texts carry their marks."""

from __future__ import annotations

import pytest

from workbench.chaos.language_model import _MARK
from workbench.chaos.plan import FAULTS, plan
from workbench.chaos.texts import mark, text


def test_a_seed_makes_the_same_plan_again() -> None:
    assert plan(seed=7, jobs=20, seconds=60) == plan(seed=7, jobs=20, seconds=60)
    assert plan(seed=7, jobs=20, seconds=60) != plan(seed=8, jobs=20, seconds=60)


def test_every_kind_of_fault_comes_before_a_second_of_any() -> None:
    kinds = [fault.kind for fault in plan(seed=1, jobs=1, seconds=1000).faults]

    assert set(kinds[: len(FAULTS)]) == set(FAULTS)
    assert len(kinds) > sum(FAULTS.values())


def test_nothing_lasts_longer_than_allowed() -> None:
    assert all(fault.seconds <= 3 for fault in plan(seed=1, jobs=1, seconds=1000, longest=3).faults)


@pytest.mark.parametrize("language", ["English", "Korean"])
def test_every_line_of_a_text_carries_the_mark_of_its_job(language: str) -> None:
    for number in range(4):
        lines = [line for line in text(number, language).splitlines() if line]
        assert {found[0] for line in lines if (found := _MARK.search(line))} == {mark(number)}
        assert all(mark(number) in line for line in lines)


def test_marks_differ() -> None:
    assert len({mark(number) for number in range(3000)}) == 3000
