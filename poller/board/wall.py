"""What hangs on the wall: the stickers of a model, grouped as contexts and aggregates, and the arrows between them.

Pure values with ids that stay the same while the model grows; where things hang is the layout's affair.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from eventstorming.v1.model_pb2 import (
    Aggregate,
    BoundedContext,
    Command,
    EventStormingModel,
    Policy,
    ReadModel,
)


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
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sticker:
    id: str
    kind: Kind
    name: str
    alias: str
    path: Path
    """Where its element is in the model's canonical JSON."""
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
    """A command or read model with who uses it and what it looks like."""

    sticker: Sticker
    actor: Sticker | None
    screen: Sticker | None
    emits: tuple[str, ...] = ()

    @property
    def stickers(self) -> Iterator[Sticker]:
        return (each for each in (self.actor, self.screen, self.sticker) if each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """A policy beside the event that triggers it; no trigger when that event is unknown."""

    sticker: Sticker
    trigger: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The rows of one aggregate; without aggregate: policies that belong nowhere else."""

    aggregate: Sticker | None
    commands: tuple[Step, ...] = ()
    events: tuple[Sticker, ...] = ()
    read_models: tuple[Step, ...] = ()
    policies: tuple[Reaction, ...] = ()

    @property
    def stickers(self) -> Iterator[Sticker]:
        if self.aggregate:
            yield self.aggregate
        for step in (*self.commands, *self.read_models):
            yield from step.stickers
        yield from self.events
        yield from (reaction.sticker for reaction in self.policies)


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
        for area in self.areas:
            for band in area.bands:
                yield from band.stickers


def wall_of(model: EventStormingModel) -> Wall:
    """Every element of the model as stickers, contexts and aggregates by ordinal."""
    contexts = [(f"c{number}", at, context) for number, at, context in numbered(model.bounded_contexts)]
    bands = {name: _aggregate_bands(model, name, at, context) for name, at, context in contexts}
    events = _by_name(event for each in bands.values() for band in each for event in band.events)
    placed = _placed_policies(model, contexts, bands, events)
    areas = [
        Area(
            id=name,
            name=context.name,
            alias=context.alias,
            description=context.description,
            bands=_with_policies(bands[name], placed.get(name, [])),
        )
        for name, _, context in contexts
    ]
    if "" in placed:
        areas.append(Area(id="c0", name="?", alias="", description="", bands=_with_policies([], placed[""])))
    return Wall(areas=tuple(areas), arrows=tuple(_arrows(model, areas, events)))


def numbered(items: Iterable[Any]) -> list[tuple[int, int, Any]]:
    """Ordinal, index and element, by ordinal; a missing or doubled ordinal gets the next free number."""
    indexed = list(enumerate(items))
    free = max((item.ordinal for _, item in indexed), default=0)
    taken: set[int] = set()
    rows = []
    for index, item in indexed:
        number = item.ordinal
        if not number or number in taken:
            free = number = free + 1
        taken.add(number)
        rows.append((number, index, item))
    return sorted(rows, key=lambda row: row[0])


def _aggregate_bands(model: EventStormingModel, area: str, at: int, context: BoundedContext) -> list[Band]:
    aliases = {actor.name: (index, actor.alias) for index, actor in enumerate(model.actors)}
    text = area if context.ranges_in_description else ""
    return [
        _Hand(f"{area}.a{number}", ("boundedContexts", at, "aggregates", index), text, aliases).band(
            aggregate
        )
        for number, index, aggregate in numbered(context.aggregates)
    ]


class _Hand:
    """Writes the stickers of one aggregate."""

    def __init__(self, prefix: str, path: Path, text: str, actors: dict[str, tuple[int, str]]) -> None:
        self._prefix, self._path, self._text, self._actors = prefix, path, text, actors

    def band(self, aggregate: Aggregate) -> Band:
        return Band(
            aggregate=Sticker(
                id=self._prefix,
                kind=Kind.AGGREGATE,
                name=aggregate.name,
                alias=aggregate.alias,
                path=self._path,
                ranges=_ranges(aggregate, *aggregate.fields, *_types(aggregate)),
                text=self._text,
                lines=tuple(
                    (f"{field.name}: {field.type}" if field.type else field.name, field.is_key)
                    for field in aggregate.fields
                ),
            ),
            commands=tuple(
                self._step(Kind.COMMAND, f"m{number}", ("commands", index), command, command.fields)
                for number, index, command in numbered(aggregate.commands)
            ),
            events=tuple(
                self._sticker(Kind.EVENT, f"e{number}", ("events", index), event, event.fields)
                for number, index, event in numbered(aggregate.events)
            ),
            read_models=tuple(
                self._step(
                    Kind.READ_MODEL, f"r{number}", ("readModels", index), read_model, read_model.parameters
                )
                for number, index, read_model in numbered(aggregate.read_models)
            ),
        )

    def _sticker(self, kind: Kind, end: str, path: Path, element: Any, fields: Iterable[Any]) -> Sticker:
        return Sticker(
            id=f"{self._prefix}.{end}",
            kind=kind,
            name=element.name,
            alias=element.alias,
            path=(*self._path, *path),
            ranges=_ranges(element, *fields),
            text=self._text,
        )

    def _step(
        self, kind: Kind, end: str, path: Path, element: Command | ReadModel, fields: Iterable[Any]
    ) -> Step:
        sticker = self._sticker(kind, end, path, element, fields)
        return Step(
            sticker=sticker,
            actor=self._actor(sticker, element.actor) if element.actor else None,
            screen=self._screen(sticker) if element.HasField("screen") else None,
            emits=tuple(element.emits) if isinstance(element, Command) else (),
        )

    def _actor(self, sticker: Sticker, name: str) -> Sticker:
        index, alias = self._actors.get(name, (-1, ""))
        path: Path = ("actors", index) if index >= 0 else ()
        return Sticker(
            id=f"{sticker.id}.actor", kind=Kind.ACTOR, name=name, alias=alias, path=path, owner=sticker.id
        )

    def _screen(self, sticker: Sticker) -> Sticker:
        return Sticker(
            id=f"{sticker.id}.screen",
            kind=Kind.SCREEN,
            name=sticker.name,
            alias=sticker.alias,
            path=(*sticker.path, "screen"),
            owner=sticker.id,
        )


def _types(aggregate: Aggregate) -> Iterator[Any]:
    for value_object in aggregate.value_objects:
        yield value_object
        yield from value_object.fields
    for enumeration in aggregate.enumerations:
        yield enumeration
        yield from enumeration.items


def _ranges(*elements: Any) -> tuple[Range, ...]:
    return tuple(
        dict.fromkeys(
            (each.start_line, each.start_column, each.end_line, each.end_column)
            for element in elements
            for each in element.ranges
        )
    )


def _placed_policies(
    model: EventStormingModel,
    contexts: list[tuple[str, int, BoundedContext]],
    bands: dict[str, list[Band]],
    events: dict[str, Sticker],
) -> dict[str, list[Reaction]]:
    """Reactions by the context they hang in: the trigger's, else the one named, else the last; `""` without any."""
    by_name = {context.name: (area, context) for area, _, context in reversed(contexts)}
    last = contexts[-1][0] if contexts else ""
    placed: dict[str, list[Reaction]] = {}
    for number, index, policy in numbered(model.policies):
        named, context = by_name.get(policy.bounded_context, ("", None))
        trigger = events[policy.trigger].id if policy.trigger in events else ""
        sticker = Sticker(
            id=f"p{number}",
            kind=Kind.POLICY,
            name=policy.name,
            alias=policy.alias,
            path=("policies", index),
            ranges=_ranges(policy),
            text=named if context and context.ranges_in_description else "",
        )
        area = trigger.split(".")[0] if trigger else named or last
        placed.setdefault(area, []).append(Reaction(sticker=sticker, trigger=trigger))
    return placed


def _with_policies(bands: list[Band], reactions: list[Reaction]) -> tuple[Band, ...]:
    filled = []
    for band in bands:
        ids = {event.id for event in band.events}
        mine = tuple(reaction for reaction in reactions if reaction.trigger in ids)
        filled.append(
            Band(
                aggregate=band.aggregate,
                commands=band.commands,
                events=band.events,
                read_models=band.read_models,
                policies=mine,
            )
        )
    loose = tuple(reaction for reaction in reactions if not reaction.trigger)
    return (*filled, Band(aggregate=None, policies=loose)) if loose else tuple(filled)


def _arrows(model: EventStormingModel, areas: list[Area], events: dict[str, Sticker]) -> Iterator[Arrow]:
    for area in areas:
        for band in area.bands:
            yield from _band_arrows(band)
    numbers = {f"p{number}": policy for number, _, policy in numbered(model.policies)}
    for name, policy in numbers.items():
        yield from _results(name, policy, events)
    aggregates = _by_name(band.aggregate for area in areas for band in area.bands if band.aggregate)
    for reference in model.references:
        start, end = aggregates.get(reference.from_aggregate), aggregates.get(reference.to_aggregate)
        if start and end and start is not end:
            yield Arrow(tie=Tie.REFERS, start=start.id, end=end.id, label=reference.reason)


def _band_arrows(band: Band) -> Iterator[Arrow]:
    own = {event.name: event for event in reversed(band.events)}
    for step in band.commands:
        for name in dict.fromkeys(step.emits):
            if name in own:
                yield Arrow(tie=Tie.EMITS, start=step.sticker.id, end=own[name].id)
    for step in band.read_models:
        if band.aggregate:
            yield Arrow(tie=Tie.READS, start=band.aggregate.id, end=step.sticker.id)
    for reaction in band.policies:
        if reaction.trigger:
            yield Arrow(tie=Tie.TRIGGERS, start=reaction.trigger, end=reaction.sticker.id)


def _results(name: str, policy: Policy, events: dict[str, Sticker]) -> Iterator[Arrow]:
    for result in dict.fromkeys(policy.results):
        if result in events:
            yield Arrow(tie=Tie.RESULTS, start=name, end=events[result].id)


def _by_name(stickers: Iterable[Sticker]) -> dict[str, Sticker]:
    """The first sticker of each name."""
    found: dict[str, Sticker] = {}
    for sticker in stickers:
        found.setdefault(sticker.name, sticker)
    return found
