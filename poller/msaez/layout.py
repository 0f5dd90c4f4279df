"""Where everything is drawn: the canvas decides by overlap what belongs to what, so geometry is meaning.

Pure. Room for one policy per event is reserved from the start, so that a growing model moves nothing; more
policies than that make their aggregate and its context taller and move the rows below down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from poller.resolved import Aggregate, Context, Policy, Resolved

LEFT, TOP, GAP = 320, 155, 25
LAST_CENTRE = 1950  # a context whose centre would lie beyond starts a new row
CONTEXT_WIDTH, CONTEXT_HEIGHT, NEXT_AGGREGATE_WIDTH = 560, 590, 525
AGGREGATE_WIDTH, AGGREGATE_HEIGHT = 130, 400
FIRST_AGGREGATE, NEXT_AGGREGATE, AGGREGATE_TOP = 345, 505, 125
COLUMN, SLOT, GROWTH, FREE_SLOTS = 94, 128, 129, 4
BESIDE = 81  # from a sticker to its screen, and from the screen to its actor
STICKER = (100, 115)
SQUARE = (100, 100)


@dataclass(frozen=True, slots=True)
class Box:
    """Centre and size, in canvas pixels."""

    x: int
    y: int
    width: int
    height: int


def boxes(found: Resolved) -> dict[str, Box]:
    """The box of every element by its ordinal path."""
    return {path: box for context, left, top in _placed(found) for path, box in _inside(context, left, top)}


def _placed(found: Resolved) -> Iterator[tuple[Context, int, int]]:
    """Contexts in rows from the left; a row is as tall as its tallest context."""
    left, top, bottom = LEFT, TOP, TOP
    for context in found.contexts:
        if left > LEFT and left + CONTEXT_WIDTH // 2 > LAST_CENTRE:
            left, top = LEFT, bottom + GAP
        yield context, left, top
        left += _width(context) + GAP
        bottom = max(bottom, top + _height(context))


def _width(context: Context) -> int:
    return CONTEXT_WIDTH + NEXT_AGGREGATE_WIDTH * max(0, len(context.aggregates) - 1)


def _height(context: Context) -> int:
    return CONTEXT_HEIGHT + max(map(_growth, context.aggregates), default=0)


def _growth(aggregate: Aggregate) -> int:
    """What an aggregate needs beyond the room of its first four slots."""
    slots = (
        len(aggregate.commands)
        + len(aggregate.read_models)
        + max(len(aggregate.events), len(list(aggregate.crossing)))
    )
    return GROWTH * max(0, slots - FREE_SLOTS)


def _inside(context: Context, left: int, top: int) -> Iterator[tuple[str, Box]]:
    width, height = _width(context), _height(context)
    yield context.path, Box(left + width // 2, top + height // 2, width, height)
    for place, aggregate in enumerate(context.aggregates):
        yield from _around(aggregate, left + FIRST_AGGREGATE + place * NEXT_AGGREGATE, top + AGGREGATE_TOP)


def _around(aggregate: Aggregate, x: int, top: int) -> Iterator[tuple[str, Box]]:
    height = AGGREGATE_HEIGHT + _growth(aggregate)
    yield aggregate.path, Box(x, top + height // 2, AGGREGATE_WIDTH, height)
    for slot, event in enumerate(aggregate.events):
        yield event.path, Box(x + COLUMN, top + slot * SLOT, *STICKER)
    for slot, sticker in enumerate([*aggregate.commands, *aggregate.read_models, *aggregate.crossing]):
        y = top + slot * SLOT
        yield sticker.path, Box(x - COLUMN, y, *STICKER)
        if not isinstance(sticker, Policy):
            yield f"{sticker.path}/ui", Box(x - COLUMN - BESIDE, y, *SQUARE)
            yield f"{sticker.path}/actor", Box(x - COLUMN - 2 * BESIDE, y, *SQUARE)
