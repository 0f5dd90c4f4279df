"""The instrument itself: its statistics, its verdicts, and a smoke run so that it does not rot."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.bench.calls import Call, longest_chain, longest_path
from workbench.bench.compare import comparison
from workbench.bench.figures import Baseline, Figure
from workbench.bench.page import page
from workbench.bench.record import ROOT, Record, read
from workbench.bench.samples import bootstrap, exponent, mann_whitney, median, quantile, slope
from workbench.bench.table import table


def spread(middle: float, count: int = 60, *, seed: int = 1) -> list[float]:
    """Log-normal around a middle, as latencies are."""
    rng = random.Random(seed)
    return [middle * rng.lognormvariate(0, 0.25) for _ in range(count)]


def one(samples: list[float], **more: object) -> Record:
    figure = Figure(name="a", what="something", unit="ms", samples=samples, **{"noise": 0.15, **more})  # type: ignore[arg-type]
    return Record(about={}, figures=[figure])


def verdict(old: Record, new: Record) -> str:
    (change,) = comparison(old, new)
    return change.verdict


def test_quantiles_lie_between_neighbours() -> None:
    assert (quantile([1, 2, 3, 4], 0.5), quantile([1, 3], 0.99), quantile([], 0.5)) == (2.5, 2.98, 0.0)


def test_a_line_and_a_power_are_found_again() -> None:
    assert slope([1, 2, 3], [5, 7, 9]) == pytest.approx(2)
    assert exponent([1, 4, 16], [3, 24, 192]) == pytest.approx(1.5)


def test_mann_whitney_agrees_with_a_worked_example() -> None:
    """Distinct samples of 8 and 8 that do not overlap: U = 0, z = -3.31 after the continuity correction."""
    assert mann_whitney(range(8), range(10, 18)) == pytest.approx(0.00094, rel=0.02)
    assert mann_whitney([1, 2, 3, 4], [1, 2, 3, 4]) == pytest.approx(1.0)
    assert mann_whitney([5, 5, 5], [5, 5, 5]) == 1.0


def test_the_bootstrap_holds_the_true_ratio_and_narrows_with_samples() -> None:
    def width(count: int) -> float:
        groups = [spread(10, count, seed=1), spread(20, count, seed=2)]
        low, high = bootstrap(lambda drawn: median(drawn[1]) / median(drawn[0]), groups)
        assert low < 2 < high
        return high - low

    assert width(200) < width(20)


def test_the_same_twice_is_noise_slower_is_worse_faster_is_better() -> None:
    before = one(spread(15, seed=1))
    assert verdict(before, one(spread(15, seed=2))) == "noise"
    assert verdict(before, one(spread(65, seed=2))) == "worse"
    assert verdict(one(spread(65, seed=2)), before) == "better"


def test_a_difference_within_the_stated_noise_is_noise_however_certain() -> None:
    assert verdict(one(spread(10, 1000, seed=1)), one(spread(11, 1000, seed=2))) == "noise"


def test_few_samples_are_judged_by_the_stated_noise() -> None:
    assert verdict(one([100.0]), one([110.0])) == "noise"
    assert verdict(one([100.0]), one([130.0])) == "worse"


@pytest.mark.parametrize(("old", "new", "expected"), [(0, 0, "noise"), (0, 1, "worse"), (6, 5, "better")])
def test_a_count_has_no_noise(old: float, new: float, expected: str) -> None:
    assert verdict(one([old], noise=0), one([new], noise=0)) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [(0.0, 0.07, "noise"), (1.0, 1.15, "noise"), (1.0, 1.3, "worse"), (1.3, 1.0, "better")],
)
def test_exponents_are_compared_by_their_difference(old: float, new: float, expected: str) -> None:
    assert (
        verdict(one([old], noise=0.2, is_exponent=True), one([new], noise=0.2, is_exponent=True)) == expected
    )


def _over_floor(figure: float, floor: float, *, seed: int) -> Figure:
    baseline = Baseline(name="floor", samples=spread(floor, seed=seed + 2))
    return one(spread(figure, seed=seed), per_machine=True, baseline=baseline)


def test_a_figure_that_rose_less_than_its_baseline_is_not_called_better() -> None:
    assert verdict(_over_floor(15, 3, seed=1), _over_floor(25, 9, seed=2)) == "noise"


def test_a_slower_machine_alone_is_no_change_where_the_ratio_counts() -> None:
    assert verdict(_over_floor(15, 3, seed=1), _over_floor(30, 6, seed=2)) == "noise"


@pytest.mark.parametrize(
    ("limits", "held"),
    [
        ({"median": 10.0}, True),
        ({"median": 9.0}, False),
        ({"p99": 10.0}, False),
        ({"most": 19.0}, False),
        ({"ratio": 0.5}, True),
        ({"ratio": 0.4}, False),
        ({"at_least": 2.0}, True),
        ({"at_least": 3.0}, False),
    ],
)
def test_budgets_hold_or_miss(limits: dict[str, float], held: bool) -> None:
    figure = Figure(
        name="a",
        what="",
        unit="",
        samples=[5, 10, 20],
        limits=limits,
        baseline=Baseline(name="b", fixed=20.0),
    )
    assert figure.verdict == ("holds" if held else "misses")


def test_a_zero_budget_is_missed_by_one() -> None:
    assert Figure(name="a", what="", unit="", samples=[0, 0, 1], limits={"most": 0}).verdict == "misses"


def call(schema: str, unit: str, asked: float, ended: float) -> Call:
    return Call(schema=schema, unit=unit, asked=asked, ended=ended, chars=0)


def test_the_longest_path_follows_what_depends_on_what() -> None:
    calls = [
        call("OutlineAnswer", "", 0, 1),
        call("DraftAnswer", "A/x", 1, 3),
        call("DraftAnswer", "A/y", 1, 5),  # 4 s
        call("DraftAnswer", "A/y", 5, 6),  # and a repair turn
        call("BehaviourAnswer", "x", 6, 7),
        call("ScreensAnswer", "x", 7, 8),
        call("ScenariosAnswer", "x", 7, 10),  # 1 + 3 s
        call("PoliciesAnswer", "", 6, 9),
    ]
    assert longest_path(calls) == pytest.approx(1 + 5 + 4)


def test_the_chain_counts_what_comes_one_after_another() -> None:
    rounds = [call("X", str(n), start, start + 1) for start in (0.0, 1.1, 2.2) for n in range(3)]
    assert longest_chain(rounds) == 3


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = one([1.0, 2.0], baseline=Baseline(name="b", samples=[3.0]), limits={"ratio": 1.0})
    made.write(tmp_path / "x.json")
    assert read(tmp_path / "x.json").figures == made.figures


def test_table_and_page_show_every_row_and_escape_it() -> None:
    rows = [
        Figure(name="fine", what="<b>", unit="ms", samples=[1, 2], limits={"median": 3}),
        Figure(name="bad", what="late", unit="ms", samples=[9], limits={"most": 3}),
        Figure(name="away", what="x", unit="", state="skipped", note="no such thing here"),
    ]
    text, html = table(rows), page(Record(about={}, figures=rows))
    assert all(figure.name in text and figure.name in html for figure in rows)
    assert "most 9 > 3" in text
    assert "&lt;b&gt;" in html
    assert "<small><b>" not in html


@pytest.mark.heavy
def test_a_quick_run_measures_and_records(tmp_path: Path) -> None:
    """The whole way on real processes: what fails is a row, the rest is measured."""
    out = tmp_path / "bench.json"
    command = [sys.executable, "-m", "workbench.bench", "--quick", "--only", "asked", "--out", str(out)]
    done = subprocess.run(
        command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=110, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = {figure["name"]: figure for figure in json.loads(out.read_text())["figures"]}
    assert figures.keys() == {"asked.calls", "asked.chars"}
    assert 0 < figures["asked.calls"]["median"] < 37
    assert "<svg" in out.with_suffix(".html").read_text()
