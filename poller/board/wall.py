"""What hangs on the wall: the stickers of a model, grouped as contexts and aggregates, and the arrows between them.

Pure values with ids that stay the same while the model grows; where things hang is the layout's affair.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from poller.resolved import Aggregate, Context, Member, Node, Place, Policy, Resolved


class Kind(StrEnum):
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
        return self.alias.strip() or self.name.strip() or "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command, read model or policy with who uses it, what it looks like and the events of its aggregate it leads to."""

    sticker: Sticker
    actor: Sticker | None = None
    screen: Sticker | None = None
    events: tuple[str, ...] = ()

    @property
    def stickers(self) -> Iterator[Sticker]:
        return (each for each in (self.actor, self.screen, self.sticker) if each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The rows of one aggregate: what leads to it on the left, what comes of it on the right."""

    aggregate: Sticker
    commands: tuple[Step, ...]
    read_models: tuple[Step, ...]
    policies: tuple[Step, ...]
    events: tuple[Sticker, ...]

    @property
    def steps(self) -> Iterator[Step]:
        yield from (*self.commands, *self.read_models, *self.policies)

    @property
    def stickers(self) -> Iterator[Sticker]:
        yield self.aggregate
        for step in self.steps:
            yield from step.stickers
        yield from self.events


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A bounded context."""

    id: str
    name: str
    alias: str
    description: str
    bands: tuple[Band, ...]

    @property
    def title(self) -> str:
        return self.alias.strip() or self.name.strip() or "?"

    @property
    def stickers(self) -> Iterator[Sticker]:
        return (sticker for band in self.bands for sticker in band.stickers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    tie: Tie
    start: str
    end: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    areas: tuple[Area, ...]
    arrows: tuple[Arrow, ...]

    @property
    def stickers(self) -> Iterator[Sticker]:
        return (sticker for area in self.areas for sticker in area.stickers)


def wall_of(found: Resolved) -> Wall:
    """Every element of the model as stickers, contexts and aggregates by ordinal."""
    actors = {actor.name: (("actors", index), actor.alias) for index, actor in enumerate(found.model.actors)}
    return Wall(
        areas=tuple(_area(context, actors) for context in found.contexts), arrows=tuple(_arrows(found))
    )


_LETTERS = {"context": "c", "aggregate": "a", "command": "m", "event": "e", "view": "r", "policy": "p"}
_Actors = Mapping[str, tuple[Place, str]]


def id_of(node: Node) -> str:
    """Short, and fit for any markup: "context/1/aggregate/2" is c1.a2."""
    parts = node.path.split("/")
    return ".".join(_LETTERS[kind] + number for kind, number in zip(parts[::2], parts[1::2], strict=True))


def _area(context: Context, actors: _Actors) -> Area:
    return Area(
        id=id_of(context),
        name=context.message.name,
        alias=context.message.alias,
        description=context.message.description,
        bands=tuple(_band(aggregate, actors) for aggregate in context.aggregates),
    )


def _band(aggregate: Aggregate, actors: _Actors) -> Band:
    return Band(
        aggregate=_aggregate(aggregate),
        commands=tuple(_step(Kind.COMMAND, command, actors) for command in aggregate.commands),
        read_models=tuple(_step(Kind.READ_MODEL, view, actors) for view in aggregate.read_models),
        policies=tuple(_policy(policy) for policy in aggregate.policies),
        events=tuple(_member(Kind.EVENT, event) for event in aggregate.events),
    )


def _aggregate(aggregate: Aggregate) -> Sticker:
    fields = aggregate.message.fields
    lines = ((f"{field.name}: {field.type}" if field.type else field.name, field.is_key) for field in fields)
    parts = [*fields, *_types(aggregate.message)]
    return _sticker(Kind.AGGREGATE, aggregate, aggregate.context, parts, lines=tuple(lines))


def _types(aggregate: Any) -> Iterator[Any]:
    for value_object in aggregate.value_objects:
        yield value_object
        yield from value_object.fields
    for enumeration in aggregate.enumerations:
        yield enumeration
        yield from enumeration.items


def _member(kind: Kind, member: Member) -> Sticker:
    message = member.message
    fields = message.parameters if kind is Kind.READ_MODEL else message.fields
    return _sticker(kind, member, member.aggregate.context, fields)


def _policy(policy: Policy) -> Step:
    events = tuple(id_of(event) for event in policy.results if event.aggregate is policy.aggregate)
    return Step(sticker=_sticker(Kind.POLICY, policy, policy.source), events=events)


def _sticker(
    kind: Kind, node: Node, source: Context | None, parts: Iterable[Any] = (), **more: Any
) -> Sticker:
    """`source` is the context that an element tells of: its description may be the text the ranges count in."""
    return Sticker(
        id=id_of(node),
        kind=kind,
        name=node.message.name,
        alias=node.message.alias,
        path=node.place,
        ranges=_ranges(node.message, *parts),
        text=id_of(source) if source and source.message.ranges_in_description else "",
        **more,
    )


def _ranges(*elements: Any) -> tuple[Range, ...]:
    return tuple(
        dict.fromkeys(
            (each.start_line, each.start_column, each.end_line, each.end_column)
            for element in elements
            for each in element.ranges
        )
    )


def _step(kind: Kind, member: Member, actors: _Actors) -> Step:
    sticker = _member(kind, member)
    return Step(
        sticker=sticker,
        actor=_actor(sticker, member.message.actor, actors) if member.message.actor else None,
        screen=_screen(sticker) if member.message.HasField("screen") else None,
        events=tuple(map(id_of, member.emits)),
    )


def _actor(sticker: Sticker, name: str, actors: _Actors) -> Sticker:
    path, alias = actors.get(name, ((), ""))
    return Sticker(
        id=f"{sticker.id}.actor", kind=Kind.ACTOR, name=name, alias=alias, path=path, owner=sticker.id
    )


def _screen(sticker: Sticker) -> Sticker:
    return Sticker(
        id=f"{sticker.id}.screen",
        kind=Kind.SCREEN,
        name=sticker.name,
        alias=sticker.alias,
        path=(*sticker.path, "screen"),
        owner=sticker.id,
    )


def _arrows(found: Resolved) -> Iterator[Arrow]:
    for aggregate in found.aggregates:
        for command in aggregate.commands:
            yield from (_arrow(Tie.EMITS, command, event) for event in command.emits)
        yield from (_arrow(Tie.READS, aggregate, view) for view in aggregate.read_models)
        for policy in aggregate.policies:
            yield _arrow(Tie.TRIGGERS, policy.trigger, policy)
            yield from (_arrow(Tie.RESULTS, policy, event) for event in policy.results)
        for reference in aggregate.references:
            yield _arrow(Tie.REFERS, aggregate, reference.target, reference.reason)


def _arrow(tie: Tie, start: Node, end: Node, label: str = "") -> Arrow:
    return Arrow(tie=tie, start=id_of(start), end=id_of(end), label=label)
