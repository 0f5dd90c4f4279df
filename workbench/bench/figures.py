"""What a measure yields: samples, the baseline of the same run, and the budget they are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.bench import samples as statistics

PROBLEM, SKIPPED = "problem", "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The same thing done the plain way, in the same run (`samples`), or a figure of the old worker (`fixed`)."""

    name: str
    samples: Sequence[float] = ()
    fixed: float | None = None

    @property
    def median(self) -> float:
        return self.fixed if self.fixed is not None else statistics.quantile(self.samples, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table.

    `limits`: the budget; its keys are `median`, `p99`, `most` (of the samples) and `ratio`, `at_least`, `no_less` (of the ratio to
    the baseline). `noise`: how far the medians of two runs of one version may be apart, as a share. `per_machine`: whether
    two runs are compared by the ratio to the baseline, which takes the speed of the machine out. `is_exponent`: two runs are
    compared by their difference, not by their ratio, which says nothing near 0.
    """

    name: str
    what: str
    unit: str
    samples: Sequence[float] = ()
    baseline: Baseline | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    noise: float = 0.25
    per_machine: bool = False
    is_exponent: bool = False
    lower_is_better: bool = True
    note: str = ""
    state: str = ""

    @property
    def median(self) -> float:
        return statistics.quantile(self.samples, 0.5)

    @property
    def p99(self) -> float:
        return statistics.quantile(self.samples, 0.99)

    @property
    def ratio(self) -> float | None:
        if self.baseline is None or not self.samples or not self.baseline.median:
            return None
        return self.median / self.baseline.median

    def misses(self) -> list[str]:
        """The limits that do not hold, in words."""
        found = {"median": self.median, "p99": self.p99, "most": max(self.samples, default=0.0)}
        wrong = [
            f"{key} {found[key]:.4g} > {limit:g}"
            for key, limit in self.limits.items()
            if key in found and found[key] > limit
        ]
        ratio = self.ratio if self.ratio is not None else float("inf")
        if "ratio" in self.limits and ratio > self.limits["ratio"]:
            wrong.append(f"ratio {ratio:.3g} > {self.limits['ratio']:g}")
        if "at_least" in self.limits and 1 / max(ratio, 1e-9) < self.limits["at_least"]:
            wrong.append(f"only {1 / ratio:.3g} times faster, not {self.limits['at_least']:g}")
        if "no_less" in self.limits and (self.ratio or 0.0) < self.limits["no_less"]:
            wrong.append(f"only {self.ratio or 0.0:.3g} of the baseline, not {self.limits['no_less']:g}")
        return wrong

    @property
    def verdict(self) -> str:
        if self.state:
            return self.state
        if not self.limits:
            return ""
        return "misses" if self.misses() else "holds"

    def as_json(self) -> dict[str, Any]:
        shown = {name: getattr(self, name) for name in self.__slots__ if name not in ("baseline", "samples")}
        shown |= {"samples": [round(float(value), 9) for value in self.samples], "limits": dict(self.limits)}
        shown |= {"median": self.median, "p99": self.p99, "n": len(self.samples), "ratio": self.ratio}
        if self.baseline is not None:
            base = self.baseline
            values = [round(float(value), 9) for value in base.samples]
            shown["baseline"] = {
                "name": base.name,
                "samples": values,
                "fixed": base.fixed,
                "median": base.median,
            }
        return shown | {"verdict": self.verdict, "misses": self.misses() if not self.state else []}


def read_figure(stored: Mapping[str, Any]) -> Figure:
    """The inverse of `as_json`."""
    base = stored.get("baseline")
    baseline = Baseline(name=base["name"], samples=base["samples"], fixed=base["fixed"]) if base else None
    names = set(Figure.__slots__) - {"baseline"}
    return Figure(**{name: stored[name] for name in names if name in stored}, baseline=baseline)
