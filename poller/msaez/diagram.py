"""The class diagram inside an aggregate: root, value objects, enumerations, and what refers to other aggregates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from eventstorming.v1 import model_pb2

from poller.msaez.fields import BUILT_IN, DEFAULT_KEY, Field, fields, keyed
from poller.resolved import Aggregate
from poller.resolved.names import Register, camel, class_name, field_name, plain

_DEFAULT_MEMBER = Field(name="value", trace="value", type="String")
_DEFAULT_ITEM = model_pb2.EnumerationItem(value="UNDEFINED")


@dataclass(slots=True, kw_only=True)
class ValueObject:
    path: str
    name: str
    trace: str
    alias: str
    fields: list[Field]
    refs: tuple[model_pb2.SourceRange, ...]


@dataclass(slots=True, kw_only=True)
class Enumeration:
    path: str
    name: str
    message: model_pb2.Enumeration
    items: list[model_pb2.EnumerationItem]


@dataclass(slots=True, kw_only=True)
class Diagram:
    """Classes of one aggregate, names unique among them, every type of a field known."""

    types: dict[str, str]  # name in the model → class name
    fields: list[Field]  # of the root
    value_objects: list[ValueObject]
    enumerations: list[Enumeration]

    def links(self) -> Iterator[tuple[ValueObject, ValueObject | Enumeration]]:
        """Value objects and the other classes their fields are made of, once per pair."""
        kinds: list[ValueObject | Enumeration] = [*self.value_objects, *self.enumerations]
        classes = {kind.name: kind for kind in kinds}
        for owner in self.value_objects:
            used = dict.fromkeys(_element(field.type) for field in owner.fields)
            yield from ((owner, classes[name]) for name in used if name in classes and name != owner.name)


def _element(type_name: str) -> str:
    return type_name.removeprefix("List<").removesuffix(">")


def diagram(aggregate: Aggregate) -> Diagram:
    """Complete whatever is still missing: a key, a member per value object, an item per enumeration."""
    message = aggregate.message
    register = Register([aggregate.name])
    ids = {target.path: register.take(f"{target.name}Id") for target in _targets(aggregate)}
    own = {kind.name: kind for kind in message.value_objects}
    replaced = {name: own.pop(name) for name in ids.values() if name in own}
    kinds = [*own.values(), *message.enumerations]
    types = {name: name for name in ids.values()}
    types |= {kind.name: register.take(class_name(kind.name, otherwise="Type")) for kind in kinds}
    values = [
        _value_object(place, kind, types, aggregate) for place, kind in enumerate(own.values(), start=1)
    ]
    values += [
        _reference(target, ids[target.path], replaced.get(ids[target.path]), types, aggregate)
        for target in _targets(aggregate)
    ]
    return Diagram(
        types=types,
        fields=_root_fields(aggregate, types, ids),
        value_objects=values,
        enumerations=[
            _enumeration(place, kind, types, aggregate)
            for place, kind in enumerate(message.enumerations, start=1)
        ],
    )


def _targets(aggregate: Aggregate) -> list[Aggregate]:
    return [reference.target for reference in aggregate.references]


def _root_fields(aggregate: Aggregate, types: dict[str, str], ids: dict[str, str]) -> list[Field]:
    known = {field.name.lower(): field for field in fields(aggregate.message.fields, types)}
    register = Register()
    for target in _targets(aggregate):
        name = register.take(field_name(f"{camel(target.name)}Id"))
        old = known.get(name.lower()) or Field(name=name, trace=name, type="")
        known[name.lower()] = replace(old, type=ids[target.path], reference=target.name)
    return keyed(list(known.values()))


def key_of(aggregate: Aggregate) -> Field:
    """The first key of an aggregate as others refer to it: always of a built-in type."""
    own = fields(aggregate.message.fields, {})
    key = next((field for field in keyed(own) if field.is_key), DEFAULT_KEY)
    return replace(key, type=key.type if key.type in BUILT_IN.values() else "String", refs=())


def _value_object(
    place: int, kind: model_pb2.ValueObject, types: dict[str, str], aggregate: Aggregate
) -> ValueObject:
    return ValueObject(
        path=f"{aggregate.path}/value-object/{place}",
        name=types[kind.name],
        trace=plain(kind.name),
        alias=plain(kind.alias),
        fields=fields(kind.fields, types) or [_DEFAULT_MEMBER],
        refs=tuple(kind.ranges),
    )


def _reference(
    target: Aggregate,
    name: str,
    own: model_pb2.ValueObject | None,
    types: dict[str, str],
    aggregate: Aggregate,
) -> ValueObject:
    """The value object that stands for another aggregate; the model may have drawn its own already."""
    key = replace(key_of(target), is_key=True, reference=target.name)
    others = fields(own.fields, types) if own else []
    return ValueObject(
        path=f"{aggregate.path}/reference/{target.path}",
        name=name,
        trace=name,
        alias=plain(own.alias) if own else target.alias,
        fields=[key, *(field for field in others if field.name.lower() != key.name.lower())],
        refs=tuple(own.ranges) if own else (),
    )


def _enumeration(
    place: int, kind: model_pb2.Enumeration, types: dict[str, str], aggregate: Aggregate
) -> Enumeration:
    items = {item.value: item for item in kind.items if item.value.strip()}
    return Enumeration(
        path=f"{aggregate.path}/enumeration/{place}",
        name=types[kind.name],
        message=kind,
        items=list(items.values()) or [_DEFAULT_ITEM],
    )
