"""Better, worse or noise: two records figure by figure, with the statistics behind the word.

A figure has changed when all three say so: the two samples are not from one distribution (Mann-Whitney, p < 0.01), the middle
95 % of the bootstrapped ratio new ÷ old does not hold 1, and the ratio is beyond the figure's stated noise. Figures with
too few samples for the first two are judged by the stated noise alone. Where the figure says so (`per_machine`), the same must
hold for its ratio to the baseline of the same run: a machine that was slower, or busy, has slowed that too. Of such figures the
lower quartiles are compared: what else goes on on a machine only ever adds to a latency. An exponent is compared by what it means for a
cost where the size is e times as large, so that 0.01 and 0.02 are nearly the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from workbench.bench.figures import Figure
from workbench.bench.record import Record
from workbench.bench.samples import bootstrap, mann_whitney, quantile

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
    p = mann_whitney(old.samples, new.samples)
    share = 0.25 if new.per_machine else 0.5
    if new.is_exponent:
        views = [_view([_powers(old)], [_powers(new)], share)]
    else:
        views = [_view([old.samples], [new.samples], share)]
    if new.per_machine and old.baseline and new.baseline and old.baseline.samples and new.baseline.samples:
        views.append(_view([old.samples, old.baseline.samples], [new.samples, new.baseline.samples], share))
    enough = min(len(old.samples), len(new.samples)) >= ENOUGH
    middle, low, high = min(views, key=lambda view: abs(log(max(view[0], 1e-9))))  # the more cautious one
    one_way = len({view[0] > 1 for view in views}) == 1
    beyond = one_way and _beyond(middle, new.noise)
    changed = beyond and (not enough or (p < 0.01 and not low <= 1 <= high))
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


def _powers(figure: Figure) -> list[float]:
    return [exp(sample) for sample in figure.samples]


def _beyond(ratio: float, noise: float) -> bool:
    """As far up as down: × 1.25 and ÷ 1.25 are equally far."""
    return max(ratio, 1 / max(ratio, 1e-9)) > 1 + noise


def _view(
    was: Sequence[Sequence[float]], now: Sequence[Sequence[float]], share: float
) -> tuple[float, float, float]:
    """New ÷ old and its middle 95 %; of the samples' quantiles, or of those over a baseline's."""
    groups, first = [*was, *now], len(was)
    middle = _of_groups(groups, first, share)
    if min(len(was[0]), len(now[0])) < ENOUGH:
        return middle, middle, middle
    return middle, *bootstrap(lambda drawn: _of_groups(drawn, first, share), groups)


def _of_groups(groups: Sequence[Sequence[float]], first: int, share: float) -> float:
    """New ÷ old; nothing before and nothing now is no change."""
    before, after = _standing(groups[:first], share), _standing(groups[first:], share)
    return 1.0 if before == after else after / max(before, 1e-9)


def _standing(groups: Sequence[Sequence[float]], share: float) -> float:
    value = quantile(groups[0], share)
    return value / max(quantile(groups[1], share), 1e-9) if len(groups) > 1 else value


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
