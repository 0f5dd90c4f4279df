"""Statistics of small samples: quantiles, a bootstrap of the ratio of two medians, Mann-Whitney, the slope of a line."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

ROUNDS = 1000


def quantile(values: Sequence[float], share: float) -> float:
    """Between neighbours by their distance; 0 without values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def median(values: Sequence[float]) -> float:
    return quantile(values, 0.5)


def bootstrap(
    statistic: Callable[[Sequence[Sequence[float]]], float],
    groups: Sequence[Sequence[float]],
    *,
    seed: int = 1,
) -> tuple[float, float]:
    """The middle 95 % of a statistic over resampled groups."""
    rng = random.Random(seed)
    found = sorted(statistic([rng.choices(group, k=len(group)) for group in groups]) for _ in range(ROUNDS))
    return found[int(0.025 * ROUNDS)], found[int(0.975 * ROUNDS) - 1]


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> float:
    """Two-sided p that both come from one distribution: normal approximation with ties, a continuity correction."""
    if len(a) < 2 or len(b) < 2:
        return 1.0
    ranked = sorted([(value, 0) for value in a] + [(value, 1) for value in b])
    ranks, ties = _ranks([value for value, _ in ranked])
    of_a = sum(rank for rank, (_, group) in zip(ranks, ranked, strict=True) if group == 0)
    n, m = len(a), len(b)
    u = of_a - n * (n + 1) / 2
    total = n + m
    variance = n * m / 12 * ((total + 1) - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def _ranks(ordered: Sequence[float]) -> tuple[list[float], float]:
    """Mean ranks of equal values, and the sum of t³ − t over the ties."""
    ranks: list[float] = []
    ties = 0.0
    while len(ranks) < len(ordered):
        start = len(ranks)
        end = start
        while end < len(ordered) and ordered[end] == ordered[start]:
            end += 1
        count = end - start
        ranks += [(start + 1 + end) / 2] * count
        ties += count**3 - count
    return ranks, ties


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Least squares; 0 without a spread of x."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread if spread else 0.0


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """k of cost ~ size^k."""
    return slope([math.log(size) for size in sizes], [math.log(max(cost, 1e-9)) for cost in costs])
