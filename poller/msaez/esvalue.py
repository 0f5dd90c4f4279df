"""The typed model as the stickers and lines of the canvas (`esValue`).

Pure and deterministic: the same model gives the same value, ids included, so it may run in a worker thread and
be compared with what was published before. A model that is still growing gives a value that can be drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from eventstorming.v1 import model_pb2

from poller.msaez.classes import entities
from poller.msaez.constants import (
    RELATION_STYLE,
    TYPE,
    VIEW_KEY,
    constants,
    hexagon_constants,
    view_constants,
)
from poller.msaez.descriptions import Descriptions
from poller.msaez.diagram import Diagram, diagram
from poller.msaez.encoding import Json
from poller.msaez.fields import (
    BUILT_IN,
    aggregate_descriptor,
    descriptor,
    element_of,
    fields,
    listed,
    source_refs,
)
from poller.msaez.identities import Identities, role_of
from poller.msaez.layout import Box, boxes
from poller.msaez.scenarios import examples
from poller.msaez.screens import shown_html
from poller.resolved import Aggregate, Context, Crossing, Member, Node, Policy, Resolved, resolve
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
    gone: frozenset[str] = frozenset()
    """Lines shown earlier that a finished model no longer has."""

    def as_json(self) -> dict[str, Json]:
        """As the schema describes it and the database stores it, before encoding."""
        return {"elements": self.elements, "relations": self.relations}


def project(
    model: model_pb2.EventStormingModel,
    *,
    job_id: str,
    user_id: str,
    project_id: str,
    identities: Identities | None = None,
) -> EsValue:
    """Everything the canvas draws of this model. `user_id` signs the stickers, `project_id` owns the contexts.

    `identities` know what the job had shown already.
    """
    found = resolve(model)
    known = identities or Identities(job_id)
    page = _Page(
        identities=known,
        author=user_id,
        project_id=project_id,
        boxes=boxes(found),
        actors={system.name: plain(system.alias) for system in model.external_systems}
        | {actor.name: plain(actor.alias) for actor in model.actors},
        descriptions=Descriptions(found),
        _ids=known.stickers(found),
    )
    diagrams = [(aggregate, diagram(aggregate)) for aggregate in found.aggregates]
    elements = [
        *(_context(context, page) for context in found.contexts),
        *(_aggregate(aggregate, classes, page) for aggregate, classes in diagrams),
        *(member for aggregate, classes in diagrams for member in _members(aggregate, classes, page)),
    ]
    return EsValue(
        elements={element["id"]: element for element in elements},
        relations={relation["id"]: relation for relation in _relations(found, page)},
    )


@dataclass(slots=True)
class _Page:
    """What every sticker of one job shares."""

    identities: Identities
    author: str
    project_id: str
    boxes: dict[str, Box]
    actors: dict[str, str]  # role → alias
    descriptions: Descriptions
    _ids: dict[str, str]

    def id(self, path: str) -> str:
        if path not in self._ids:
            self._ids[path] = self.identities.made(path)
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
        description=page.descriptions.aggregate(aggregate),
        boundedContext={"id": context, "name": context},
        aggregateRoot={
            "_type": TYPE + "AggregateRoot",
            "fieldDescriptors": [aggregate_descriptor(field) for field in classes.fields],
            "operations": [],
            "entities": entities(aggregate, classes, page.id),
        },
        refs=source_refs(aggregate.message.ranges),
    )


def _members(aggregate: Aggregate, classes: Diagram, page: _Page) -> Iterator[dict[str, Json]]:
    for event in aggregate.events:
        yield _event(event, classes, page)
    for command in aggregate.commands:
        yield _command(command, classes, page)
    for view in aggregate.read_models:
        yield _view(view, classes, page)
    for policy in aggregate.crossing:
        yield _policy(policy, page)
    for member, owners in (("command", aggregate.commands), ("readModel", aggregate.read_models)):
        for owner in owners:
            yield _screen(owner, member, page)
            if role_of(owner):
                yield _actor(owner, page)


def _descriptors(messages: list[model_pb2.Field], classes: Diagram) -> list[Json]:
    return [descriptor(field) for field in fields(messages, classes.types)]


def _event(event: Member, classes: Diagram, page: _Page) -> dict[str, Json]:
    return page.member(
        "Event",
        event,
        description=page.descriptions.member(event),
        fieldDescriptors=_descriptors(event.message.fields, classes),
    )


def _command(command: Member, classes: Diagram, page: _Page) -> dict[str, Json]:
    method = _METHODS.get(command.message.kind, "POST")
    return page.member(
        "Command",
        command,
        description=page.descriptions.command(command),
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
        description=page.descriptions.member(view),
        fieldDescriptors=[VIEW_KEY, *_columns(view, classes)],
        queryParameters=_descriptors(view.message.parameters, classes),
        queryOption={"apiPath": "", "useDefaultUri": True, "multipleResult": view.message.multiple},
    )


def _columns(view: Member, classes: Diagram) -> Iterator[dict[str, Json]]:
    """Beside the key of the view, under types that its aggregate knows: columns may come from anywhere."""
    known = {*classes.types.values(), *BUILT_IN}
    for column in fields(view.message.columns, classes.types, taken=[VIEW_KEY["name"]]):
        if column.trace != VIEW_KEY["name"]:
            of_others = element_of(column.type) not in known
            shown = replace(
                column, is_key=False, type=listed("String", column.type) if of_others else column.type
            )
            yield descriptor(shown)


def _policy(policy: Crossing, page: _Page) -> dict[str, Json]:
    return page.member(
        "Policy",
        policy,
        description=page.descriptions.policy(policy),
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
    role = role_of(owner)
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
        for policy in aggregate.crossing:
            yield policy.trigger, policy
            yield from ((policy, event) for event in policy.results)


def _relations(found: Resolved, page: _Page) -> Iterator[dict[str, Json]]:
    lines = {
        f"relation/{source.path}>{target.path}": (page.id(source.path), page.id(target.path))
        for source, target in _lines(found)
    }
    ids = page.identities.lines((path, *ends) for path, ends in lines.items())
    return (_relation(ids[path], *ends) for path, ends in lines.items())


def _relation(identity: str, start: str, end: str) -> dict[str, Json]:
    ends = {"id": identity, "from": start, "to": end}
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
