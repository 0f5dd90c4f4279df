"""The class diagram inside an aggregate: root, value objects, enumerations, and what refers to other aggregates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from eventstorming.v1 import model_pb2

from poller.msaez.fields import BUILT_IN, Field, element_of, fields, keyed, listed
from poller.resolved import Aggregate
from poller.resolved.names import Register, camel, class_name, field_name, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """A value object, an entity or an enumeration; the last has items, the others fields."""

    path: str
    name: str
    trace: str
    alias: str
    is_entity: bool = False
    refs: tuple[model_pb2.SourceRange, ...] = ()
    fields: tuple[Field, ...] = ()
    items: tuple[model_pb2.EnumerationItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """Classes of one aggregate, names unique among them, every type of a field known."""

    types: Mapping[str, str]  # name in the model → class name
    fields: list[Field]  # of the root
    value_objects: list[Class]
    enumerations: list[Class]

    def links(self) -> Iterator[tuple[Class, Class]]:
        """Value objects and the other classes their fields are made of, once per pair."""
        classes = {kind.name: kind for kind in (*self.value_objects, *self.enumerations)}
        for owner in self.value_objects:
            used = dict.fromkeys(element_of(field.type) for field in owner.fields)
            yield from ((owner, classes[name]) for name in used if name in classes and name != owner.name)


def diagram(aggregate: Aggregate) -> Diagram:
    """Also of an aggregate that is still growing; a value object of its own may stand for another aggregate."""
    message = aggregate.message
    register = Register([aggregate.name])
    targets = [reference.target for reference in aggregate.references]
    ids = {target.path: register.take(f"{target.name}Id") for target in targets}
    kept = {target.message.name: (ids[target.path], target.name) for target in targets}
    own = {kind.name: kind for kind in message.value_objects}
    drawn = {name: own.pop(name) for name in ids.values() if name in own}
    types = {name: name for name in ids.values()}
    for kind in (*own.values(), *message.enumerations):
        types[kind.name] = register.take(class_name(kind.name, otherwise="Type"))
    values = [
        _class(f"{aggregate.path}/value-object/{place}", kind, types, kept)
        for place, kind in enumerate(own.values(), start=1)
    ]
    references = [_reference(target, ids[target.path], drawn, types, aggregate) for target in targets]
    enumerations = [
        _class(f"{aggregate.path}/enumeration/{place}", kind, types)
        for place, kind in enumerate(message.enumerations, start=1)
    ]
    return Diagram(
        types=types,
        fields=_root_fields(aggregate, types, ids),
        value_objects=[*values, *references],
        enumerations=enumerations,
    )


_Kept = Mapping[str, tuple[str, str]]
"""Name of an aggregate in the model → the class of its identity, and its name."""


def _class(path: str, kind: Any, types: Mapping[str, str], kept: _Kept = {}) -> Class:  # noqa: B006  # read only
    """Of a value object, an entity or an enumeration."""
    members = getattr(kind, "fields", ())
    return Class(
        path=path,
        name=types[kind.name],
        trace=plain(kind.name),
        alias=plain(kind.alias),
        is_entity=getattr(kind, "is_entity", False),
        refs=tuple(kind.ranges),
        fields=tuple(
            _referring(field, *kept[message.references]) if message.references in kept else field
            for field, message in zip(fields(members, types), members, strict=True)
        ),
        items=tuple(getattr(kind, "items", ())),
    )


def _reference(
    target: Aggregate,
    name: str,
    drawn: Mapping[str, model_pb2.ValueObject],
    types: Mapping[str, str],
    aggregate: Aggregate,
) -> Class:
    """The value object that stands for another aggregate; the model may have drawn its own already."""
    own = drawn.get(name, model_pb2.ValueObject())
    key = replace(_key_of(target), is_key=True, reference=target.name)
    others = (field for field in fields(own.fields, types) if field.name.lower() != key.name.lower())
    return Class(
        path=f"{aggregate.path}/reference/{target.path}",
        name=name,
        trace=name,
        alias=plain(own.alias) if name in drawn else target.alias,
        refs=tuple(own.ranges),
        fields=(key, *others),
    )


def _key_of(aggregate: Aggregate) -> Field:
    """The first key of an aggregate as others refer to it: always of a built-in type."""
    key = next(field for field in keyed(fields(aggregate.message.fields, {})) if field.is_key)
    return replace(key, type=key.type if key.type in BUILT_IN else "String", refs=())


def _root_fields(aggregate: Aggregate, types: Mapping[str, str], ids: Mapping[str, str]) -> list[Field]:
    """A reference is the fields that keep it, each in its role; where the model names none, one more of our own."""
    known = {field.name.lower(): field for field in fields(aggregate.message.fields, types)}
    traced = {field.trace: field.name for field in known.values()}
    register = Register()
    for reference in aggregate.references:
        target = reference.target
        own = [traced[plain(role)] for role in reference.roles]
        for name in own or [register.take(field_name(f"{camel(target.name)}Id"))]:
            old = known.get(name.lower()) or Field(name=name, trace=name, type="")
            known[name.lower()] = _referring(old, ids[target.path], target.name)
    return keyed(list(known.values()))


def _referring(field: Field, identity: str, target: str) -> Field:
    """Two roles of one target share the class of its identity."""
    return replace(field, type=listed(identity, field.type), reference=target)
