"""Checks on names, types and examples (8 to 11, 14)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from eventstorming.v1 import job_pb2

from poller.msaez.canvas import (
    CONTAINED,
    Canvas,
    Problems,
    classes,
    diagram_fields,
    entries,
    is_root,
    link,
    members,
    own_fields,
    text,
    texts,
    twice,
)
from poller.msaez.encoding import Json
from poller.resolved.names import camel, field_name

_BUILT_IN_NAMES = """
    String Long Integer Double BigDecimal Boolean Date Float Short Byte Character Object UUID BigInteger
    LocalDate LocalDateTime LocalTime List Set Map Collection int long double float boolean short byte char
"""
_BUILT_IN = frozenset(_BUILT_IN_NAMES.split())
_TYPE_NAME = re.compile(r"[^\W\d][\w.]*")
_REQUESTED = {"Command": "required_commands", "Event": "required_events", "View": "required_read_models"}


def requests_are_met(canvas: Canvas) -> Problems:
    """8: every requested name and attribute is present, literally or as the name it was traced from."""
    contexts = canvas.inputs.draft.contexts if canvas.inputs else ()
    for kind, member in _REQUESTED.items():
        present = {name for _, element in canvas.of(kind) for name in _known_as(element)}
        for context in contexts:
            for name in getattr(context, member):
                if name not in present:
                    yield f"The requested {kind.lower()} {name} of {context.name} is missing."
    for context in contexts:
        for aggregate in context.aggregates:
            yield from _attributes_are_met(canvas, aggregate)


def _known_as(element: dict[str, Json]) -> set[str]:
    return {_named(element), text(element.get("traceName"))}


def _attributes_are_met(canvas: Canvas, wanted: job_pb2.DraftAggregate) -> Problems:
    found = next((k for k, element in canvas.of("Aggregate") if wanted.name in _known_as(element)), "")
    fields = diagram_fields(canvas.elements[found]) if found else iter(())
    present = {_attribute(name) for field in fields for name in _known_as(field)}
    for name in wanted.required_attributes:
        if _attribute(name) not in present:
            yield f"The requested attribute {name} of {wanted.name} is missing."


def _attribute(name: str) -> str:
    return camel(field_name(name)).lower()


def names_are_unique(canvas: Canvas) -> Problems:
    """9: per kind in the model, by name and by alias; classes in their diagram."""
    for kind in ("Aggregate", *CONTAINED):
        members = ("name",) if kind == "Aggregate" else ("name", "displayName")
        for member in members:
            yield from _repeated(canvas, canvas.of(kind), member)
    for key, aggregate in canvas.of("Aggregate"):
        for name in twice(map(_named, classes(aggregate).values())):
            yield f"{canvas.called(key)} has more than one class {name}."


def _repeated(canvas: Canvas, elements: list[tuple[str, dict[str, Json]]], member: str) -> Problems:
    shown = {key: "".join(text(element.get(member)).split()) for key, element in elements}
    repeated = twice(shown.values()) - {""}
    for key, name in shown.items():
        if name in repeated:
            yield f"{canvas.called(key)}: another one has the same {member} {name}."


def roots_mirror(canvas: Canvas) -> Problems:
    """10: one root class per aggregate, with its name and its fields."""
    for key, aggregate in canvas.of("Aggregate"):
        roots = [kind for kind in classes(aggregate).values() if is_root(kind)]
        if len(roots) != 1:
            yield f"{canvas.called(key)} has {len(roots)} root classes instead of one."
        for root in roots[:1]:
            if root.get("name") != aggregate.get("name"):
                yield f"The root class of {canvas.called(key)} has another name."
            if _signature(root) != _signature(aggregate):
                yield f"The root class of {canvas.called(key)} has other fields."


def _signature(element: dict[str, Json]) -> list[str]:
    shown = ("name", "className", "isKey")
    return sorted(repr([field.get(member) for member in shown]) for field in own_fields(element))


def types_are_known(canvas: Canvas) -> Problems:
    """11: a type is built in or a class of the same diagram."""
    for key, aggregate in canvas.of("Aggregate"):
        yield from _unknown_types(canvas, key, aggregate, diagram_fields(aggregate))
    for key, element in canvas.of(*CONTAINED):
        owner = canvas.elements.get(link(element, "aggregate"), {})
        fields = own_fields(element) + entries(element.get("queryParameters"))
        yield from _unknown_types(canvas, key, owner, fields)


def _unknown_types(
    canvas: Canvas, key: str, aggregate: dict[str, Json], fields: Iterable[dict[str, Json]]
) -> Problems:
    known = {*map(_named, classes(aggregate).values()), *_BUILT_IN}
    written = (name for field in fields for name in _TYPE_NAME.findall(text(field.get("className"))))
    used = {name.rpartition(".")[2] for name in written}
    for name in sorted(used - known):
        yield f"{canvas.called(key)} uses the type {name}, which its aggregate does not have."


def examples_fit(canvas: Canvas) -> Problems:
    """14: scenarios speak of the command, its aggregate and its events, with a value for each field."""
    events = {canvas.name(key): element for key, element in canvas.of("Event")}
    for key, command in canvas.of("Command"):
        aggregate = canvas.elements.get(link(command, "aggregate"), {})
        emitted = {name: events[name] for name in texts(command.get("outputEvents")) if name in events}
        cast = {"given": {_named(aggregate): aggregate}, "when": {_named(command): command}, "then": emitted}
        for example in entries(command.get("examples")):
            for clause, own in cast.items():
                for fault in (
                    fault for entry in entries(example.get(clause)) for fault in _faults(entry, own)
                ):
                    yield f"{canvas.called(key)}: '{clause}' {fault}."


def _faults(entry: dict[str, Json], own: dict[str, dict[str, Json]]) -> Iterator[str]:
    """`own` is who may appear in this clause, by name."""
    if _named(entry) not in own:
        yield f"of an example names {_named(entry)}, which is none of its own"
    elif missing := set(map(_named, own_fields(own[_named(entry)]))) - set(members(entry.get("value"))):
        yield f"gives no value for {', '.join(sorted(missing))}"


def _named(element: dict[str, Json]) -> str:
    return text(element.get("name"))
