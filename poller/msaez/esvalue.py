"""The typed model as the stickers and lines of the canvas (`esValue`).

Pure and deterministic: the same model gives the same value, ids included, so it may run in a worker thread and
be compared with what was published before. A model that is still growing gives a value that can be drawn.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from eventstorming.v1 import model_pb2

from poller.msaez.classes import entities
from poller.msaez.constants import (
    RELATION_STYLE,
    TYPE,
    constants,
    hexagon_constants,
    view_constants,
)
from poller.msaez.diagram import Diagram, diagram
from poller.msaez.encoding import Json
from poller.msaez.fields import aggregate_descriptor, descriptor, fields, source_refs
from poller.msaez.layout import Box, boxes
from poller.msaez.scenarios import examples, told
from poller.msaez.screens import shown_html
from poller.resolved import Aggregate, Context, Member, Node, Policy, Resolved, resolve
from poller.resolved.names import camel, pascal, plain, plural

FIRST_PORT = 8080
_METHODS = {
    model_pb2.COMMAND_KIND_CREATE: "POST",
    model_pb2.COMMAND_KIND_UPDATE: "PUT",
    model_pb2.COMMAND_KIND_DELETE: "DELETE",
}


@dataclass(frozen=True, slots=True)
class EsValue:
    """Stickers and lines by id, decoded. Contexts come first, then aggregates, then the rest."""

    elements: dict[str, dict[str, Json]]
    relations: dict[str, dict[str, Json]]

    def as_json(self) -> dict[str, Json]:
        """As the schema describes it and the database stores it, before encoding."""
        return {"elements": self.elements, "relations": self.relations}


def project(model: model_pb2.EventStormingModel, *, job_id: str, user_id: str, project_id: str) -> EsValue:
    """Everything the canvas draws of this model. `user_id` signs the stickers, `project_id` owns the contexts."""
    found = resolve(model)
    page = _Page(
        namespace=_namespace(job_id),
        author=user_id,
        project_id=project_id,
        boxes=boxes(found),
        actors={actor.name: plain(actor.alias) for actor in model.actors},
        korean=found.korean,
    )
    diagrams = [(aggregate, diagram(aggregate)) for aggregate in found.aggregates]
    elements = [
        *(_context(context, page) for context in found.contexts),
        *(_aggregate(aggregate, classes, page) for aggregate, classes in diagrams),
        *(member for aggregate, classes in diagrams for member in _members(aggregate, classes, page)),
    ]
    relations = [_relation(source, target, page) for source, target in _lines(found)]
    return EsValue(
        elements={element["id"]: element for element in elements},
        relations={relation["id"]: relation for relation in relations},
    )


def _namespace(job_id: str) -> uuid.UUID:
    try:
        return uuid.UUID(job_id)
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_OID, job_id)


@dataclass(slots=True)
class _Page:
    """What every sticker of one job shares."""

    namespace: uuid.UUID
    author: str
    project_id: str
    boxes: dict[str, Box]
    actors: dict[str, str]  # role → alias
    korean: bool
    _ids: dict[str, str] = field(default_factory=dict)

    def id(self, path: str) -> str:
        if path not in self._ids:
            self._ids[path] = str(uuid.uuid5(self.namespace, path))
        return self._ids[path]

    def link(self, path: str) -> dict[str, Json]:
        return {"id": self.id(path)}

    def element(self, kind: str, node: Node, **particular: Json) -> dict[str, Json]:
        """A sticker with everything all kinds have in common; `particular` members win."""
        common = {
            "_type": TYPE + kind,
            "id": self.id(node.path),
            "name": node.name,
            "traceName": plain(node.message.name),
            "oldName": "",
            "displayName": node.alias,
            "namePascalCase": pascal(node.name),
            "namePlural": plural(node.name),
            "nameCamelCase": camel(node.name),
            "description": None,
            "author": self.author,
            "rotateStatus": False,
            "selected": False,
        }
        return common | constants(kind) | particular | self._views(kind, node.path)

    def member(self, kind: str, node: Member | Policy, **particular: Json) -> dict[str, Json]:
        """A sticker that belongs to an aggregate."""
        members = {
            "description": plain(getattr(node.message, "description", "")) or None,
            "boundedContext": self.link(node.aggregate.context.path),
            "aggregate": self.link(node.aggregate.path),
            "refs": source_refs(node.message.ranges),
        }
        return self.element(kind, node, **(members | particular))

    def _views(self, kind: str, path: str) -> dict[str, Json]:
        box, identity, hexagon = self.boxes[path], self.id(path), hexagon_constants(kind)
        place = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
        views: dict[str, Json] = {
            "elementView": {"_type": TYPE + kind, "id": identity} | place | view_constants(kind)
        }
        if hexagon is not None:
            views["hexagonalView"] = {"_type": f"{TYPE}{kind}Hexagonal", "id": identity} | hexagon
        return views


def _context(context: Context, page: _Page) -> dict[str, Json]:
    return page.element(
        "BoundedContext",
        context,
        description=plain(context.message.description) or None,
        definitionId=page.project_id,
        portGenerated=FIRST_PORT - 1 + context.number,
        aggregates=[page.link(aggregate.path) for aggregate in context.aggregates],
    )


def _aggregate(aggregate: Aggregate, classes: Diagram, page: _Page) -> dict[str, Json]:
    context = page.id(aggregate.context.path)
    return page.element(
        "Aggregate",
        aggregate,
        description=_described(aggregate),
        boundedContext={"id": context, "name": context},
        aggregateRoot={
            "_type": TYPE + "AggregateRoot",
            "fieldDescriptors": [aggregate_descriptor(field) for field in classes.fields],
            "operations": [],
            "entities": entities(aggregate, classes, page.id),
        },
        refs=source_refs(aggregate.message.ranges),
    )


def _described(aggregate: Aggregate) -> str | None:
    """Responsibility, then the rules that always hold, one a line."""
    rules = [f"- {rule}" for rule in aggregate.message.invariants]
    return plain("\n".join(filter(None, [aggregate.message.description, *rules]))) or None


def _members(aggregate: Aggregate, classes: Diagram, page: _Page) -> Iterator[dict[str, Json]]:
    for event in aggregate.events:
        yield page.member("Event", event, fieldDescriptors=_descriptors(event.message.fields, classes))
    for command in aggregate.commands:
        yield _command(command, classes, page)
    for view in aggregate.read_models:
        yield _view(view, classes, page)
    for policy in aggregate.policies:
        yield _policy(policy, page)
    for member, owners in (("command", aggregate.commands), ("readModel", aggregate.read_models)):
        for owner in owners:
            yield _screen(owner, member, page)
            if owner.message.actor.strip():
                yield _actor(owner, page)


def _descriptors(messages: list[model_pb2.Field], classes: Diagram) -> list[Json]:
    return [descriptor(field) for field in fields(messages, classes.types)]


def _command(command: Member, classes: Diagram, page: _Page) -> dict[str, Json]:
    method = _METHODS.get(command.message.kind, "POST")
    return page.member(
        "Command",
        command,
        description=told(command, korean=page.korean),
        controllerInfo={"apiPath": command.name.lower(), "method": method, "fullApiPath": ""},
        restRepositoryInfo={"method": method},
        outputEvents=[event.name for event in command.emits],
        fieldDescriptors=_descriptors(command.message.fields, classes),
        examples=examples(command, classes),
    )


def _view(view: Member, classes: Diagram, page: _Page) -> dict[str, Json]:
    return page.member(
        "View",
        view,
        queryParameters=_descriptors(view.message.parameters, classes),
        queryOption={"apiPath": "", "useDefaultUri": True, "multipleResult": view.message.multiple},
    )


def _policy(policy: Policy, page: _Page) -> dict[str, Json]:
    return page.member(
        "Policy",
        policy,
        description=plain(policy.message.reason) or None,
        sourceBoundedContextId=page.id(policy.source.path) if policy.source else "",
    )


def _screen(owner: Member, member: str, page: _Page) -> dict[str, Json]:
    name = f"{owner.name}UI"
    return page.element(
        "UI",
        replace(owner, path=f"{owner.path}/ui", name=name),
        traceName=name,
        displayName=f"{owner.alias} UI" if owner.alias else "",
        description="",
        boundedContext=page.link(owner.aggregate.context.path),
        aggregate=page.link(owner.aggregate.path),
        **({"command": None, "readModel": None} | {member: page.link(owner.path)}),
        runTimeTemplateHtml=shown_html(owner.message.screen.html),
    )


def _actor(owner: Member, page: _Page) -> dict[str, Json]:
    role = plain(owner.message.actor.strip())[:128]
    return page.element(
        "Actor",
        replace(owner, path=f"{owner.path}/actor", name=role),
        traceName=role,
        displayName=page.actors.get(owner.message.actor, ""),
        boundedContext=page.link(owner.aggregate.context.path),
    )


def _lines(found: Resolved) -> Iterator[tuple[Node, Node]]:
    """The four kinds of lines: reference, emits, triggers, leads to."""
    for aggregate in found.aggregates:
        yield from ((aggregate, reference.target) for reference in aggregate.references)
        yield from ((command, event) for command in aggregate.commands for event in command.emits)
        for policy in aggregate.policies:
            yield policy.trigger, policy
            yield from ((policy, event) for event in policy.results)


def _relation(source: Node, target: Node, page: _Page) -> dict[str, Json]:
    identity = page.id(f"relation/{source.path}>{target.path}")
    ends = {"id": identity, "from": page.id(source.path), "to": page.id(target.path)}
    line = {"needReconnect": True, "style": RELATION_STYLE}
    return {
        "_type": TYPE + "Relation",
        "name": "",
        "displayName": "",
        **ends,
        "sourceMultiplicity": "1",
        "targetMultiplicity": "1",
        "relationView": {**ends, **line, "value": "[]"},
        "hexagonalView": {"_type": TYPE + "RelationHexagonal", **ends, **line, "value": None},
    }
