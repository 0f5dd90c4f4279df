"""The class diagram of an aggregate as the class editor reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from poller.msaez.constants import (
    CLASS_LEFT,
    CLASS_STEP,
    RELATION_STYLE,
    UML,
    class_view_constants,
    constants,
)
from poller.msaez.diagram import Class, Diagram
from poller.msaez.encoding import Json
from poller.msaez.fields import root_descriptor, source_refs, value_descriptor
from poller.resolved import Aggregate
from poller.resolved.names import camel, pascal, plain, plural

Identify = Callable[[str], str]


def entities(aggregate: Aggregate, classes: Diagram, identify: Identify) -> dict[str, Json]:
    """Classes and the lines between them, by id."""
    drawn = {f"{aggregate.path}/root": _root(aggregate, classes, identify)}
    for kind, is_entity in (("value object", False), ("entity", True)):
        alike = (value for value in classes.value_objects if value.is_entity is is_entity)
        for place, value in enumerate(alike):
            descriptors = [value_descriptor(field) for field in value.fields]
            drawn[value.path] = _class(kind, value, place, identify, fieldDescriptors=descriptors)
    for place, enumeration in enumerate(classes.enumerations):
        items = [
            {"value": plain(item.value), "traceName": plain(item.value), "refs": source_refs(item.ranges)}
            for item in enumeration.items
        ]
        drawn[enumeration.path] = _class("enumeration", enumeration, place, identify, items=items)
    lines = [
        _line(drawn[source.path], drawn[target.path], identify(f"relation/{source.path}>{target.path}"))
        for source, target in classes.links()
    ]
    return {"elements": _by_id(drawn.values()), "relations": _by_id(lines)}


def _by_id(things: Iterable[dict[str, Json]]) -> dict[str, Json]:
    return {thing["id"]: thing for thing in things}


def _root(aggregate: Aggregate, classes: Diagram, identify: Identify) -> dict[str, Json]:
    root = Class(
        path=f"{aggregate.path}/root",
        name=aggregate.name,
        trace=plain(aggregate.message.name),
        alias=aggregate.alias,
        refs=tuple(aggregate.message.ranges),
    )
    descriptors = [root_descriptor(field) for field in classes.fields]
    return _class(
        "root", root, None, identify, parentId=identify(aggregate.path), fieldDescriptors=descriptors
    )


def _class(kind: str, drawn: Class, place: int | None, identify: Identify, **own: Json) -> dict[str, Json]:
    """`place` counts from the left; the root has a place of its own."""
    identity = identify(drawn.path)
    left = {} if place is None else {"x": CLASS_LEFT + CLASS_STEP * place}
    return constants(kind) | {
        "id": identity,
        "name": drawn.name,
        "traceName": drawn.trace,
        "displayName": drawn.alias,
        "namePascalCase": pascal(drawn.name),
        "namePlural": plural(drawn.name),
        "nameCamelCase": camel(drawn.name),
        "relations": [],
        "selected": False,
        "refs": source_refs(drawn.refs),
        "elementView": {"id": identity} | class_view_constants(kind) | left,
        **own,
    }


def _line(source: dict[str, Json], target: dict[str, Json], identity: str) -> dict[str, Json]:
    """A line between two classes; both list it, and it carries copies of both for the editor."""
    source["relations"].append(identity)
    target["relations"].append(identity)
    ends = {"id": identity, "from": source["id"], "to": target["id"]}
    return {
        "_type": UML + "Relation",
        "name": target["name"],
        "displayName": "",
        **ends,
        "sourceElement": _copy(source),
        "targetElement": _copy(target),
        "selected": False,
        "relationType": "Realization",
        "sourceMultiplicity": "1",
        "targetMultiplicity": "1",
        "fromLabel": "",
        "toLabel": "",
        "relationView": {**ends, "needReconnect": True, "value": "[]", "style": RELATION_STYLE},
    }


def _copy(drawn: dict[str, Json]) -> dict[str, Json]:
    members = ("_type", "id", "name", "displayName")
    return {member: drawn[member] for member in members} | {"elementView": dict(drawn["elementView"])}
