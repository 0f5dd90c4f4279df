"""Check 15: the canvas derives from overlapping rectangles what belongs to what."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

from poller.msaez.canvas import CONTAINED, Canvas, Problems, link, members
from poller.msaez.encoding import Json


class Rectangle(NamedTuple):
    """Edges on the canvas, in px; y grows downward."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Rectangle) -> bool:
        """Strictly: touching is not enough."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


Places = dict[str, Rectangle]
_MEASURES = ("x", "y", "width", "height")


def overlaps_decide(canvas: Canvas) -> Problems:
    """15: everything overlaps its own containers and nobody else's."""
    contexts, aggregates = _places(canvas, "BoundedContext"), _places(canvas, "Aggregate")
    stickers = _places(canvas, *CONTAINED)
    others = _places(canvas, "UI", "Actor")
    for one, other in combinations(contexts, 2):
        if contexts[one].overlaps(contexts[other]):
            yield f"{canvas.called(one)} and {canvas.called(other)} overlap."
    for key, place in (aggregates | stickers | others).items():
        yield from _inside(canvas, key, place, canvas.home(canvas.elements[key]), contexts)
    for key, place in stickers.items():
        owner = canvas.linked(canvas.elements[key], "aggregate", "Aggregate")
        yield from _inside(canvas, key, place, owner, aggregates)
    yield from _screens_touch_owners(canvas, stickers, others)


def _places(canvas: Canvas, *kinds: str) -> Places:
    found = {key: rectangle(element.get("elementView")) for key, element in canvas.of(*kinds)}
    return {key: place for key, place in found.items() if place is not None}


def rectangle(view: Json) -> Rectangle | None:
    """x and y are the centre; None if it is not drawn."""
    shown = members(view)
    if not all(isinstance(shown.get(member), (int, float)) for member in _MEASURES):
        return None
    x, y, width, height = (float(shown[member]) for member in _MEASURES)
    return Rectangle(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _inside(canvas: Canvas, key: str, place: Rectangle, owner: str, containers: Places) -> Problems:
    """A dangling link is not a question of geometry: then only foreign containers are none of its own."""
    if not owner:
        return
    if owner in containers and not place.overlaps(containers[owner]):
        yield f"{canvas.called(key)} lies outside its {canvas.called(owner)}."
    for other, area in containers.items():
        if other != owner and place.overlaps(area):
            yield f"{canvas.called(key)} overlaps the foreign {canvas.called(other)}."


def _screens_touch_owners(canvas: Canvas, stickers: Places, others: Places) -> Problems:
    for key, screen in canvas.of("UI"):
        owner = link(screen, "command") or link(screen, "readModel")
        if owner in stickers and key in others and not others[key].overlaps(stickers[owner]):
            yield f"{canvas.called(key)} does not touch its {canvas.called(owner)}."
