"""The auditor's verdict as a table."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.chaos.auditor import Verdict

_MUST_BE_ZERO = {
    "lost",
    "ended twice",
    "writes after removal",
    "invalid models",
    "stickers that vanished",
    "writes of the overtaken",
    "two runs spending",
    "calls after the end",
    "calls repeated",
    "used before stored",
    "calls of no job",
    "drains beyond the grace",
}
_SHOWN = 40


def table(verdict: Verdict) -> str:
    lines = [f"{name:<28}{count:>7}{_remark(name, count)}" for name, count in verdict.counts.items()]
    lines += [
        "",
        f"{'recovery, seconds':<28}{'jobs':>7}{'p50':>8}{'p99':>8}{'undisturbed':>13}{'p50':>8}{'p99':>8}",
    ]
    for kind, seconds in sorted(verdict.recovery.items()):
        alone = verdict.undisturbed.get(kind, [])
        lines.append(f"{kind:<28}{len(seconds):>7}{_times(seconds)}{len(alone):>13}{_times(alone)}")
    lines += ["", *verdict.wrong[:_SHOWN]]
    if len(verdict.wrong) > _SHOWN:
        lines.append(f"and {len(verdict.wrong) - _SHOWN} more")
    lines.append("every promise kept" if verdict.good else f"{len(verdict.wrong)} promises broken")
    return "\n".join(lines)


def _times(seconds: Sequence[float]) -> str:
    if not seconds:
        return f"{'-':>8}{'-':>8}"
    return f"{quantile(seconds, 0.5):>8.2f}{quantile(seconds, 0.99):>8.2f}"


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def _remark(name: str, count: int) -> str:
    if name not in _MUST_BE_ZERO:
        return ""
    return "   must be 0" if count else "   ok"
