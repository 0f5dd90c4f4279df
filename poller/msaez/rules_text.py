"""Checks on texts: source ranges (16) and what RTDB can store (18)."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan

from poller.msaez.canvas import Canvas, Problems, kind_of, link, text
from poller.msaez.encoding import Json, decode, encode, is_legal_key
from poller.resolved.names import NULL

Position = tuple[int, int]


def ranges_fit(canvas: Canvas) -> Problems:
    """16: source ranges lie in the text they refer to; without inputs only their own order can be checked."""
    lengths: dict[str, list[int]] = {}
    for key, element in canvas.elements.items():
        ranges = list(_ranges(element))
        if not ranges:
            continue
        source = _source(canvas, element)
        if source is not None and source not in lengths:
            lengths[source] = [_units(line) for line in source.split("\n")]
        for found in ranges:
            if not _fits(found, lengths[source] if source is not None else None):
                yield f"{canvas.called(key)} refers to {found}, which is not in the text."


def _ranges(value: Json) -> Iterator[Json]:
    """Every entry of every `refs` member, at any depth."""
    if isinstance(value, dict):
        for name, child in value.items():
            if name == "refs":
                yield from child if isinstance(child, list) else ()
            else:
                yield from _ranges(child)
    elif isinstance(value, list):
        for child in value:
            yield from _ranges(child)


def _source(canvas: Canvas, element: dict[str, Json]) -> str | None:
    """Requirements for a generation from requirements, else the text of the context."""
    if canvas.inputs is None:
        return None
    if canvas.inputs.WhichOneof("source") != "draft":
        return canvas.inputs.requirements
    member = "sourceBoundedContextId" if kind_of(element) == "Policy" else ""
    key = text(element.get(member)) or link(element, "boundedContext")
    return _context_text(canvas, canvas.elements.get(key, {}))


def _context_text(canvas: Canvas, context: dict[str, Json]) -> str | None:
    names = {text(context.get("name")), text(context.get("traceName"))}
    drafts = canvas.inputs.draft.contexts if canvas.inputs else ()
    return next((draft.requirements for draft in drafts if draft.name in names), None)


def _units(line: str) -> int:
    """Length in UTF-16 code units, as the browser counts."""
    return len(line.encode("utf-16-le", "surrogatepass")) // 2


def _fits(found: Json, lengths: list[int] | None) -> bool:
    start, end = _positions(found)
    if not (1, 1) <= start <= end or min(*start, *end) < 1:
        return False
    return lengths is None or all(_exists(position, lengths) for position in (start, end))


def _positions(found: Json) -> tuple[Position, Position]:
    try:
        (line, column), (last_line, last_column) = found
        return (int(line), int(column)), (int(last_line), int(last_column))
    except (TypeError, ValueError):
        return (0, 0), (0, 0)


def _exists(position: Position, lengths: list[int]) -> bool:
    """An empty line has a first column all the same."""
    line, column = position
    return line <= len(lengths) and column <= max(1, lengths[line - 1])


def storable(canvas: Canvas) -> Problems:
    """18: keys RTDB accepts, no text that means null, and nothing that reading back would change."""
    for things in (canvas.elements, canvas.relations):
        for key, thing in things.items():
            if is_legal_key(key) and _returns_unchanged(thing):
                continue
            faults = list(_faults({key: thing}, key))
            yield from (f"{canvas.called(key)}: {sentence}." for sentence in faults)
            if not faults and decode(encode(thing)) != thing:
                yield f"{canvas.called(key)} would come back changed from the database."


def _returns_unchanged(value: Json) -> bool:
    """For certain; False means that it has to be looked at more closely."""
    if isinstance(value, str):
        return value != NULL
    if isinstance(value, dict):
        legal = NULL not in value and all(map(is_legal_key, value))
        return legal and all(map(_returns_unchanged, value.values()))
    if isinstance(value, list):
        return value != [None] and all(map(_returns_unchanged, value))
    return value is None or (isinstance(value, int | float) and not isnan(value))


def _faults(value: Json, name: str) -> Iterator[str]:
    if isinstance(value, str) and value == NULL:
        yield f"{name} is the text that means null"
    elif isinstance(value, dict):
        yield from (f"the key {inner!r} cannot be stored" for inner in value if not is_legal_key(inner))
        for inner, child in value.items():
            yield from _faults(child, inner)
    elif isinstance(value, list):
        for child in value:
            yield from _faults(child, name)
