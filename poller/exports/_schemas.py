"""JSON Schema of what an aggregate's messages carry, for whichever format has room for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from eventstorming.v1.model_pb2 import Field

from poller.board.text import clean, one_line
from poller.board.wall import title_of
from poller.exports._names import identifier
from poller.msaez.fields import element_of
from poller.resolved import Aggregate, Resolved
from poller.resolved.names import Register

Json = dict[str, Any]
_TYPES: Final[dict[str, Json]] = {
    "Long": {"type": "integer", "format": "int64"},
    "Integer": {"type": "integer", "format": "int32"},
    "Double": {"type": "number", "format": "double"},
    "BigDecimal": {"type": "number"},
    "Boolean": {"type": "boolean"},
    "Date": {"type": "string", "format": "date"},
}


def flat(text: str) -> str:
    """One line, and never an empty one."""
    return one_line(clean(text)).strip() or "–"


class Schemas:
    """`at` is where a document keeps the types that others refer to, as a JSON pointer that ends in a slash."""

    def __init__(self, found: Resolved, *, at: str) -> None:
        self._at, register = at, Register()
        self._names = {
            (it.path, declared.name): register.take(f"{identifier(it)}.{_ascii(declared.name)}")
            for it in found.aggregates
            for declared in (*it.message.value_objects, *it.message.enumerations)
        }

    def types(self, aggregate: Aggregate) -> Iterator[tuple[str, Json]]:
        """Each type of an aggregate by its name; it refers to no other aggregate's."""
        for value in aggregate.message.value_objects:
            shape = self.object(aggregate, value.fields)
            yield self._names[aggregate.path, value.name], {"title": flat(title_of(value)), **shape}
        for declared in aggregate.message.enumerations:
            values = list(dict.fromkeys(flat(item.value) for item in declared.items)) or ["–"]
            shape = {"title": flat(title_of(declared)), "type": "string", "enum": values}
            yield self._names[aggregate.path, declared.name], shape

    def object(self, aggregate: Aggregate, fields: Iterable[Field]) -> Json:
        """What has these fields; its keys are never missing."""
        properties = {flat(field.name): self._field(aggregate, field) for field in fields}
        required = [flat(field.name) for field in fields if field.is_key]
        return {"type": "object", "properties": properties} | ({"required": required} if required else {})

    def _field(self, aggregate: Aggregate, field: Field) -> Json:
        inner = element_of(field.type)
        known = self._names.get((aggregate.path, inner))
        shape = {"$ref": f"{self._at}{known}"} if known else _TYPES.get(inner, {"type": "string"})
        if inner != field.type:
            return {"type": "array", "items": shape}
        titled = {"title": flat(field.alias)} if field.alias and not known else {}
        return {**shape, **titled}


def _ascii(name: str) -> str:
    """Of a type, which is no node of its own."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)[:60] or "Type"
