"""What of an answer can be part of a model: line numbers become ranges, loose names identifiers, strange types known ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from executor.graph.answers import FieldAnswer, QuestionAnswer
from executor.graph.answers import Named as NamedAnswer
from executor.graph.given import Named
from executor.graph.identifiers import camel, pascal, upper_snake, words
from executor.graph.text import Document, located, numbers_in, spoken
from executor.model import BUILT_IN_TYPES, Aggregate, Field, OpenQuestion, Ranges, loose, once
from process.plurals import plural

MOST_RANGES = 8

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
_MONEY: Final = ("amount", "price", "fee", "total", "cost", "balance")
_LIST = re.compile(r"(?:List|Set|Collection|Array|Sequence)\s*<\s*(.+?)\s*>|(.+?)\s*\[\]", re.IGNORECASE)


_UNTOLD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def told(text: str) -> str:
    """Words for people as they can be stored: no control characters, no half characters, not the bare sign for nothing."""
    kept = _UNTOLD.sub("", text).strip()
    return "" if kept == "@" else kept


def ranges(said: str, lines: Document, *words: str) -> Ranges:
    """Where the named lines speak of it; each place once."""
    numbers = numbers_in(said, len(lines))[:MOST_RANGES]
    return tuple(dict.fromkeys(located(lines, numbers, [word for word in words if word])))


def field(answer: FieldAnswer, types: Iterable[str], text: Text) -> Field:
    """A field with a camelCase name, of a known type: built in, one of `types`, or a list."""
    alias = told(answer.alias)
    kind = _type(answer.type, {loose(name): name for name in types})
    column = upper_snake(answer.name).lower()
    return Field(name=camel(answer.name), type=kind, alias=alias, ranges=text.of(alias, column))


def guessed(name: str) -> Field:
    """A field that is only named: its type is what the name suggests."""
    last = (words(name) or [""])[-1].casefold()
    kind = {"id": "Long", "date": "Date", "at": "Date", "count": "Integer", "quantity": "Integer"}.get(last)
    return Field(name=camel(name), type=kind or ("BigDecimal" if last in _MONEY else "String"))


def inner_fields(aggregate: Aggregate, fields: Sequence[Field]) -> Iterator[Field]:
    """A field for every inner type that none has: the status for BookingStatus, the lines for an entity."""
    inner = [*fields, *(f for part in aggregate.value_objects for f in part.fields)]
    used = {re.sub(r"List<(.+)>", r"\1", f.type) for f in inner}
    for part in aggregate.value_objects:
        if part.name not in used:
            many = part.is_entity
            name = camel(plural(part.name) if many else part.name)
            yield Field(name=name, type=f"List<{part.name}>" if many else part.name, alias=part.alias)
    for e in aggregate.enumerations:
        if e.name not in used:
            short = e.name.removeprefix(aggregate.name)
            yield Field(name=camel(short or e.name), type=e.name, alias=e.alias)


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


def questions(answers: Iterable[QuestionAnswer], context: str, lines: Document) -> tuple[OpenQuestion, ...]:
    """Open questions about one context, or about the whole text."""
    return tuple(
        OpenQuestion(
            text=text, about=pascal(answer.about), bounded_context=context, ranges=ranges(answer.lines, lines)
        )
        for answer in answers
        if (text := told(answer.text))
    )


class Text:
    """The lines that one question was about, to find in them what an answer calls by a display name."""

    def __init__(self, lines: Document, numbers: Iterable[int]) -> None:
        self._lines, self._numbers = lines, tuple(numbers)

    def of(self, *words: str) -> Ranges:
        """The first place that says the first of these words that stands anywhere."""
        return next((at for word in words if (at := spoken(self._lines, self._numbers, word))), ())


_Value = TypeVar("_Value")


def lookup(values: Iterable[tuple[str, _Value]]) -> dict[str, _Value]:
    """Values by loose name; the first of equal names counts."""
    found: dict[str, _Value] = {}
    for name, value in values:
        found.setdefault(loose(name), value)
    return found
