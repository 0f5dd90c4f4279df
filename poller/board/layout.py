"""Where every sticker of a wall hangs, and which way the arrows run. Pure, and nothing to do with the canvas of MSAEz.

Contexts fill columns from left to right in the order in which the text tells of them; in a context the aggregates lie
below one another, each with lanes for actor and screen, command, aggregate, event, policy. That order is known as soon
as anything is shown. Policies come last, so nothing is ordered by them: a sticker keeps its lane and moves only downwards
while the model grows. (Ordered by the flow of events, as tried, lines cross about as often.) Arrows keep to the gaps: the
gutter right of each column, the gap above each aggregate, and one highway above all contexts.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .wall import Area, Arrow, Band, Step, Tie, Wall

STICKER_WIDTH: Final = 148
STICKER_HEIGHT: Final = 100
SMALL_WIDTH: Final = 94
SMALL_HEIGHT: Final = 46
AGGREGATE_WIDTH: Final = 176
ROW: Final = 116
MARGIN: Final = 56
GUTTER: Final = 104
HEADER: Final = 128
HIGHWAY_Y: Final = 98
PADDING: Final = 30
LABEL: Final = 62
BAND_GAP: Final = 42
AREA_GAP: Final = 40
EMPTY_HEIGHT: Final = 220

SIDE_X: Final = PADDING
COMMAND_X: Final = SIDE_X + SMALL_WIDTH + 12
AGGREGATE_X: Final = COMMAND_X + STICKER_WIDTH + 40
EVENT_X: Final = AGGREGATE_X + AGGREGATE_WIDTH + 52
POLICY_X: Final = EVENT_X + STICKER_WIDTH + 42
AREA_WIDTH: Final = POLICY_X + STICKER_WIDTH + PADDING


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def overlaps(self, other: "Box") -> bool:
        return (
            self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom
        )


Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Route:
    arrow: Arrow
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    width: float
    height: float
    areas: tuple[tuple[Area, Box], ...]
    boxes: Mapping[str, Box]
    """Of every sticker, by id."""
    routes: tuple[Route, ...]


def lay_out(wall: Wall) -> Layout:
    placed = _Placed()
    for column, members in enumerate(_columns(wall.areas)):
        y: float = HEADER
        for area in members:
            y = placed.hang(area, column, MARGIN + column * (AREA_WIDTH + GUTTER), y) + AREA_GAP
    boxes = [box for _, box in placed.areas]
    return Layout(
        width=max((box.right for box in boxes), default=AREA_WIDTH + MARGIN) + GUTTER,
        height=max((box.bottom for box in boxes), default=HEADER + EMPTY_HEIGHT) + MARGIN,
        areas=tuple(placed.areas),
        boxes=placed.boxes,
        routes=tuple(_routes(wall, placed)),
    )


# Order


def _band_id(band: Band) -> str:
    return band.aggregate.id if band.aggregate else "~"


def _columns(areas: Sequence[Area]) -> list[list[Area]]:
    """Columns by the number of contexts alone, so that a growing context never changes its column."""
    count = min(len(areas), math.ceil(math.sqrt(len(areas) * 1.6)))
    columns: list[list[Area]] = []
    start = 0
    for column in range(count):
        size = (len(areas) - start) // (count - column)
        columns.append(list(areas[start : start + size]))
        start += size
    return columns


# Rows


def _rows(band: Band) -> tuple[dict[str, int], int]:
    """The row of each sticker but the aggregate, and how many rows there are."""
    rows: dict[str, int] = {}
    left = _left_rows(band, rows)
    for reaction in band.policies:
        taken = {rows[each.sticker.id] for each in band.policies if each.sticker.id in rows}
        rows[reaction.sticker.id] = _first_free(rows.get(reaction.trigger, 0), taken)
    return rows, max([0, left - 1, *rows.values()]) + 1


def _left_rows(band: Band, rows: dict[str, int]) -> int:
    """Commands beside the first of their events, then read models; gives the first row free on the left."""
    names = {event.name: event.id for event in reversed(band.events)}
    row = 0
    for step in band.commands:
        rows[step.sticker.id] = row
        emitted = dict.fromkeys(names[name] for name in step.emits if name in names)
        fresh = [event for event in emitted if event not in rows]
        rows.update({event: row + offset for offset, event in enumerate(fresh)})
        row += max(1, len(fresh))
    left = max((rows[step.sticker.id] for step in band.commands), default=-1) + 1
    _place_unemitted(band, rows)
    rows.update({step.sticker.id: left + offset for offset, step in enumerate(band.read_models)})
    return left + len(band.read_models)


def _place_unemitted(band: Band, rows: dict[str, int]) -> None:
    taken = {rows[event.id] for event in band.events if event.id in rows}
    for event in band.events:
        if event.id not in rows:
            rows[event.id] = _first_free(0, taken)
            taken.add(rows[event.id])


def _first_free(row: int, taken: Collection[int]) -> int:
    while row in taken:
        row += 1
    return row


# Places


class _Placed:
    """What hangs so far."""

    def __init__(self) -> None:
        self.areas: list[tuple[Area, Box]] = []
        self.boxes: dict[str, Box] = {}
        self.column: dict[str, int] = {}
        """Column of each sticker."""
        self.gap: dict[str, float] = {}
        """Middle of the gap above the aggregate of each sticker."""
        self.band: dict[str, str] = {}
        """Which aggregate each sticker hangs with."""

    def hang(self, area: Area, column: int, x: float, y: float) -> float:
        """Gives the bottom of the area."""
        bottom = y + LABEL
        for band in area.bands:
            bottom = self._hang_band(area, band, column, x, bottom)
        box = Box(x, y, AREA_WIDTH, max(bottom + PADDING - y, EMPTY_HEIGHT))
        self.areas.append((area, box))
        return box.bottom

    def _hang_band(self, area: Area, band: Band, column: int, x: float, y: float) -> float:
        rows, count = _rows(band)
        top = y + BAND_GAP
        height = count * ROW - (ROW - STICKER_HEIGHT)
        if band.aggregate:
            self.boxes[band.aggregate.id] = Box(x + AGGREGATE_X, top, AGGREGATE_WIDTH, height)
        for step in (*band.commands, *band.read_models):
            self._hang_step(step, x, top + rows[step.sticker.id] * ROW)
        lanes = [(event.id, EVENT_X) for event in band.events]
        lanes += [(reaction.sticker.id, POLICY_X) for reaction in band.policies]
        for sticker, lane in lanes:
            self.boxes[sticker] = Box(x + lane, top + rows[sticker] * ROW, STICKER_WIDTH, STICKER_HEIGHT)
        for sticker in (each.id for each in band.stickers):
            self.column[sticker] = column
            self.gap[sticker] = y + BAND_GAP / 2
            self.band[sticker] = f"{area.id}/{_band_id(band)}"
        return top + height

    def _hang_step(self, step: Step, x: float, y: float) -> None:
        self.boxes[step.sticker.id] = Box(x + COMMAND_X, y, STICKER_WIDTH, STICKER_HEIGHT)
        if step.actor:
            self.boxes[step.actor.id] = Box(x + SIDE_X, y, SMALL_WIDTH, SMALL_HEIGHT)
        if step.screen:
            below = y + STICKER_HEIGHT - SMALL_HEIGHT
            self.boxes[step.screen.id] = Box(x + SIDE_X, below, SMALL_WIDTH, SMALL_HEIGHT)


# Arrows


@dataclass(frozen=True, slots=True)
class _Channel:
    """A gap in which lines run side by side; vertical ones have a fixed x, horizontal ones a fixed y."""

    vertical: bool
    name: str
    middle: float
    room: float


@dataclass(frozen=True, slots=True)
class _Trip:
    arrow: Arrow
    start: Point
    end: Point
    channels: tuple[_Channel, ...]


def _routes(wall: Wall, placed: _Placed) -> Iterator[Route]:
    trips = [_trip(arrow, placed) for arrow in wall.arrows]
    tracks = _tracks(trips)
    for trip in trips:
        yield Route(trip.arrow, tuple(_points(trip, tracks)))


def _trip(arrow: Arrow, placed: _Placed) -> _Trip:
    start, end = placed.boxes[arrow.start], placed.boxes[arrow.end]
    match arrow.tie:
        case Tie.EMITS:
            behind = _Channel(True, f"behind {placed.band[arrow.start]}", _behind(start), 0)
            return _Trip(arrow, (start.right, start.middle[1]), (end.x, end.middle[1]), (behind,))
        case Tie.READS:
            return _Trip(arrow, (start.x, end.middle[1]), (end.right, end.middle[1]), ())
        case Tie.TRIGGERS:
            between = _Channel(True, f"after {placed.band[arrow.start]}", (start.right + end.x) / 2, 18)
            return _Trip(arrow, (start.right, start.middle[1]), (end.x, end.middle[1]), (between,))
        case Tie.RESULTS:
            return _result_trip(arrow, placed)
        case Tie.REFERS:
            return _reference_trip(arrow, placed)


def _behind(command: Box) -> float:
    """The middle of the aggregate right of this command: lines to events cross over where no one sees them."""
    return command.x - COMMAND_X + AGGREGATE_X + AGGREGATE_WIDTH / 2


def _result_trip(arrow: Arrow, placed: _Placed) -> _Trip:
    start, end = placed.boxes[arrow.start], placed.boxes[arrow.end]
    here, there = placed.column[arrow.start], placed.column[arrow.end]
    channels = list(_between(arrow, here, there, placed))
    if there < here:
        channels.insert(0, _gap(arrow.start, placed))
        channels.insert(0, _Channel(True, f"pad {placed.band[arrow.start]}", start.right + PADDING / 2, 14))
    before = _Channel(True, f"before {placed.band[arrow.end]}", end.x - 28, 20)
    return _Trip(
        arrow,
        (start.right, start.middle[1]),
        (end.x, end.middle[1]),
        (*channels, _gap(arrow.end, placed), before),
    )


def _reference_trip(arrow: Arrow, placed: _Placed) -> _Trip:
    start, end = placed.boxes[arrow.start], placed.boxes[arrow.end]
    if start.x == end.x and end.y - start.bottom == BAND_GAP:
        return _Trip(arrow, (start.middle[0], start.bottom), (end.middle[0], end.y), ())
    if start.x == end.x and start.y - end.bottom == BAND_GAP:
        return _Trip(arrow, (start.middle[0], start.y), (end.middle[0], end.bottom), ())
    between = _between(arrow, placed.column[arrow.start], placed.column[arrow.end], placed)
    return _Trip(
        arrow,
        (start.middle[0] - 24, start.y),
        (end.middle[0] + 24, end.y),
        (_gap(arrow.start, placed), *between, _gap(arrow.end, placed)),
    )


def _between(arrow: Arrow, here: int, there: int, placed: _Placed) -> Iterator[_Channel]:
    """From the gaps of one column to those of another: one gutter between neighbours, else over the highway."""
    leave = here - 1 if there < here else here
    arrive = there - 1 if there > here else there
    yield _gutter(leave)
    if arrive != leave:
        yield _Channel(False, "highway", HIGHWAY_Y, 30)
        yield _gutter(arrive)


def _gutter(column: int) -> _Channel:
    return _Channel(
        True, f"gutter {column}", MARGIN + (column + 1) * (AREA_WIDTH + GUTTER) - GUTTER / 2, GUTTER - 32
    )


def _gap(sticker: str, placed: _Placed) -> _Channel:
    return _Channel(False, f"gap {placed.band[sticker]}", placed.gap[sticker], BAND_GAP - 16)


def _tracks(trips: list[_Trip]) -> dict[tuple[str, str], float]:
    """The line of each traveller in each channel; arrows of one policy share theirs."""
    travellers: dict[_Channel, dict[str, Point]] = {}
    for trip in trips:
        for channel in trip.channels:
            travellers.setdefault(channel, {}).setdefault(_traveller(trip), trip.start)
    return {
        (channel.name, who): channel.middle + offset
        for channel, starts in travellers.items()
        for who, offset in _spread(sorted(starts, key=lambda who: (starts[who][1], who)), channel.room)
    }


def _traveller(trip: _Trip) -> str:
    arrow = trip.arrow
    return arrow.start if arrow.tie is Tie.RESULTS else f"{arrow.start}>{arrow.end}"


def _spread(order: list[str], room: float) -> Iterator[tuple[str, float]]:
    step = min(8.0, room / max(1, len(order) - 1))
    for index, who in enumerate(order):
        yield who, (index - (len(order) - 1) / 2) * step


def _points(trip: _Trip, tracks: Mapping[tuple[str, str], float]) -> Iterator[Point]:
    x, y = trip.start
    yield x, y
    for channel in trip.channels:
        track = tracks[channel.name, _traveller(trip)]
        x, y = (track, y) if channel.vertical else (x, track)
        yield x, y
    if trip.channels:
        yield (x, trip.end[1]) if trip.channels[-1].vertical else (trip.end[0], y)
    yield trip.end
