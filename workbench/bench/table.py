"""The figures as a table on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.bench.figures import Figure

_SIGNS = {"holds": "✓", "misses": "✗", "problem": "!", "skipped": "–", "": " "}


def table(figures: Sequence[Figure]) -> str:
    rows: list[tuple[str, ...]] = [("", "figure", "median", "p99", "n", "unit", "× baseline", "budget")]
    rows += [_row(figure) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if 2 <= column <= 4 or column == 6 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "─" * max(map(len, lines)))
    return "\n".join(lines + _notes(figures))


def _row(figure: Figure) -> tuple[str, ...]:
    sign = _SIGNS[figure.verdict]
    if figure.state:
        return (sign, figure.name, "", "", "", "", "", figure.note[:60])
    ratio = "" if figure.ratio is None else short(figure.ratio)
    numbers = (short(figure.median), short(figure.p99), str(len(figure.samples)))
    return (sign, figure.name, *numbers, figure.unit, ratio, budget(figure))


def budget(figure: Figure) -> str:
    """The limits in words."""
    words = {
        "median": "≤ {:g} {unit}",
        "p99": "p99 ≤ {:g} {unit}",
        "most": "each ≤ {:g} {unit}",
        "ratio": "≤ {:g} × baseline",
        "at_least": "≥ {:g} times faster",
        "no_less": "≥ {:g} × baseline",
    }
    return ", ".join(words[key].format(limit, unit=figure.unit) for key, limit in figure.limits.items())


def short(value: float) -> str:
    """Three digits that matter."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _notes(figures: Sequence[Figure]) -> list[str]:
    """What the names mean, what the baselines are, and what misses."""
    lines = [""]
    for figure in figures:
        base = (
            f" · baseline: {figure.baseline.name}, {short(figure.baseline.median)}" if figure.baseline else ""
        )
        lines.append(f"  {figure.name}: {figure.what}{base}" + (f" · {figure.note}" if figure.note else ""))
    missed = [
        f"  {figure.name}: {'; '.join(figure.misses())}" for figure in figures if figure.verdict == "misses"
    ]
    if missed:
        lines += ["", "Outside the budget:", *missed]
    return lines
