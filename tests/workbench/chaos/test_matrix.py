"""Twenty kills of a seed in one job's stream; `python -m workbench.chaos.matrix --all` kills at every frame."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.programs import Programs
from workbench.chaos.matrix import VICTIMS, Matrix, report, sample, struck

pytestmark = pytest.mark.heavy


@pytest.mark.timeout(300)
def test_a_job_killed_anywhere_ends_the_same_and_repeats_nothing(tmp_path: Path) -> None:
    with Programs(tmp_path / "log") as programs:
        matrix = Matrix(programs, tmp_path)
        outcomes = [struck(matrix, point) for point in sample(matrix.frames, 20, seed=2)]

    assert not any(outcome.wrong for outcome in outcomes), report(outcomes)
    assert {outcome.point.victim for outcome in outcomes} == set(VICTIMS)
    assert len({outcome.frame for outcome in outcomes}) > 3
    assert all(outcome.calls > 0 for outcome in outcomes)
