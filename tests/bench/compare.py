"""Better, worse or noise: two records figure by figure, with the statistics behind the word.

A figure has changed when all three say so: the two samples are not from one distribution (Mann-Whitney, p < 0.01), the middle
95 % of the bootstrapped ratio new ÷ old does not hold 1, and the ratio is beyond the figure's stated noise. Figures with
too few samples for the first two are judged by the stated noise alone. Where the figure says so, what is compared is
the ratio to the baseline of the same run: the speed of the machine drops out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.figures import Figure
from tests.bench.record import Record
from tests.bench.samples import bootstrap, mann_whitney, median

ENOUGH = 8
"""Samples on each side from which on the tests have power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`ratio` new ÷ old, with its middle 95 %; `p` of Mann-Whitney (1 where it has no power)."""

    name: str
    old: float
    new: float
    unit: str
    ratio: float
    low: float
    high: float
    p: float
    noise: float
    verdict: str


def comparison(old: Record, new: Record) -> list[Change]:
    """Of the figures that both hold."""
    before = {figure.name: figure for figure in old.figures if not figure.state}
    pairs = [(before[figure.name], figure) for figure in new.figures if figure.name in before]
    return [_change(was, now) for was, now in pairs if not now.state and was.samples and now.samples]


def _change(old: Figure, new: Figure) -> Change:
    was, now = _comparable(old), _comparable(new)
    middle, (low, high) = _ratio(was, now), (0.0, 0.0)
    p = mann_whitney(was[0], now[0])
    if enough := min(len(was[0]), len(now[0])) >= ENOUGH:
        low, high = bootstrap(lambda groups: _of_groups(groups, len(was)), [*was, *now])
    else:
        low = high = middle
    changed = abs(middle - 1) > new.noise and (not enough or (p < 0.01 and not low <= 1 <= high))
    rose = middle > 1
    verdict = ("worse" if rose == new.lower_is_better else "better") if changed else "noise"
    return Change(
        name=new.name,
        old=old.median,
        new=new.median,
        unit=new.unit,
        ratio=middle,
        low=low,
        high=high,
        p=p,
        noise=new.noise,
        verdict=verdict,
    )


def _comparable(figure: Figure) -> list[Sequence[float]]:
    """The samples, and what they are held against."""
    if figure.per_machine and figure.baseline is not None and figure.baseline.samples:
        return [figure.samples, figure.baseline.samples]
    return [figure.samples]


def _ratio(was: Sequence[Sequence[float]], now: Sequence[Sequence[float]]) -> float:
    return _of_groups([*was, *now], len(was))


def _of_groups(groups: Sequence[Sequence[float]], first: int) -> float:
    return _standing(groups[first:]) / max(_standing(groups[:first]), 1e-9)


def _standing(groups: Sequence[Sequence[float]]) -> float:
    value = median(groups[0])
    return value / max(median(groups[1]), 1e-9) if len(groups) > 1 else value


def words(changes: Sequence[Change]) -> str:
    """One line a figure."""
    lines = []
    for change in changes:
        interval = f"[{change.low:.2f}, {change.high:.2f}]"
        lines.append(
            f"  {change.verdict:<7} {change.name:<28} {change.old:>10.4g} → {change.new:<10.4g} {change.unit:<6}"
            f" ×{change.ratio:.2f} {interval:<14} p {change.p:.2g}, noise ±{change.noise:.0%}"
        )
    return "\n".join(lines) or "  nothing to compare"
