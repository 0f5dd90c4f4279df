"""What hangs on the wall: the stickers of a model by aggregate, and the arrows between them.

Pure values with ids that stay the same while the model grows; where things hang is the layout's affair.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import Any

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.resolved import Aggregate, Context, Member, Node, Place, Resolved, resolve


class Kind(StrEnum):
    """What a sticker stands for; also the CSS class that colours it."""

    ACTOR = "actor"
    SCREEN = "screen"
    COMMAND = "command"
    AGGREGATE = "aggregate"
    EVENT = "event"
    POLICY = "policy"
    READ_MODEL = "readmodel"


class Tie(StrEnum):
    """What an arrow says; references and reads are drawn dashed."""

    EMITS = "emits"
    TRIGGERS = "triggers"
    RESULTS = "results"
    REFERS = "refers"
    READS = "reads"


Range = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sticker:
    """An element on the wall; names and texts as the model has them, not yet escaped."""

    id: str
    kind: Kind
    name: str
    alias: str
    path: Place
    ranges: tuple[Range, ...] = ()
    """Its own source ranges and those of its parts."""
    text: str = ""
    """Which text the ranges count in: empty for the requirements, else the id of a context."""
    owner: str = ""
    """For an actor or a screen: the command or read model it belongs to."""
    lines: tuple[tuple[str, bool], ...] = ()
    """For an aggregate: its fields as `name: Type`, and whether each is a key."""

    @property
    def title(self) -> str:
        return title_of(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """Between the ids of two stickers; the label is why."""

    tie: Tie
    start: str
    end: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """All that hangs; where, the layout says."""

    found: Resolved
    bands: Mapping[str, tuple[Sticker, ...]]
    """The stickers of every aggregate, itself first, by its id."""
    arrows: tuple[Arrow, ...]

    @property
    def stickers(self) -> Iterator[Sticker]:
        return chain.from_iterable(self.bands.values())


def wall_of(model: EventStormingModel) -> Wall:
    """Every element of the model as stickers, contexts and aggregates by ordinal."""
    found = resolve(model)
    actors = {actor.name: (("actors", index), actor.alias) for index, actor in enumerate(model.actors)}
    return Wall(
        found=found,
        bands={id_of(aggregate): tuple(_band(aggregate, actors)) for aggregate in found.aggregates},
        arrows=tuple(_arrows(found)),
    )


def title_of(element: Any) -> str:
    """What people call an element or a sticker."""
    return element.alias.strip() or element.name.strip() or "?"


_LETTERS = {"context": "c", "aggregate": "a", "command": "m", "event": "e", "view": "r", "policy": "p"}
_Actors = Mapping[str, tuple[Place, str]]


def id_of(node: Node) -> str:
    """Short, and fit for any markup: "context/1/aggregate/2" is c1.a2."""
    parts = node.path.split("/")
    return ".".join(_LETTERS[kind] + number for kind, number in zip(parts[::2], parts[1::2], strict=True))


def _band(aggregate: Aggregate, actors: _Actors) -> Iterator[Sticker]:
    fields, context = aggregate.message.fields, aggregate.context
    lines = ((f"{field.name}: {field.type}" if field.type else field.name, field.is_key) for field in fields)
    parts = [*fields, *_types(aggregate.message)]
    yield _sticker(Kind.AGGREGATE, aggregate, context, parts, lines=tuple(lines))
    for command in aggregate.commands:
        yield from _used(_sticker(Kind.COMMAND, command, context, command.message.fields), command, actors)
    for view in aggregate.read_models:
        yield from _used(_sticker(Kind.READ_MODEL, view, context, view.message.parameters), view, actors)
    for policy in aggregate.policies:
        yield _sticker(Kind.POLICY, policy, policy.source)
    for event in aggregate.events:
        yield _sticker(Kind.EVENT, event, context, event.message.fields)


def _types(aggregate: Any) -> Iterator[Any]:
    for value_object in aggregate.value_objects:
        yield value_object
        yield from value_object.fields
    for enumeration in aggregate.enumerations:
        yield enumeration
        yield from enumeration.items


def _sticker(
    kind: Kind, node: Node, source: Context | None, parts: Iterable[Any] = (), **more: Any
) -> Sticker:
    """`source` is the context that an element tells of: its description may be the text the ranges count in."""
    ranges = (
        (each.start_line, each.start_column, each.end_line, each.end_column)
        for element in (node.message, *parts)
        for each in element.ranges
    )
    return Sticker(
        id=id_of(node),
        kind=kind,
        name=node.message.name,
        alias=node.message.alias,
        path=node.place,
        ranges=tuple(dict.fromkeys(ranges)),
        text=id_of(source) if source and source.message.ranges_in_description else "",
        **more,
    )


def _used(sticker: Sticker, member: Member, actors: _Actors) -> Iterator[Sticker]:
    """A command or read model after who uses it and what it looks like."""
    if name := member.message.actor:
        path, alias = actors.get(name, ((), ""))
        identity, owner = f"{sticker.id}.actor", sticker.id
        yield Sticker(id=identity, kind=Kind.ACTOR, name=name, alias=alias, path=path, owner=owner)
    if member.message.HasField("screen"):
        yield replace(
            sticker,
            id=f"{sticker.id}.screen",
            kind=Kind.SCREEN,
            path=(*sticker.path, "screen"),
            ranges=(),
            text="",
            owner=sticker.id,
        )
    yield sticker


def _arrows(found: Resolved) -> Iterator[Arrow]:
    for aggregate in found.aggregates:
        for command in aggregate.commands:
            yield from (_arrow(Tie.EMITS, command, event) for event in command.emits)
        yield from (_arrow(Tie.READS, aggregate, view) for view in aggregate.read_models)
        for policy in aggregate.policies:
            if policy.trigger:
                yield _arrow(Tie.TRIGGERS, policy.trigger, policy)
            yield from (_arrow(Tie.RESULTS, policy, event) for event in policy.results)
        for reference in aggregate.references:
            yield _arrow(Tie.REFERS, aggregate, reference.target, reference.reason)


def _arrow(tie: Tie, start: Node, end: Node, label: str = "") -> Arrow:
    return Arrow(tie=tie, start=id_of(start), end=id_of(end), label=label)
