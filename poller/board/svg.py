"""The wall as one stand-alone SVG. Colours are attributes, so that any viewer draws them; a page may restyle the classes."""

from collections.abc import Iterator, Mapping
from typing import Final

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.resolved import Context

from .geometry import HEADER, PADDING, Box, Layout, Point, Route
from .layout import AREA_WIDTH, lay_out
from .text import clean, escaped, one_line, width, wrap
from .timeline import TITLE_WIDTH, lay_out_in_time
from .wall import Kind, Sticker, Tie, Wall, id_of, title_of, wall_of
from .words import words_for

COLOURS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.ACTOR: ("#fff3b0", "#dcc65a"),
    Kind.SCREEN: ("#ffffff", "#b9c0cc"),
    Kind.COMMAND: ("#8fc7ff", "#5a9fe0"),
    Kind.AGGREGATE: ("#ffe177", "#dcb52f"),
    Kind.EVENT: ("#ffab4f", "#e0852a"),
    Kind.POLICY: ("#d3b8f2", "#a883d4"),
    Kind.READ_MODEL: ("#a4dd92", "#6fb45a"),
    Kind.SYSTEM: ("#d9dee8", "#98a2b5"),
    Kind.QUESTION: ("#ff8ab8", "#d6467f"),
}
"""Of the paper and of its edge."""
_STROKES: Final[Mapping[Tie, str]] = {
    Tie.EMITS: "#8a92a3",
    Tie.TRIGGERS: "#9466cc",
    Tie.RESULTS: "#9466cc",
    Tie.GIVES: "#9466cc",
    Tie.REFERS: "#8a92a3",
    Tie.READS: "#6fb45a",
}
INK: Final = "#1f2430"
_SOFT: Final = "#4b5262"
_FONT: Final = (
    "Pretendard,Inter,-apple-system,'Segoe UI',Helvetica,Arial,'Apple SD Gothic Neo','Noto Sans KR',"
    "'Noto Sans CJK KR','Malgun Gothic',NanumGothic,system-ui,sans-serif"
)
_RADIUS: Final = 9


def render_svg(model: EventStormingModel) -> str:
    """A well-formed SVG document of the whole wall."""
    wall = wall_of(model)
    return draw(wall, lay_out(wall), words_for(model))


def render_timeline(model: EventStormingModel) -> str:
    """The same by time."""
    wall = wall_of(model)
    return draw(wall, lay_out_in_time(wall), words_for(model))


def draw(wall: Wall, layout: Layout, words: Mapping[str, str]) -> str:
    """The wall as laid out; every sticker is a group with its id, a kind class and a text for screen readers."""
    return "\n".join(_document(wall, layout, words)) + "\n"


def _document(wall: Wall, layout: Layout, words: Mapping[str, str]) -> Iterator[str]:
    wide, high = _n(layout.width), _n(layout.height)
    title = escaped(words["title"])
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{"wall timeline" if layout.lanes else "wall"}" width="{wide}" height="{high}"'
        f' viewBox="0 0 {wide} {high}" font-family="{escaped(_FONT)}" role="group" aria-label="{title}">'
    )
    yield f"<title>{title}</title>"
    yield "<defs>" + "".join(_marker(tie) for tie in Tie) + "</defs>"
    yield f'<rect class="ground" width="{wide}" height="{high}" fill="#f4f2ec"/>'
    yield from _legend(words)
    if not layout.contexts:
        yield _text((words["empty"],), 56, 170, size=20, fill=_SOFT, css="quiet", anchor="start")
    for context, box in layout.contexts:
        yield from _swimlane(context, box) if layout.lanes else _context(context, box)
    if layout.lanes:
        yield from _time(layout.lanes, words)
    yield '<g class="arrows" fill="none">'
    yield from (_arrow(route) for route in layout.routes)
    yield "</g>"
    for sticker in wall.stickers:
        yield from _sticker(sticker, layout.boxes[sticker.id], words)
    yield "</svg>"


def _marker(tie: Tie) -> str:
    return (
        f'<marker id="head-{tie}" viewBox="0 0 10 10" refX="8.5" refY="5" markerWidth="7" markerHeight="7"'
        f' markerUnits="userSpaceOnUse" orient="auto"><path class="head {tie}" d="M0 .8 9 5 0 9.2z" fill="{_STROKES[tie]}"/></marker>'
    )


def _legend(words: Mapping[str, str]) -> Iterator[str]:
    yield '<g class="legend">'
    x = 56.0
    for kind in Kind:
        label, (fill, edge) = words[kind], COLOURS[kind]
        yield f'<rect x="{_n(x)}" y="34" width="22" height="22" rx="3" fill="{fill}" stroke="{edge}"/>'
        yield _text((label,), x + 30, 50, size=14, fill=_SOFT, css="quiet", anchor="start")
        x += 30 + width(label, 14) + 26
    yield "</g>"


def _area(context: Context, box: Box) -> Iterator[str]:
    name = escaped(f"{title_of(context.message)} ({context.message.name})")
    yield f'<g class="area" data-id="{id_of(context)}"><title>{name}</title>'
    yield (
        f'<rect class="paper" x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'
        ' rx="20" fill="#fffdf8" stroke="#d9d3c4" stroke-width="1.5"/>'
    )


def _swimlane(context: Context, box: Box) -> Iterator[str]:
    """Its title at the left, where time begins."""
    told, shown = context.message, title_of(context.message)
    yield from _area(context, box)
    left, base = box.x + PADDING, box.y + 48
    title = wrap(shown, size=20, room=TITLE_WIDTH, lines=3, bold=True)
    yield _text(title, left, base, size=20, weight=700, css="strong", anchor="start", leading=26)
    base += len(title) * 26
    for text, lines in ((told.name if told.name != shown else "", 1), (told.purpose, 4)):
        if text:
            written = wrap(text, size=13, room=TITLE_WIDTH, lines=lines)
            yield _text(written, left, base, size=13, fill=_SOFT, css="quiet", anchor="start", leading=18)
            base += len(written) * 18 + 4
    yield "</g>"


def _time(lanes: tuple[Box, ...], words: Mapping[str, str]) -> Iterator[str]:
    """The lanes, and above them which way time runs."""
    for lane in lanes:
        yield (
            f'<rect class="lane" x="{_n(lane.x)}" y="{_n(lane.y - 10)}" width="{_n(lane.width)}"'
            f' height="{_n(lane.height + 20)}" rx="10" fill="#f4f2ec"/>'
        )
    left, right, y = lanes[0].x, max(lane.right for lane in lanes), HEADER - 22
    yield _text((words["time"],), left, y + 5, size=14, fill=_SOFT, css="quiet", anchor="start")
    begin = left + width(words["time"], 14) + 12
    yield (
        f'<path class="axis" fill="none" d="M{_n(begin)} {_n(y)}H{_n(max(right, begin + 40))}" stroke="#8a92a3" stroke-width="1.8"'
        ' marker-end="url(#head-emits)"/>'
    )


def _context(context: Context, box: Box) -> Iterator[str]:
    told, shown = context.message, title_of(context.message)
    yield from _area(context, box)
    left, base = box.x + PADDING, box.y + 48
    (title,) = wrap(shown, size=27, room=AREA_WIDTH * 0.62, lines=1, bold=True)
    yield _text((title,), left, base, size=27, weight=700, css="strong", anchor="start")
    if told.name != shown:
        (name,) = wrap(told.name, size=15, room=AREA_WIDTH * 0.26, lines=1)
        x = left + width(title, 27, bold=True) + 10
        yield _text((name,), x, base, size=15, fill=_SOFT, css="quiet", anchor="start")
    if told.purpose:
        (purpose,) = wrap(told.purpose, size=13, room=AREA_WIDTH - 2 * PADDING, lines=1)
        yield _text((purpose,), left, base + 21, size=13, fill=_SOFT, css="quiet", anchor="start")
    if not context.aggregates:
        lines = wrap(told.description, size=14, room=AREA_WIDTH - 2 * PADDING, lines=6)
        yield _text(lines, left, base + 40, size=14, fill=_SOFT, css="quiet", anchor="start")
    yield "</g>"


def _arrow(route: Route) -> str:
    arrow = route.arrow
    dashed = ' stroke-dasharray="6 5"' if arrow.tie in (Tie.REFERS, Tie.READS) else ""
    label = f"<title>{escaped(one_line(arrow.label))}</title>" if arrow.label else ""
    return (
        f'<path class="arrow {arrow.tie}" data-from="{arrow.start}" data-to="{arrow.end}"'
        f' d="{_rounded(route.points)}" stroke="{_STROKES[arrow.tie]}" stroke-width="1.8"{dashed}'
        f' marker-end="url(#head-{arrow.tie})">{label}</path>'
    )


def _rounded(points: tuple[Point, ...]) -> str:
    """An orthogonal line with rounded corners; repeated points and straight-on corners vanish."""
    line = _corners(points)
    path = [f"M{_n(line[0][0])} {_n(line[0][1])}"]
    for before, corner, after in zip(line, line[1:], line[2:], strict=False):
        entry, leave = _toward(corner, before), _toward(corner, after)
        path.append(
            f"L{_n(entry[0])} {_n(entry[1])}Q{_n(corner[0])} {_n(corner[1])} {_n(leave[0])} {_n(leave[1])}"
        )
    path.append(f"L{_n(line[-1][0])} {_n(line[-1][1])}")
    return "".join(path)


def _corners(points: tuple[Point, ...]) -> list[Point]:
    kept: list[Point] = []
    for point in points:
        if kept and _same(kept[-1], point):
            continue
        if len(kept) > 1 and _straight(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return kept


def _same(one: Point, other: Point) -> bool:
    return abs(one[0] - other[0]) + abs(one[1] - other[1]) < 0.01


def _straight(one: Point, two: Point, three: Point) -> bool:
    return (
        abs(one[0] - two[0]) + abs(two[0] - three[0]) < 0.01
        or abs(one[1] - two[1]) + abs(two[1] - three[1]) < 0.01
    )


def _toward(corner: Point, other: Point) -> Point:
    reach = abs(other[0] - corner[0]) + abs(other[1] - corner[1])
    part = min(_RADIUS, reach / 2) / reach
    return corner[0] + (other[0] - corner[0]) * part, corner[1] + (other[1] - corner[1]) * part


def _sticker(sticker: Sticker, box: Box, words: Mapping[str, str]) -> Iterator[str]:
    spoken = escaped(
        f"{words[sticker.kind]}: {sticker.title}"
        + (f" ({sticker.name})" if sticker.name != sticker.title else "")
    )
    yield f'<g class="sticker {sticker.kind}" data-id="{sticker.id}" role="button" aria-label="{spoken}"><title>{spoken}</title>'
    yield _rect(box, "shadow", 'fill="#000" opacity=".13"', shift=2.5)
    fill, edge = COLOURS[sticker.kind]
    yield _rect(box, "card", f'fill="{fill}" stroke="{edge}"')
    if sticker.kind is Kind.SCREEN:
        yield _wireframe(box)
    elif sticker.kind is Kind.ACTOR:
        yield from _actor(sticker, box)
    elif sticker.kind is Kind.SYSTEM:
        yield from _system(sticker, box)
    elif sticker.kind is Kind.QUESTION:
        yield _text(("?",), box.middle[0], box.middle[1] + 6.5, size=19, weight=700)
    elif sticker.timer or sticker.condition:
        yield from _policy(sticker, box, words)
    elif sticker.kind is Kind.AGGREGATE:
        yield from _aggregate(sticker, box)
    else:
        yield from _named(sticker, box, box.middle[1])
    yield "</g>"


def _rect(box: Box, css: str, paint: str, *, shift: float = 0) -> str:
    return (
        f'<rect class="{css}" x="{_n(box.x + shift * 0.6)}" y="{_n(box.y + shift)}" width="{_n(box.width)}"'
        f' height="{_n(box.height)}" rx="{3 if box.width > 100 else 2}" {paint}/>'
    )


def _named(sticker: Sticker, box: Box, middle: float) -> Iterator[str]:
    """Title and code name, as one block centred at this height."""
    room = box.width - 18
    title = wrap(sticker.title, size=14.5, room=room, lines=3, bold=True)
    name = wrap(sticker.name, size=10.5, room=room, lines=2) if sticker.name != sticker.title else ()
    height = len(title) * 18 + (len(name) * 13 + 5 if name else 0)
    y = middle - height / 2 + 14
    x = box.middle[0]
    yield _text(title, x, y, size=14.5, weight=600, leading=18)
    if name:
        yield _text(name, x, y + len(title) * 18 + 2, size=10.5, fill=_SOFT, leading=13)


def _policy(sticker: Sticker, box: Box, words: Mapping[str, str]) -> Iterator[str]:
    """What it is called, when time triggers it, and under which condition it acts."""
    room = box.width - 18
    title = wrap(
        sticker.title, size=14, room=room, lines=1 if sticker.timer and sticker.condition else 2, bold=True
    )
    timer = wrap(sticker.timer, size=11, room=room - 14, lines=2) if sticker.timer else ()
    told = f"{words['if']} {sticker.condition}"
    condition = wrap(told, size=11, room=room, lines=3 if len(timer) < 2 else 2) if sticker.condition else ()
    y = box.middle[1] - (len(title) * 18 + (len(timer) + len(condition)) * 13 + 4) / 2 + 14
    x = box.middle[0]
    yield _text(title, x, y, size=14, weight=600, leading=18)
    y += len(title) * 18
    if timer:
        left = x - max(width(line, 11, bold=True) for line in timer) / 2 - 1
        yield (
            f'<g fill="none" stroke="{INK}" stroke-width="1.2"><circle cx="{_n(left)}" cy="{_n(y - 4)}" r="4.6"/>'
            f'<path d="M{_n(left)} {_n(y - 7)}v3l2 1.4"/></g>'
        )
        yield _text(timer, x + 7, y, size=11, weight=600, leading=13)
        y += len(timer) * 13
    yield _text(condition, x, y, size=11, leading=13)


def _system(sticker: Sticker, box: Box) -> Iterator[str]:
    lines = wrap(
        sticker.title, size=11, room=box.width - 14, lines=max(1, int((box.height - 4) // 13)), bold=True
    )
    yield _text(
        lines, box.middle[0], box.middle[1] - len(lines) * 6.5 + 10.2, size=11, weight=600, leading=13
    )


def _actor(sticker: Sticker, box: Box) -> Iterator[str]:
    x, y = box.x + 12, box.y + box.height / 2
    yield (
        f'<g fill="none" stroke="#8a6d00" stroke-width="1.6" stroke-linecap="round"><circle cx="{_n(x)}" cy="{_n(y - 5)}" r="3.4"/>'
        f'<path d="M{_n(x - 5.5)} {_n(y + 7)}a5.5 6 0 0 1 11 0"/></g>'
    )
    lines = wrap(
        sticker.title, size=11, room=box.width - 26, lines=max(1, int((box.height - 4) // 13)), bold=True
    )
    middle = box.x + 22 + (box.width - 26) / 2
    yield _text(lines, middle, y - len(lines) * 6.5 + 10.2, size=11, weight=600, leading=13)


def _wireframe(box: Box) -> str:
    """A tiny picture of a screen."""
    x, y, wide = box.x, box.y, box.width
    bars = "".join(
        f'<rect x="{_n(x + 8)}" y="{_n(y + top)}" width="{_n(part * (wide - 16))}" height="{tall}" rx="1.5" fill="{fill}"/>'
        for top, part, tall, fill in (
            (7, 0.45, 4, "#9aa3b2"),
            (15, 1, 6, "#e6e9ef"),
            (24, 1, 6, "#e6e9ef"),
            (33, 0.36, 7, "#8fc7ff"),
        )
        if top + tall < box.height
    )
    return f"<g>{bars}</g>"


def _aggregate(sticker: Sticker, box: Box) -> Iterator[str]:
    """Name above, then as many fields as there is room for."""
    if box.height < 160 or not sticker.lines:
        yield from _named(sticker, box, box.middle[1])
        return
    yield from _named(sticker, box, box.y + 46)
    top = box.y + 100
    yield f'<path d="M{_n(box.x + 14)} {_n(top - 14)}H{_n(box.right - 14)}" stroke="#c9a227" stroke-opacity=".55"/>'
    room = int((box.bottom - 12 - top) // 17)
    shown = sticker.lines if len(sticker.lines) <= room else sticker.lines[: max(room - 1, 0)]
    for index, (line, key) in enumerate(shown):
        (text,) = wrap(line, size=11.5, room=box.width - 40, lines=1, bold=key)
        weight = 700 if key else 400
        yield _text((text,), box.x + 15, top + 6 + index * 17, size=11.5, weight=weight, anchor="start")
    if len(shown) < len(sticker.lines):
        more = f"+{len(sticker.lines) - len(shown)}"
        yield _text((more,), box.x + 15, top + 6 + len(shown) * 17, size=11.5, fill=_SOFT, anchor="start")


def _text(
    lines: tuple[str, ...],
    x: float,
    y: float,
    *,
    size: float,
    weight: int = 400,
    fill: str = INK,
    css: str = "",
    leading: float = 0,
    anchor: str = "middle",
) -> str:
    leading = leading or size * 1.45
    styled = f' class="{css}"' if css else ""
    bold = f' font-weight="{weight}"' if weight != 400 else ""
    spans = "".join(
        f'<tspan x="{_n(x)}" y="{_n(y + index * leading)}">{escaped(clean(line))}</tspan>'
        for index, line in enumerate(lines)
    )
    return f'<text{styled} font-size="{_n(size)}"{bold} fill="{fill}" text-anchor="{anchor}">{spans}</text>'


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
