"""The class diagram inside an aggregate: root, value objects, enumerations, and what refers to other aggregates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from eventstorming.v1 import model_pb2

from poller.msaez.fields import BUILT_IN, Field, fields, keyed
from poller.resolved import Aggregate
from poller.resolved.names import Register, camel, class_name, field_name, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """A value object or an enumeration; the one has fields, the other items."""

    path: str
    name: str
    trace: str
    alias: str
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
            used = dict.fromkeys(field.type.removeprefix("List<").removesuffix(">") for field in owner.fields)
            yield from ((owner, classes[name]) for name in used if name in classes and name != owner.name)


def diagram(aggregate: Aggregate) -> Diagram:
    """Also of an aggregate that is still growing; a value object of its own may stand for another aggregate."""
    message = aggregate.message
    register = Register([aggregate.name])
    targets = [reference.target for reference in aggregate.references]
    ids = {target.path: register.take(f"{target.name}Id") for target in targets}
    own = {kind.name: kind for kind in message.value_objects}
    drawn = {name: own.pop(name) for name in ids.values() if name in own}
    types = {name: name for name in ids.values()}
    for kind in (*own.values(), *message.enumerations):
        types[kind.name] = register.take(class_name(kind.name, otherwise="Type"))
    values = [
        _class(f"{aggregate.path}/value-object/{place}", kind, types)
        for place, kind in enumerate(own.values(), start=1)
    ]
    references = [_reference(target, ids[target.path], drawn, types, aggregate) for target in targets]
    enumerations = [
        _class(f"{aggregate.path}/enumeration/{place}", kind, types)
        for place, kind in enumerate(message.enumerations, start=1)
    ]
    return Diagram(
        types=types,
        fields=_root_fields(aggregate, targets, types, ids),
        value_objects=[*values, *references],
        enumerations=enumerations,
    )


def _class(path: str, kind: Any, types: Mapping[str, str]) -> Class:
    """Of a value object or an enumeration."""
    return Class(
        path=path,
        name=types[kind.name],
        trace=plain(kind.name),
        alias=plain(kind.alias),
        refs=tuple(kind.ranges),
        fields=tuple(fields(getattr(kind, "fields", ()), types)),
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


def _root_fields(
    aggregate: Aggregate, targets: list[Aggregate], types: Mapping[str, str], ids: Mapping[str, str]
) -> list[Field]:
    known = {field.name.lower(): field for field in fields(aggregate.message.fields, types)}
    register = Register()
    for target in targets:
        name = register.take(field_name(f"{camel(target.name)}Id"))
        old = known.get(name.lower()) or Field(name=name, trace=name, type="")
        known[name.lower()] = replace(old, type=ids[target.path], reference=target.name)
    return keyed(list(known.values()))
