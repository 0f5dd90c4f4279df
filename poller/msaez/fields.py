"""Field descriptors: one per attribute, parameter and member, in the variants the canvas distinguishes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from eventstorming.v1 import model_pb2

from poller.msaez.encoding import Json
from poller.resolved.names import Register, camel, field_name, pascal, plain

_CANONICAL = {
    "String": "string str text varchar char uuid url email",
    "Integer": "integer int short byte",
    "Long": "long bigint",
    "Double": "double float number",
    "BigDecimal": "bigdecimal decimal numeric biginteger money",
    "Boolean": "boolean bool",
    "Date": "date datetime localdate localdatetime zoneddatetime time localtime timestamp instant",
}
BUILT_IN = {word: canonical for canonical, row in _CANONICAL.items() for word in row.split()}
_LIST = re.compile(r"\s*(?:List|Set|Collection|Array|ArrayList)\s*<(.*)>\s*\Z", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """An attribute as it will be drawn: legal name, known type."""

    name: str
    trace: str
    type: str
    is_key: bool = False
    refs: tuple[model_pb2.SourceRange, ...] = ()
    reference: str | None = None  # the aggregate it refers to


DEFAULT_KEY = Field(name="id", trace="id", type="Long", is_key=True)


def fields(messages: Iterable[model_pb2.Field], types: Mapping[str, str]) -> list[Field]:
    """Names unique regardless of case; a type that is neither built in nor in `types` becomes text."""
    register = Register()
    return [
        Field(
            name=register.take(field_name(message.name)),
            trace=plain(message.name),
            type=known_type(message.type, types),
            is_key=message.is_key,
            refs=tuple(message.ranges),
        )
        for message in messages
    ]


def keyed(known: list[Field]) -> list[Field]:
    """The same with at least one key: a field named id becomes it, else one is put in front."""
    if any(field.is_key for field in known):
        return known
    if any(field.name.lower() == "id" for field in known):
        return [replace(field, is_key=True) if field.name.lower() == "id" else field for field in known]
    return [DEFAULT_KEY, *known]


def known_type(text: str, types: Mapping[str, str]) -> str:
    """Java-like class name of a type as the model names it."""
    listed = _LIST.match(text)
    if listed or text.endswith("[]"):
        inner = listed[1] if listed else text[:-2]
        return f"List<{known_type(inner, types).removeprefix('List<').removesuffix('>')}>"
    name = text.strip()
    return types.get(name) or BUILT_IN.get(name.lower(), "String")


def descriptor(field: Field) -> dict[str, Json]:
    """What every field has; commands, events and queries need no more."""
    return {
        "_type": "org.uengine.model.FieldDescriptor",
        "name": field.name,
        "traceName": field.trace,
        "nameCamelCase": camel(field.name),
        "namePascalCase": pascal(field.name),
        "displayName": "",
        "className": field.type,
        "isKey": field.is_key,
        "isCopy": False,
        "isList": bool(re.search("list|collection", field.type, re.IGNORECASE)),
        "refs": source_refs(field.refs),
    }


def aggregate_descriptor(field: Field) -> dict[str, Json]:
    return descriptor(field) | _reference(field)


def root_descriptor(field: Field) -> dict[str, Json]:
    unused = {"inputUI": None, "options": None}
    return descriptor(field) | unused | (_reference(field) if field.reference else {})


def value_descriptor(field: Field) -> dict[str, Json]:
    return descriptor(field) | _reference(field) | {"label": f"- {field.name}: {field.type}"}


def _reference(field: Field) -> dict[str, Json]:
    return {"referenceClass": field.reference, "isOverrideField": field.reference is not None}


def source_refs(ranges: Iterable[model_pb2.SourceRange]) -> list[Json]:
    """Ranges as the canvas writes them; those without a position are left out."""
    return [
        [[found.start_line, found.start_column], [found.end_line, found.end_column]]
        for found in ranges
        if min(found.start_line, found.start_column, found.end_line, found.end_column) > 0
    ]
