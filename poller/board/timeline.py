"""The same wall by time: events from left to right in the order in which commands and policies cause them, a swimlane
for each context. Pure.

A lane belongs to an aggregate: at its head the aggregate and its read models, then column after column what happens.
What causes decides first; then the events that scenarios start from; then, inside an aggregate, the order of the text.
An order that contradicts a stronger one is left out, so a circle is drawn with one arrow that runs back.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
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

TITLE_WIDTH: Final = 200
LANE_GAP: Final = 42
AREA_GAP: Final = 28
AREA_HEIGHT: Final = 244
ROW_GAP: Final = 16
GUTTER: Final = 60
PITCH: Final = STICKER_WIDTH + GUTTER
ACTOR_HEIGHT: Final = 34
SCREEN_HEIGHT: Final = 46
BADGES: Final = 4
"""In a row below a sticker."""

HEAD_X: Final = MARGIN + PADDING + TITLE_WIDTH + 24
TIME_X: Final = HEAD_X + AGGREGATE_WIDTH + GUTTER
_CAUSES: Final = (Tie.EMITS, Tie.TRIGGERS, Tie.GIVES, Tie.RESULTS)


def lay_out_in_time(wall: Wall) -> Layout:
    """The same wall always gives the same layout. Of the arrows only those that say what causes what."""
    columns = columns_of(wall)
    right = TIME_X + (max(columns.values(), default=-1) + 1) * PITCH
    placed = _Placed(wall, columns, right)
    y: float = HEADER
    for context in wall.found.contexts:
        y = placed.hang(context, y) + AREA_GAP
    width = max(LEGEND_WIDTH, right + MARGIN)
    placed.hang_questions(width)
    return Layout(
        width=width,
        height=max((box.bottom for _, box in placed.contexts), default=HEADER + AREA_HEIGHT) + MARGIN,
        contexts=tuple(placed.contexts),
        boxes=placed.boxes,
        routes=tuple(routed([placed.trip(arrow) for arrow in _causes(wall)])),
        lanes=tuple(placed.lanes.values()),
    )


def _causes(wall: Wall) -> Iterator[Arrow]:
    return (arrow for arrow in wall.arrows if arrow.tie in _CAUSES)


# Which comes when


def columns_of(wall: Wall) -> dict[str, int]:
    """The column of every command, event and policy, by id: after all that comes before it, a command right before its event."""
    order = _Order()
    for aggregate in wall.found.aggregates:
        for command in aggregate.commands:
            order.know(id_of(command), late=True)
        for node in (*aggregate.events, *aggregate.policies):
            order.know(id_of(node), late=False)
    for befores in (_caused, _given, _told):
        for before, after in befores(wall):
            order.add(before, after)
    return order.columns()


def _caused(wall: Wall) -> Iterator[tuple[str, str]]:
    return ((arrow.start, arrow.end) for arrow in _causes(wall))


def _given(wall: Wall) -> Iterator[tuple[str, str]]:
    """Events that scenarios of a command start from."""
    events = {event.message.name: id_of(event) for each in wall.found.aggregates for event in each.events}
    for aggregate in wall.found.aggregates:
        for command in aggregate.commands:
            for scenario in command.message.scenarios:
                if scenario.given.name in events:
                    yield events[scenario.given.name], id_of(command)


def _told(wall: Wall) -> Iterator[tuple[str, str]]:
    """Commands of an aggregate one after another."""
    for aggregate in wall.found.aggregates:
        for before, after in pairwise(aggregate.commands):
            yield from ((id_of(event), id_of(after)) for event in before.emits or [before])


class _Order:
    """What comes before what, without a circle."""

    def __init__(self) -> None:
        self._after: dict[str, list[str]] = {}
        self._late: set[str] = set()

    def know(self, name: str, *, late: bool) -> None:
        """`late`: it hangs right before what follows, however early it could be."""
        self._after[name] = []
        if late:
            self._late.add(name)

    def add(self, first: str, then: str) -> None:
        """Does nothing where the opposite is known already."""
        if not self._leads(then, first):
            self._after[first].append(then)

    def columns(self) -> dict[str, int]:
        waits = dict.fromkeys(self._after, 0)
        for follow in self._after.values():
            for name in follow:
                waits[name] += 1
        columns = dict.fromkeys(self._after, 0)
        order: list[str] = []
        ready = deque(name for name, count in waits.items() if not count)
        while ready:
            name = ready.popleft()
            for after in self._after[name]:
                columns[after] = max(columns[after], columns[name] + 1)
                waits[after] -= 1
                if not waits[after]:
                    ready.append(after)
            order.append(name)
        for name in reversed(order):
            if name in self._late and self._after[name]:
                columns[name] = min(columns[after] for after in self._after[name]) - 1
        return columns

    def _leads(self, start: str, end: str) -> bool:
        seen, open_ends = {start}, [start]
        while open_ends:
            name = open_ends.pop()
            if name == end:
                return True
            fresh = [after for after in self._after[name] if after not in seen]
            seen.update(fresh)
            open_ends += fresh
        return False


# Where it hangs


@dataclass(slots=True)
class _Cell:
    """A sticker with what belongs to it: who gives it above, its screen, the systems it calls and questions below."""

    above: Sticker | None
    below: list[tuple[Sticker, float]]
    questions: list[Sticker]

    @property
    def top(self) -> float:
        return ACTOR_HEIGHT + SMALL_GAP if self.above else 0

    @property
    def bottom(self) -> float:
        rows = -(-len(self.questions) // BADGES)
        return sum(height + SMALL_GAP for _, height in self.below) + rows * (BADGE + SMALL_GAP)


class _Band:
    """The stickers of one aggregate: cells, and in which row each hangs."""

    def __init__(self, aggregate: Aggregate, wall: Wall, columns: Mapping[str, int]) -> None:
        self.name = id_of(aggregate)
        self.views = [id_of(view) for view in aggregate.read_models]
        self._stickers = wall.bands[self.name]
        nodes = [id_of(node) for node in (*aggregate.commands, *aggregate.policies, *aggregate.events)]
        causes: dict[str, str] = {}
        for arrow in _causes(wall):
            if arrow.start in nodes:
                causes.setdefault(arrow.end, arrow.start)
        self.rows = _rows(sorted(nodes, key=lambda name: columns[name]), causes, columns)

    @cached_property
    def cells(self) -> dict[str, _Cell]:
        cells = {name: _Cell(None, [], []) for name in (self.name, *self.views, *self.rows)}
        for sticker in self._stickers:
            if sticker.kind is Kind.QUESTION:
                cells[sticker.owner].questions.append(sticker)
            elif sticker.id.endswith(".actor"):
                cells[sticker.owner].above = sticker
            elif sticker.kind is Kind.SCREEN:
                cells[sticker.owner].below.append((sticker, SCREEN_HEIGHT))
            elif sticker.kind is Kind.SYSTEM:
                cells[sticker.owner].below.append((sticker, ACTOR_HEIGHT))
        return cells

    @property
    def lines(self) -> list[list[_Cell]]:
        """The cells of each row."""
        lines: list[list[_Cell]] = [[] for _ in range(max(self.rows.values(), default=-1) + 1)]
        for name, row in self.rows.items():
            lines[row].append(self.cells[name])
        return lines


def _rows(nodes: list[str], causes: Mapping[str, str], columns: Mapping[str, int]) -> dict[str, int]:
    """Beside its cause, else in the first row; further down where that place is taken."""
    rows: dict[str, int] = {}
    taken: set[tuple[int, int]] = set()
    for name in nodes:
        row = rows.get(causes.get(name, ""), 0)
        while (columns[name], row) in taken:
            row += 1
        rows[name] = row
        taken.add((columns[name], row))
    return rows


class _Placed:
    """What hangs so far."""

    def __init__(self, wall: Wall, columns: Mapping[str, int], right: float) -> None:
        self.contexts: list[tuple[Context, Box]] = []
        self.boxes: dict[str, Box] = {}
        self.lanes: dict[str, Box] = {}
        self._homes: dict[str, str] = {}
        self._wall, self._columns, self._right = wall, columns, right

    def hang(self, context: Context, y: float) -> float:
        """Gives the bottom of the context."""
        bottom = y
        for aggregate in context.aggregates:
            bottom = self._hang_lane(_Band(aggregate, self._wall, self._columns), bottom + LANE_GAP)
        box = Box(MARGIN, y, self._right - MARGIN, max(bottom + PADDING - y, AREA_HEIGHT))
        self.contexts.append((context, box))
        return box.bottom

    def _hang_lane(self, band: _Band, y: float) -> float:
        bottom = y
        for row, cells in enumerate(band.lines):
            middle = bottom + max(cell.top for cell in cells)
            for name in (name for name, at in band.rows.items() if at == row):
                self._homes[name] = band.name
                x = TIME_X + self._columns[name] * PITCH
                self._hang_cell(name, band.cells[name], Box(x, middle, STICKER_WIDTH, STICKER_HEIGHT))
            bottom = middle + STICKER_HEIGHT + max(cell.bottom for cell in cells) + ROW_GAP
        bottom = max(bottom - ROW_GAP, self._hang_head(band, y))
        self.lanes[band.name] = Box(TIME_X - GUTTER / 2, y, self._right - TIME_X, bottom - y)
        return bottom

    def _hang_head(self, band: _Band, y: float) -> float:
        """The aggregate, below it what can be asked about it."""
        bottom = y
        for name in (band.name, *band.views):
            cell = band.cells[name]
            wide = AGGREGATE_WIDTH if name == band.name else STICKER_WIDTH
            box = Box(HEAD_X, bottom + cell.top, wide, STICKER_HEIGHT)
            self._hang_cell(name, cell, box)
            bottom = box.bottom + cell.bottom + ROW_GAP
        return bottom - ROW_GAP

    def _hang_cell(self, name: str, cell: _Cell, box: Box) -> None:
        self.boxes[name] = box
        if cell.above:
            self.boxes[cell.above.id] = Box(box.x, box.y - cell.top, box.width, ACTOR_HEIGHT)
        y = box.bottom + SMALL_GAP
        for sticker, height in cell.below:
            self.boxes[sticker.id] = Box(box.x, y, box.width, height)
            y += height + SMALL_GAP
        for index, question in enumerate(cell.questions):
            self.boxes[question.id] = _badge(box.x, y, index)

    def hang_questions(self, width: float) -> None:
        """Those about a context below its title, those about everything beside the legend."""
        areas = {id_of(context): box for context, box in self.contexts}
        counts = dict.fromkeys(["", *areas], 0)
        for sticker in self._wall.questions:
            owner = sticker.owner if sticker.owner in areas else ""
            index = counts[owner]
            counts[owner] += 1
            if owner:
                area = areas[owner]
                self.boxes[sticker.id] = _badge(area.x + PADDING, area.bottom - 16 - BADGE, index, up=True)
            else:
                x = width - PADDING - BADGE - index * (BADGE + SMALL_GAP)
                self.boxes[sticker.id] = Box(x, 28, BADGE, BADGE)

    # Arrows

    def trip(self, arrow: Arrow) -> Trip:
        """Through the gutter beside the start; further than to the next column above the lane of the end."""
        start, end = self.boxes[arrow.start], self.boxes[arrow.end]
        leave, arrive = self._columns[arrow.start], self._columns[arrow.end] - 1
        channels = [_gutter(leave)]
        if arrive != leave:
            lane = self._homes[arrow.end]
            gap = Channel(False, f"gap {lane}", self.lanes[lane].y - LANE_GAP / 2, LANE_GAP - 16)
            channels += [gap, _gutter(arrive)]
        return Trip(arrow, (start.right, start.middle[1]), (end.x, end.middle[1]), tuple(channels))


def _badge(x: float, y: float, index: int, *, up: bool = False) -> Box:
    row, place = divmod(index, BADGES)
    step = BADGE + SMALL_GAP
    return Box(x + place * step, y + (-row if up else row) * step, BADGE, BADGE)


def _gutter(column: int) -> Channel:
    """At the right of a column."""
    return Channel(True, f"gutter {column}", TIME_X + (column + 1) * PITCH - GUTTER / 2, GUTTER - 24)
