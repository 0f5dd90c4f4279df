"""Boxes, lines and the gaps in which lines run: what both ways of hanging a wall are made of. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from poller.resolved import Context

from .wall import Arrow, Tie

STICKER_WIDTH: Final = 148
STICKER_HEIGHT: Final = 100
SMALL_GAP: Final = 8
BADGE: Final = 28
LEGEND_WIDTH: Final = 1080
AGGREGATE_WIDTH: Final = 176
MARGIN: Final = 56
HEADER: Final = 128
PADDING: Final = 30


@dataclass(frozen=True, slots=True)
class Box:
    """Left upper corner and size, in px."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """x, in px."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """y, in px."""
        return self.y + self.height

    @property
    def middle(self) -> tuple[float, float]:
        """x and y, in px."""
        return self.x + self.width / 2, self.y + self.height / 2


Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Route:
    """An arrow and the corners of its line, first to last."""

    arrow: Arrow
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Everything in px from the left upper corner of the picture."""

    width: float
    height: float
    contexts: tuple[tuple[Context, Box], ...]
    boxes: Mapping[str, Box]
    """Of every sticker, by id."""
    routes: tuple[Route, ...]
    lanes: tuple[Box, ...] = ()
    """In the view by time: where the stickers of each aggregate follow one another."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A gap in which lines run side by side; vertical ones have a fixed x, horizontal ones a fixed y."""

    vertical: bool
    name: str
    middle: float
    room: float


@dataclass(frozen=True, slots=True)
class Trip:
    """An arrow, where it starts and ends, and the gaps it takes."""

    arrow: Arrow
    start: Point
    end: Point
    channels: tuple[Channel, ...] = ()

    @property
    def traveller(self) -> str:
        """Arrows from one sticker share their lines; only references run alone."""
        arrow = self.arrow
        return f"{arrow.start}>{arrow.end}" if arrow.tie is Tie.REFERS else arrow.start


def routed(trips: Sequence[Trip]) -> Iterator[Route]:
    """Every trip as a line; travellers in the same gap run side by side."""
    tracks = _tracks(trips)
    return (Route(trip.arrow, tuple(_points(trip, tracks))) for trip in trips)


def _tracks(trips: Sequence[Trip]) -> dict[tuple[str, str], float]:
    """The line of each traveller in each channel."""
    travellers: dict[Channel, dict[str, Point]] = {}
    for trip in trips:
        for channel in trip.channels:
            travellers.setdefault(channel, {}).setdefault(trip.traveller, trip.start)
    return {
        (channel.name, who): channel.middle + offset
        for channel, starts in travellers.items()
        for who, offset in _spread(sorted(starts, key=lambda who: (starts[who][1], who)), channel.room)
    }


def _spread(order: list[str], room: float) -> Iterator[tuple[str, float]]:
    step = min(8.0, room / max(1, len(order) - 1))
    for index, who in enumerate(order):
        yield who, (index - (len(order) - 1) / 2) * step


def _points(trip: Trip, tracks: Mapping[tuple[str, str], float]) -> Iterator[Point]:
    x, y = trip.start
    yield x, y
    for channel in trip.channels:
        track = tracks[channel.name, trip.traveller]
        x, y = (track, y) if channel.vertical else (x, track)
        yield x, y
    if trip.channels:
        yield (x, trip.end[1]) if trip.channels[-1].vertical else (trip.end[0], y)
    yield trip.end
