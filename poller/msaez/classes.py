"""The class diagram of an aggregate as the class editor reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from poller.msaez.constants import (
    CLASS_LEFT,
    CLASS_STEP,
    RELATION_STYLE,
    class_constants,
    class_view_constants,
)
from poller.msaez.diagram import Diagram, Enumeration, ValueObject
from poller.msaez.encoding import Json
from poller.msaez.fields import root_descriptor, source_refs, value_descriptor
from poller.resolved import Aggregate
from poller.resolved.names import camel, pascal, plain, plural

Identify = Callable[[str], str]


def entities(aggregate: Aggregate, classes: Diagram, identify: Identify) -> dict[str, Json]:
    """Classes and the lines between them, by id."""
    drawn = {f"{aggregate.path}/root": _root(aggregate, classes, identify)}
    for place, value in enumerate(classes.value_objects):
        drawn[value.path] = _value_object(place, value, identify)
    for place, kind in enumerate(classes.enumerations):
        drawn[kind.path] = _enumeration(place, kind, identify)
    lines = [
        _line(drawn[source.path], drawn[target.path], identify(f"relation/{source.path}>{target.path}"))
        for source, target in classes.links()
    ]
    return {"elements": _by_id(drawn.values()), "relations": _by_id(lines)}


def _by_id(things: Iterable[dict[str, Json]]) -> dict[str, Json]:
    return {thing["id"]: thing for thing in things}


def _class(kind: str, path: str, name: str, trace: str, identify: Identify) -> dict[str, Json]:
    identity = identify(path)
    return class_constants(kind) | {
        "id": identity,
        "name": name,
        "traceName": trace,
        "displayName": "",
        "namePascalCase": pascal(name),
        "namePlural": plural(name),
        "nameCamelCase": camel(name),
        "relations": [],
        "selected": False,
        "elementView": {"id": identity} | class_view_constants(kind),
    }


def _root(aggregate: Aggregate, classes: Diagram, identify: Identify) -> dict[str, Json]:
    trace = plain(aggregate.message.name)
    return _class("root", f"{aggregate.path}/root", aggregate.name, trace, identify) | {
        "displayName": aggregate.alias,
        "parentId": identify(aggregate.path),
        "fieldDescriptors": [root_descriptor(field) for field in classes.fields],
        "refs": source_refs(aggregate.message.ranges),
    }


def _value_object(place: int, value: ValueObject, identify: Identify) -> dict[str, Json]:
    drawn = _class("value object", value.path, value.name, value.trace, identify) | {
        "displayName": value.alias,
        "fieldDescriptors": [value_descriptor(field) for field in value.fields],
        "refs": source_refs(value.refs),
    }
    drawn["elementView"]["x"] = CLASS_LEFT + CLASS_STEP * place
    return drawn


def _enumeration(place: int, kind: Enumeration, identify: Identify) -> dict[str, Json]:
    drawn = _class("enumeration", kind.path, kind.name, plain(kind.message.name), identify) | {
        "displayName": plain(kind.message.alias),
        "items": [
            {"value": plain(i.value), "traceName": plain(i.value), "refs": source_refs(i.ranges)}
            for i in kind.items
        ],
        "refs": source_refs(kind.message.ranges),
    }
    drawn["elementView"]["x"] = CLASS_LEFT + CLASS_STEP * place
    return drawn


def _line(source: dict[str, Json], target: dict[str, Json], identity: str) -> dict[str, Json]:
    """A line between two classes; both list it, and it carries copies of both for the editor."""
    source["relations"].append(identity)
    target["relations"].append(identity)
    ends = {"id": identity, "from": source["id"], "to": target["id"]}
    return {
        "_type": "org.uengine.uml.model.Relation",
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
