"""Field descriptors: one per attribute, parameter and member, in the variants the canvas distinguishes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eventstorming.v1 import model_pb2

from poller.msaez.encoding import Json
from poller.resolved.names import Register, camel, field_name, pascal, plain

BUILT_IN = frozenset(["String", "Integer", "Long", "Double", "BigDecimal", "Boolean", "Date"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """An attribute as it will be drawn: legal name, known type."""

    name: str
    trace: str
    type: str
    alias: str = ""
    is_key: bool = False
    refs: tuple[model_pb2.SourceRange, ...] = ()
    reference: str | None = None  # the aggregate it refers to


DEFAULT_KEY = Field(name="id", trace="id", type="Long", is_key=True)


def fields(
    messages: Iterable[model_pb2.Field], types: Mapping[str, str], *, taken: Iterable[str] = ()
) -> list[Field]:
    """Names unique regardless of case, none of `taken`; `types` are the aggregate's classes by their names in the model."""
    register = Register(taken)
    return [
        Field(
            name=register.take(field_name(message.name)),
            trace=plain(message.name),
            type=class_of(message.type, types),
            alias=plain(message.alias),
            is_key=message.is_key,
            refs=tuple(message.ranges),
        )
        for message in messages
    ]


def keyed(known: list[Field]) -> list[Field]:
    """The same with a key: an aggregate that is still growing has none yet."""
    return known if any(field.is_key for field in known) else [DEFAULT_KEY, *known]


def class_of(text: str, types: Mapping[str, str]) -> str:
    """Java-like class name of a type as the model names it."""
    inner = element_of(text)
    return listed(types.get(inner, inner), text)


def element_of(type_name: str) -> str:
    """What a list holds; any other type is itself."""
    return type_name.removeprefix("List<").removesuffix(">")


def listed(name: str, like: str) -> str:
    """A list of it where `like` is a list."""
    return name if element_of(like) == like else f"List<{name}>"


def descriptor(field: Field) -> dict[str, Json]:
    """What every field has; commands, events and queries need no more."""
    return {
        "_type": "org.uengine.model.FieldDescriptor",
        "name": field.name,
        "traceName": field.trace,
        "nameCamelCase": camel(field.name),
        "namePascalCase": pascal(field.name),
        "displayName": field.alias,
        "className": field.type,
        "isKey": field.is_key,
        "isCopy": False,
        "isList": bool(re.search("list|collection", field.type, re.IGNORECASE)),
        "refs": source_refs(field.refs),
    }


def aggregate_descriptor(field: Field) -> dict[str, Json]:
    """As an aggregate lists it."""
    return descriptor(field) | _reference(field)


def root_descriptor(field: Field) -> dict[str, Json]:
    """As the root class of the diagram lists it."""
    unused = {"inputUI": None, "options": None}
    return descriptor(field) | unused | (_reference(field) if field.reference else {})


def value_descriptor(field: Field) -> dict[str, Json]:
    """As a value object lists it."""
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
