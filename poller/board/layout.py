"""Where every sticker of a wall hangs, and which way the arrows run. Pure, and nothing to do with the canvas of MSAEz.

Contexts fill columns from left to right in the order in which the text tells of them; in a context the aggregates lie
below one another, each with lanes for actor and screen, for what leads to it (commands, read models, policies), the
aggregate itself, its events. That order is known as soon as anything is shown. Policies come last in their lane, so
nothing is ordered by them: a sticker keeps its lane and moves only downwards while the model grows. (Ordered by the
flow of events, as tried, lines cross about as often.) Arrows keep to the gaps: the gutter right of each column, the gap
above each aggregate, the edges of each context, and one highway above all contexts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from poller.resolved import Aggregate, Context

from .geometry import (
    AGGREGATE_WIDTH,
    BADGE,
    HEADER,
    LEGEND_WIDTH,
    MARGIN,
    PADDING,
    SMALL_GAP,
    STICKER_HEIGHT,
    STICKER_WIDTH,
    Box,
    Channel,
    Layout,
    Trip,
    routed,
)
from .wall import Arrow, Kind, Sticker, Tie, Wall, id_of

SMALL_WIDTH: Final = 94
ROW: Final = 116
GUTTER: Final = 104
HIGHWAY_Y: Final = 98
LABEL: Final = 62
BAND_GAP: Final = 42
AREA_GAP: Final = 40
EMPTY_HEIGHT: Final = 220

SIDE_X: Final = PADDING
COMMAND_X: Final = SIDE_X + SMALL_WIDTH + 12
AGGREGATE_X: Final = COMMAND_X + STICKER_WIDTH + 40
EVENT_X: Final = AGGREGATE_X + AGGREGATE_WIDTH + 52
AREA_WIDTH: Final = EVENT_X + STICKER_WIDTH + PADDING


def lay_out(wall: Wall) -> Layout:
    """The same wall always gives the same layout."""
    placed = _Placed(wall)
    for column, members in enumerate(_columns(wall.found.contexts)):
        y: float = HEADER
        for context in members:
            y = placed.hang(context, column, y) + AREA_GAP
    boxes = [box for _, box in placed.contexts]
    width = max([LEGEND_WIDTH, *(box.right + GUTTER for box in boxes)])
    placed.hang_questions(width)
    return Layout(
        width=width,
        height=max((box.bottom for box in boxes), default=HEADER + EMPTY_HEIGHT) + MARGIN,
        contexts=tuple(placed.contexts),
        boxes=placed.boxes,
        routes=tuple(routed([_trip(arrow, placed) for arrow in wall.arrows])),
    )


def _columns(contexts: Sequence[Context]) -> list[Sequence[Context]]:
    """Columns by the number of contexts alone, so that a growing context never changes its column."""
    count = min(len(contexts), math.ceil(math.sqrt(len(contexts) * 1.6)))
    columns = []
    start = 0
    for column in range(count):
        size = (len(contexts) - start) // (count - column)
        columns.append(contexts[start : start + size])
        start += size
    return columns


def _column_x(column: int) -> int:
    return MARGIN + column * (AREA_WIDTH + GUTTER)


# Rows


def _rows(aggregate: Aggregate) -> dict[str, int]:
    """The row of each sticker but the aggregate: commands beside the first of their events, then read models, then policies."""
    rows: dict[str, int] = {}
    row = left = 0
    for command in aggregate.commands:
        rows[id_of(command)] = row
        left = row + 1
        fresh = [id_of(event) for event in command.emits if id_of(event) not in rows]
        rows.update({event: row + offset for offset, event in enumerate(fresh)})
        row += max(1, len(fresh))
    events = [id_of(event) for event in aggregate.events]
    taken = {rows[event] for event in events if event in rows}
    for event in events:
        if event not in rows:
            rows[event] = next(row for row in count() if row not in taken)
            taken.add(rows[event])
    for offset, node in enumerate((*aggregate.read_models, *aggregate.policies)):
        rows[id_of(node)] = left + offset
    return rows


# Places


@dataclass(frozen=True, slots=True)
class _Home:
    """Where the aggregate of a sticker hangs."""

    name: str
    column: int
    gap: float
    """Middle of the gap above it."""


class _Placed:
    """What hangs so far."""

    def __init__(self, wall: Wall) -> None:
        self.contexts: list[tuple[Context, Box]] = []
        self.boxes: dict[str, Box] = {}
        self.homes: dict[str, _Home] = {}
        self._wall = wall

    def hang(self, context: Context, column: int, y: float) -> float:
        """Gives the bottom of the context."""
        bottom = y + LABEL
        for aggregate in context.aggregates:
            bottom = self._hang_band(aggregate, column, bottom)
        box = Box(_column_x(column), y, AREA_WIDTH, max(bottom + PADDING - y, EMPTY_HEIGHT))
        self.contexts.append((context, box))
        return box.bottom

    def _hang_band(self, aggregate: Aggregate, column: int, y: float) -> float:
        rows = _rows(aggregate)
        x, top = _column_x(column), y + BAND_GAP
        height = (max(rows.values(), default=0) + 1) * ROW - (ROW - STICKER_HEIGHT)
        home = _Home(id_of(aggregate), column, y + BAND_GAP / 2)
        for sticker in self._wall.bands[home.name]:
            self.homes[sticker.id] = home
            row = top + rows.get(sticker.owner or sticker.id, 0) * ROW
            if sticker.kind is Kind.AGGREGATE:
                box = Box(x + AGGREGATE_X, top, AGGREGATE_WIDTH, height)
            elif sticker.kind is Kind.QUESTION:
                box = self._beside(self.boxes[sticker.owner])
            elif sticker.kind in (Kind.ACTOR, Kind.SCREEN, Kind.SYSTEM):
                box = self._side(sticker, x + SIDE_X, row)
            else:
                lane = EVENT_X if sticker.kind is Kind.EVENT else COMMAND_X
                box = Box(x + lane, row, STICKER_WIDTH, STICKER_HEIGHT)
            self.boxes[sticker.id] = box
        return top + height

    def _side(self, sticker: Sticker, x: float, row: float) -> Box:
        """Who gives a command, its screen, then the systems it calls: two places, and one more for each of these."""
        band = self._wall.bands[self.homes[sticker.id].name]
        called = [each.id for each in band if each.owner == sticker.owner and _is_called(each)]
        slot = 2 + called.index(sticker.id) if _is_called(sticker) else int(sticker.kind is Kind.SCREEN)
        step = (STICKER_HEIGHT + SMALL_GAP) / (2 + len(called))
        return Box(x, row + slot * step, SMALL_WIDTH, step - SMALL_GAP)

    def _beside(self, box: Box) -> Box:
        """The next free place at the right of it."""
        return self._free(Box(box.right + 2, box.y, BADGE, BADGE), 0, BADGE + 4)

    def hang_questions(self, width: float) -> None:
        """Those about a context in its head, those about everything beside the legend; from the right."""
        areas = {id_of(context): box for context, box in self.contexts}
        for sticker in self._wall.questions:
            area = areas.get(sticker.owner, Box(0, 12, width, 0))
            first = Box(area.right - PADDING - BADGE, area.y + 16, BADGE, BADGE)
            self.boxes[sticker.id] = self._free(first, -(BADGE + 8), 0)

    def _free(self, box: Box, right: float, down: float) -> Box:
        taken = set(self.boxes.values())
        while box in taken:
            box = Box(box.x + right, box.y + down, box.width, box.height)
        return box


def _is_called(sticker: Sticker) -> bool:
    return sticker.kind is Kind.SYSTEM and not sticker.id.endswith(".actor")


# Arrows


def _trip(arrow: Arrow, placed: _Placed) -> Trip:
    start, end = placed.boxes[arrow.start], placed.boxes[arrow.end]
    if arrow.tie is Tie.REFERS:
        return _reference_trip(arrow, placed)
    if arrow.tie is Tie.READS:
        return Trip(arrow, (start.x, end.middle[1]), (end.right, end.middle[1]))
    if arrow.tie is Tie.GIVES:
        low = (end.right, end.bottom - 20)
        return Trip(arrow, (start.right, start.middle[1]), low, _given_channels(arrow, placed))
    if arrow.tie is Tie.TRIGGERS:
        channels = _trigger_channels(arrow, placed)
    elif placed.homes[arrow.start] is placed.homes[arrow.end]:
        channels = (_behind(arrow, placed),)
    else:
        channels = _result_channels(arrow, placed)
    return Trip(arrow, (start.right, start.middle[1]), (end.x, end.middle[1]), channels)


def _reference_trip(arrow: Arrow, placed: _Placed) -> Trip:
    start, end = placed.boxes[arrow.start], placed.boxes[arrow.end]
    if start.x == end.x and end.y - start.bottom == BAND_GAP:
        return Trip(arrow, (start.middle[0], start.bottom), (end.middle[0], end.y))
    if start.x == end.x and start.y - end.bottom == BAND_GAP:
        return Trip(arrow, (start.middle[0], start.y), (end.middle[0], end.bottom))
    channels = _from_gap_to_gap(arrow, placed)
    return Trip(arrow, (start.middle[0] - 24, start.y), (end.middle[0] + 24, end.y), channels)


def _behind(arrow: Arrow, placed: _Placed) -> Channel:
    """The middle of the aggregate: lines to its events cross over where no one sees them."""
    home = placed.homes[arrow.start]
    return Channel(True, f"behind {home.name}", _column_x(home.column) + AGGREGATE_X + AGGREGATE_WIDTH / 2, 0)


def _trigger_channels(arrow: Arrow, placed: _Placed) -> tuple[Channel, ...]:
    """Out over the right edge of one context, in along the left edge of another."""
    start, end = placed.homes[arrow.start], placed.homes[arrow.end]
    channels = _from_gap_to_gap(arrow, placed)
    if end.column < start.column:
        out = _column_x(start.column) + AREA_WIDTH - PADDING / 2
        channels = (Channel(True, f"right of {start.name}", out, 14), *channels)
    else:
        channels = channels[1:]
    edge = _column_x(end.column) + PADDING / 2
    return (*channels, Channel(True, f"left of {end.name}", edge, 14))


def _given_channels(arrow: Arrow, placed: _Placed) -> tuple[Channel, ...]:
    """To the right side of a command, whose left one is its actor's."""
    start, end = placed.homes[arrow.start], placed.homes[arrow.end]
    if start is end:
        return (_beside(start),)
    return (_beside(start), *_from_gap_to_gap(arrow, placed), _beside(end))


def _beside(home: _Home) -> Channel:
    return Channel(True, f"beside {home.name}", _column_x(home.column) + AGGREGATE_X - 18, 20)


def _result_channels(arrow: Arrow, placed: _Placed) -> tuple[Channel, ...]:
    start, end = placed.homes[arrow.start], placed.homes[arrow.end]
    beside = _beside(start)
    before = Channel(True, f"before {end.name}", _column_x(end.column) + EVENT_X - 28, 20)
    return (beside, *_from_gap_to_gap(arrow, placed), before)


def _from_gap_to_gap(arrow: Arrow, placed: _Placed) -> tuple[Channel, ...]:
    """Between the gaps above two aggregates: one gutter if they are neighbours, else over the highway."""
    start, end = placed.homes[arrow.start], placed.homes[arrow.end]
    leave = start.column - 1 if end.column < start.column else start.column
    arrive = end.column - 1 if end.column > start.column else end.column
    between = [_gutter(leave)]
    if arrive != leave:
        between += [Channel(False, "highway", HIGHWAY_Y, 30), _gutter(arrive)]
    return (_gap(start), *between, _gap(end))


def _gutter(column: int) -> Channel:
    return Channel(True, f"gutter {column}", _column_x(column + 1) - GUTTER / 2, GUTTER - 32)


def _gap(home: _Home) -> Channel:
    return Channel(False, f"gap {home.name}", home.gap, BAND_GAP - 16)
