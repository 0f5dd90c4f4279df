"""What of an answer can be part of a model: sources become ranges, loose names identifiers, strange types known ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from executor.graph.answers import FieldAnswer, Source
from executor.graph.answers import Named as NamedAnswer
from executor.graph.identifiers import camel, pascal
from executor.graph.state import Named
from executor.graph.text import Document, located
from executor.model import BUILT_IN_TYPES, Field, Ranges, loose, once

MOST_RANGES = 8
MOST_FIELDS = 60

_TYPES: Final = {
    **{name.casefold(): name for name in BUILT_IN_TYPES},
    **dict.fromkeys(("int", "short", "byte", "smallint", "tinyint"), "Integer"),
    **dict.fromkeys(("bigint", "serial", "bigserial", "identifier", "id"), "Long"),
    **dict.fromkeys(("float", "real", "number"), "Double"),
    **dict.fromkeys(("decimal", "numeric", "money", "currency"), "BigDecimal"),
    **dict.fromkeys(("bool", "bit"), "Boolean"),
    **dict.fromkeys(
        ("datetime", "timestamp", "localdate", "localdatetime", "instant", "zoneddatetime"), "Date"
    ),
}
_LIST = re.compile(r"(?:List|Set|Collection|Array|Sequence)\s*<\s*(.+?)\s*>|(.+?)\s*\[\]", re.IGNORECASE)


_UNTOLD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def told(text: str) -> str:
    """Words for people as they can be stored: no control characters, no half characters, not the bare sign for nothing."""
    kept = _UNTOLD.sub("", text).strip()
    return "" if kept == "@" else kept


def ranges(sources: Iterable[Source], lines: Document) -> Ranges:
    """Where the text says it; each place once."""
    found = [located(lines, source.line, source.quote) for source in sources]
    return tuple(dict.fromkeys(r for r in found if r is not None))[:MOST_RANGES]


def fields(answers: Iterable[FieldAnswer], lines: Document, types: Iterable[str]) -> tuple[Field, ...]:
    """Fields with camelCase names, each once, of known types: built in, one of `types`, or a list."""
    own = {loose(name): name for name in types}
    found = (
        Field(
            name=camel(answer.name),
            type=_type(answer.type, own),
            is_key=answer.is_key,
            alias=told(answer.alias),
            ranges=ranges(answer.sources, lines),
        )
        for answer in answers
    )
    return once(found)[:MOST_FIELDS]


def _type(wanted: str, own: Mapping[str, str]) -> str:
    if listed := _LIST.fullmatch(wanted.strip()):
        return f"List<{_plain_type(listed[1] or listed[2], own)}>"
    return _plain_type(wanted, own)


def _plain_type(wanted: str, own: Mapping[str, str]) -> str:
    """The type as the model knows it; String when unknown."""
    name = re.sub(r"[(<].*", "", wanted).strip()
    known = own.get(loose(name)) or _TYPES.get(name.casefold())
    return known or ("Long" if name.endswith("Id") else "String")


def named(answers: Iterable[NamedAnswer]) -> tuple[Named, ...]:
    """Names in PascalCase, each once, without nameless ones."""
    return once(Named(name=pascal(answer.name), alias=told(answer.alias)) for answer in answers)


_Value = TypeVar("_Value")


def lookup(values: Iterable[tuple[str, _Value]]) -> dict[str, _Value]:
    """Values by loose name; the first of equal names counts."""
    found: dict[str, _Value] = {}
    for name, value in values:
        found.setdefault(loose(name), value)
    return found
