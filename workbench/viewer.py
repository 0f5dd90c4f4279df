"""Draws an esValue as the canvas would place it: `python -m workbench.viewer FILE > canvas.svg`. A test tool only."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from poller.msaez.canvas import kind_of, members
from poller.msaez.encoding import decode
from poller.msaez.rules_geometry import Rectangle, rectangle

COLOURS = {
    "BoundedContext": "#f8f8f8",
    "Aggregate": "#ffea7a",
    "Command": "#7fb8f0",
    "Event": "#f4a460",
    "Policy": "#c8a2d8",
    "View": "#8fce8f",
    "UI": "#ffffff",
    "Actor": "#fff3b0",
}
MARGIN, LINE, LETTERS = 40, 13, 15


def svg(es_value: dict[str, Any]) -> str:
    """Containers below stickers below lines, each sticker with its name and alias."""
    elements = es_value["elements"]
    places = {key: place for key, e in elements.items() if (place := rectangle(e.get("elementView")))}
    order = sorted(places, key=lambda key: list(COLOURS).index(kind_of(elements[key])))
    shapes = [part for key in order for part in _sticker(elements[key], places[key])]
    lines = [part for relation in es_value["relations"].values() for part in _line(relation, places)]
    return "\n".join([_head(list(places.values())), *shapes, *lines, "</svg>"])


def _head(places: list[Rectangle]) -> str:
    left, top = (min(p.left for p in places) - MARGIN, min(p.top for p in places) - MARGIN)
    width = max(p.right for p in places) + MARGIN - left
    height = max(p.bottom for p in places) + MARGIN - top
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left} {top} {width} {height}"'
        f' width="{width}" height="{height}" font-family="sans-serif" font-size="11">'
    )


def _sticker(element: dict[str, Any], place: Rectangle) -> Iterator[str]:
    kind = kind_of(element)
    width, height = place.right - place.left, place.bottom - place.top
    yield (
        f'<rect x="{place.left}" y="{place.top}" width="{width}" height="{height}"'
        f' fill="{COLOURS[kind]}" stroke="#555"/>'
    )
    centre = (place.left + place.right) / 2
    top = place.top + LINE if kind == "BoundedContext" else (place.top + place.bottom) / 2 - LINE
    for row, text in enumerate(_rows(element)):
        yield f'<text x="{centre}" y="{top + row * LINE}" text-anchor="middle">{escape(text)}</text>'


def _rows(element: dict[str, Any]) -> list[str]:
    texts = [str(element.get("name", "")), str(element.get("displayName", ""))]
    return [text[at : at + LETTERS] for text in texts for at in range(0, len(text), LETTERS)][:4]


def _line(relation: dict[str, Any], places: dict[str, Rectangle]) -> Iterator[str]:
    source, target = (places.get(members(relation).get(end, "")) for end in ("from", "to"))
    if source and target:
        (x1, y1), (x2, y2) = (((p.left + p.right) / 2, (p.top + p.bottom) / 2) for p in (source, target))
        yield f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#a33" stroke-opacity=".5"/>'


def main() -> None:
    value = decode(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    print(svg(value))


if __name__ == "__main__":
    main()
