"""The figures as one page without anything from outside: a table, and for each figure its samples as a plot."""

from __future__ import annotations

from html import escape

from workbench.bench.figures import Figure
from workbench.bench.record import Record
from workbench.bench.samples import quantile
from workbench.bench.table import budget, short

_STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
table { border-collapse: collapse; width: 100% } td, th { padding: .25rem .5rem; text-align: left; border-bottom: 1px solid #ddd }
td.n { text-align: right; font-variant-numeric: tabular-nums } .misses, .problem { color: #b00020 } .holds { color: #1b7f3b }
.skipped { color: #777 } small { color: #555 } svg { display: block }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } td, th { border-color: #444 } small { color: #aaa } }
"""
_WIDTH, _HEIGHT = 320, 40


def page(record: Record) -> str:
    about = ", ".join(f"{name} {value}" for name, value in record.about.items())
    rows = "\n".join(_row(figure) for figure in record.figures)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Bench</title><style>{_STYLE}</style>'
        f"<h1>Bench</h1><p><small>{escape(about)}</small></p>"
        "<p><small>Dots: samples. Line: median. Shaded: the baseline's middle 90 %. Dashed: the budget.</small></p>"
        "<table><thead><tr><th>figure<th>median<th>p99<th>n<th>× baseline<th>budget<th>samples</tr></thead>"
        f"<tbody>{rows}</tbody></table></html>\n"
    )


def _row(figure: Figure) -> str:
    name = f"<b>{escape(figure.name)}</b><br><small>{escape(figure.what)}{_against(figure)}</small>"
    if figure.state:
        return f'<tr class="{figure.state}"><td>{name}<td colspan="6">{escape(figure.state)}: {escape(figure.note)}</tr>'
    ratio = "" if figure.ratio is None else short(figure.ratio)
    numbers = "".join(
        f'<td class="n">{cell}'
        for cell in (
            f"{short(figure.median)} {escape(figure.unit)}",
            short(figure.p99),
            len(figure.samples),
            ratio,
        )
    )
    held = f'<td class="{figure.verdict}">{escape(budget(figure))} {figure.verdict}'
    return f"<tr><td>{name}{numbers}{held}<td>{_plot(figure)}</tr>"


def _against(figure: Figure) -> str:
    base = f" · against {figure.baseline.name}: {short(figure.baseline.median)}" if figure.baseline else ""
    return escape(base + (f" · {figure.note}" if figure.note else ""))


def _plot(figure: Figure) -> str:
    base = list(figure.baseline.samples) if figure.baseline else []
    limit = figure.limits.get("median") or figure.limits.get("most")
    most = max([*figure.samples, quantile(base, 0.95), limit or 0.0]) * 1.05
    if most <= 0:
        return ""

    def x(value: float) -> float:
        return round(value / most * (_WIDTH - 10) + 5, 1)

    marks = []
    if base:
        low, high = x(quantile(base, 0.05)), x(quantile(base, 0.95))
        marks.append(
            f'<rect x="{low}" y="4" width="{max(1.0, high - low):.1f}" height="32" fill="#8ab" opacity=".35"/>'
        )
    step = max(1, len(figure.samples) // 200)
    marks += [
        f'<circle cx="{x(value)}" cy="{8 + 24 * (index * 7 % 11) / 10:.1f}" r="2" fill="#36c" opacity=".6"/>'
        for index, value in enumerate(figure.samples[::step])
    ]
    middle = x(figure.median)
    marks.append(f'<line x1="{middle}" x2="{middle}" y1="2" y2="38" stroke="#c33" stroke-width="1.5"/>')
    if limit:
        at = x(limit)
        marks.append(f'<line x1="{at}" x2="{at}" y1="2" y2="38" stroke="#888" stroke-dasharray="3 2"/>')
    return f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="samples">{"".join(marks)}</svg>'
