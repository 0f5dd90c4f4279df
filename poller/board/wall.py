"""What hangs on the wall: the stickers of a model by aggregate, and the arrows between them.

Pure values with ids that stay the same while the model grows; where things hang is the layout's affair.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import Any

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.resolved import Aggregate, Context, Member, Node, Place, Policy, Question, Resolved, resolve


class Kind(StrEnum):
    """What a sticker stands for; also the CSS class that colours it."""

    ACTOR = "actor"
    SCREEN = "screen"
    COMMAND = "command"
    AGGREGATE = "aggregate"
    EVENT = "event"
    POLICY = "policy"
    READ_MODEL = "readmodel"
    SYSTEM = "system"
    QUESTION = "question"


class Tie(StrEnum):
    """What an arrow says; references and reads are drawn dashed."""

    EMITS = "emits"
    TRIGGERS = "triggers"
    RESULTS = "results"
    GIVES = "gives"
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
    """For an actor, a screen or a system: whose it is. For a question: the sticker or context it is about."""
    lines: tuple[tuple[str, bool], ...] = ()
    """For an aggregate: its fields as people call them, else as `name: Type`, and whether each is a key."""
    timer: str = ""
    condition: str = ""
    """For a policy: when time triggers it, and under which condition it acts."""

    @property
    def title(self) -> str:
        """What people call it, never empty."""
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
    questions: tuple[Sticker, ...] = ()
    """About contexts and about the whole; the others hang in the band of what they are about."""

    @property
    def stickers(self) -> Iterator[Sticker]:
        """Aggregate by aggregate, then the questions that belong to none."""
        return chain(*self.bands.values(), self.questions)


def wall_of(model: EventStormingModel) -> Wall:
    """Every element of the model as stickers, contexts and aggregates by ordinal."""
    found = resolve(model)
    users = {system.message.name: (Kind.SYSTEM, system.place, system.alias) for system in found.systems}
    users |= {
        actor.name: (Kind.ACTOR, ("actors", index), actor.alias) for index, actor in enumerate(model.actors)
    }
    bands = {id_of(aggregate): [*_band(aggregate, users)] for aggregate in found.aggregates}
    apart: list[Sticker] = []
    for question in found.questions:
        band = ".".join(id_of(question.about).split(".")[:2]) if question.about else ""
        if isinstance(question.about, Policy):
            band = id_of(question.about.aggregate)
        bands.get(band, apart).append(_question(question))
    return Wall(
        found=found,
        bands={band: tuple(stickers) for band, stickers in bands.items()},
        arrows=tuple(_arrows(found)),
        questions=tuple(apart),
    )


def title_of(element: Any) -> str:
    """What people call an element or a sticker."""
    return element.alias.strip() or element.name.strip() or "?"


_LETTERS = {"context": "c", "aggregate": "a", "command": "m", "event": "e", "view": "r", "policy": "p"}
_LETTERS |= {"system": "s", "question": "q"}
_Users = Mapping[str, tuple[Kind, Place, str]]


def id_of(node: Node | Question) -> str:
    """Short, and fit for any markup: "context/1/aggregate/2" is c1.a2."""
    parts = node.path.split("/")
    return ".".join(_LETTERS[kind] + number for kind, number in zip(parts[::2], parts[1::2], strict=True))


def _band(aggregate: Aggregate, users: _Users) -> Iterator[Sticker]:
    fields, context = aggregate.message.fields, aggregate.context
    lines = ((_called(field), field.is_key) for field in fields)
    parts = [*fields, *_types(aggregate.message)]
    yield _sticker(Kind.AGGREGATE, aggregate, context, parts, lines=tuple(lines))
    for command in aggregate.commands:
        yield from _used(_sticker(Kind.COMMAND, command, context, command.message.fields), command, users)
    for view in aggregate.read_models:
        yield from _used(
            _sticker(Kind.READ_MODEL, view, context, [*view.message.parameters, *view.message.columns]),
            view,
            users,
        )
    for policy in aggregate.policies:
        told = policy.message
        yield _sticker(Kind.POLICY, policy, policy.source, timer=told.timer, condition=told.condition)
    for event in aggregate.events:
        yield _sticker(Kind.EVENT, event, context, event.message.fields)


def _called(field: Any) -> str:
    named = f"{field.name}: {field.type}" if field.type else field.name
    return str(field.alias.strip() or named)


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
    found = (
        (each.start_line, each.start_column, each.end_line, each.end_column)
        for element in elements
        for each in element.ranges
    )
    return tuple(dict.fromkeys(found))


def _question(question: Question) -> Sticker:
    about = question.about
    context = (
        about if isinstance(about, Context) else getattr(getattr(about, "aggregate", about), "context", None)
    )
    return Sticker(
        id=id_of(question),
        kind=Kind.QUESTION,
        name=question.message.text,
        alias="",
        path=question.place,
        ranges=_ranges(question.message),
        text=id_of(context) if context and context.message.ranges_in_description else "",
        owner=id_of(about) if about else "",
    )


def _used(sticker: Sticker, member: Member, users: _Users) -> Iterator[Sticker]:
    """A command or read model after who uses it, what it looks like and whom it calls."""
    if name := member.message.actor:
        kind, path, alias = users.get(name, (Kind.ACTOR, (), ""))
        yield Sticker(
            id=f"{sticker.id}.actor", kind=kind, name=name, alias=alias, path=path, owner=sticker.id
        )
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
    for system in member.systems:
        identity, name, alias = f"{sticker.id}.{id_of(system)}", system.message.name, system.alias
        yield Sticker(
            id=identity, kind=Kind.SYSTEM, name=name, alias=alias, path=system.place, owner=sticker.id
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
            yield from (_arrow(Tie.GIVES, policy, command) for command in policy.commands)
            if not policy.commands:
                yield from (_arrow(Tie.RESULTS, policy, event) for event in policy.results)
        for reference in aggregate.references:
            yield _arrow(Tie.REFERS, aggregate, reference.target, reference.reason)


def _arrow(tie: Tie, start: Node, end: Node, label: str = "") -> Arrow:
    return Arrow(tie=tie, start=id_of(start), end=id_of(end), label=label)
