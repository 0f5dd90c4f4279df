"""The typed model with every reference resolved and every name legal and unique: what projection and layout read.

Elements are known by their ordinal path ("context/1/aggregate/2/command/3"), never by name. What cannot be
resolved (a policy on an unknown event, a reference to nowhere) is left out here, and only here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from eventstorming.v1 import model_pb2

from poller.msaez.encoding import plain
from poller.msaez.names import Register, class_name

_FORBIDDEN_IN_CONTEXT = str.maketrans(dict.fromkeys(".#$/[]\x7f", " ") | {chr(n): " " for n in range(32)})
_RESERVED_CONTEXT = "ui"  # the canvas keeps this name for its site map
_CONTEXT_LENGTH = 200


@dataclass(slots=True, kw_only=True, eq=False)
class Node:
    """One element: its message, where it is in the model, and the names it is shown under."""

    path: str
    message: Any
    name: str
    alias: str


@dataclass(slots=True, kw_only=True, eq=False)
class Context(Node):
    aggregates: list[Aggregate] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class Aggregate(Node):
    context: Context
    commands: list[Behaviour] = field(default_factory=list)
    events: list[Behaviour] = field(default_factory=list)
    views: list[Behaviour] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    references: list[Aggregate] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class Behaviour(Node):
    """A command, an event or a read model."""

    aggregate: Aggregate
    emits: list[Behaviour] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class Policy(Node):
    """Lives in the aggregate of its first result."""

    aggregate: Aggregate
    trigger: Behaviour
    results: list[Behaviour]
    source: Context | None


@dataclass(slots=True, kw_only=True)
class Outline:
    contexts: list[Context]
    actors: dict[str, str]  # role → alias
    korean: bool

    @property
    def aggregates(self) -> Iterator[Aggregate]:
        return (aggregate for context in self.contexts for aggregate in context.aggregates)


def outline(model: model_pb2.EventStormingModel) -> Outline:
    """Reads the whole model once; deterministic, also in the numbers that make names unique."""
    names = _Names()
    contexts = [_context(message, names) for message in _ordered(model.bounded_contexts)]
    found = Outline(
        contexts=contexts,
        actors={actor.name: plain(actor.alias) for actor in model.actors},
        korean=model.language == model_pb2.LANGUAGE_KOREAN,
    )
    aggregates = list(found.aggregates)
    _resolve_emits(aggregates)
    _resolve_references(model, aggregates)
    _add_policies(model, found, names)
    return found


class _Names:
    """The registers of one model: a name is given once per kind, an alias once among all behaviour."""

    def __init__(self) -> None:
        self._names: dict[str, Register] = {}
        self._aliases = Register()

    def name(self, kind: str, wanted: str, *, ignore_case: bool = False) -> str:
        register = self._names.setdefault(kind, Register(ignore_case=ignore_case))
        return register.take(wanted)

    def alias(self, wanted: str) -> str:
        return self._aliases.take(plain(wanted), " ") if wanted.strip() else ""


def _ordered(messages: Iterable[Any]) -> list[Any]:
    return sorted(messages, key=attrgetter("ordinal"))


def _context(message: model_pb2.BoundedContext, names: _Names) -> Context:
    context = Context(
        path=f"context/{message.ordinal}",
        message=message,
        name=names.name("context", _context_name(message.name)),
        alias=plain(message.alias),
    )
    context.aggregates = [_aggregate(child, context, names) for child in _ordered(message.aggregates)]
    return context


def _context_name(text: str) -> str:
    name = " ".join(text.translate(_FORBIDDEN_IN_CONTEXT).split())[:_CONTEXT_LENGTH]
    return "Ui" if name == _RESERVED_CONTEXT else plain(name) or "BoundedContext"


def _aggregate(message: model_pb2.Aggregate, context: Context, names: _Names) -> Aggregate:
    aggregate = Aggregate(
        path=f"{context.path}/aggregate/{message.ordinal}",
        message=message,
        name=names.name("aggregate", class_name(message.name, otherwise="Aggregate"), ignore_case=True),
        alias=plain(message.alias),
        context=context,
    )
    aggregate.commands = _behaviours("command", message.commands, aggregate, names)
    aggregate.events = _behaviours("event", message.events, aggregate, names)
    aggregate.views = _behaviours("view", message.read_models, aggregate, names)
    return aggregate


def _behaviours(kind: str, messages: Iterable[Any], aggregate: Aggregate, names: _Names) -> list[Behaviour]:
    return [
        Behaviour(
            path=f"{aggregate.path}/{kind}/{message.ordinal}",
            message=message,
            name=names.name(kind, class_name(message.name, otherwise=kind.capitalize())),
            alias=names.alias(message.alias),
            aggregate=aggregate,
        )
        for message in _ordered(messages)
    ]


def _resolve_emits(aggregates: list[Aggregate]) -> None:
    for aggregate in aggregates:
        events = {event.message.name: event for event in aggregate.events}
        for command in aggregate.commands:
            command.emits = _known(command.message.emits, events.get)


def _known(names: Iterable[str], find: Callable[[str], Behaviour | None]) -> list[Behaviour]:
    return [found for name in dict.fromkeys(names) if (found := find(name)) is not None]


def _resolve_references(model: model_pb2.EventStormingModel, aggregates: list[Aggregate]) -> None:
    """One direction per pair: the first one named."""
    known = {aggregate.message.name: aggregate for aggregate in aggregates}
    pairs: set[frozenset[str]] = set()
    for reference in model.references:
        source, target = known.get(reference.from_aggregate), known.get(reference.to_aggregate)
        if source is None or target is None or source is target:
            continue
        pair = frozenset((source.path, target.path))
        if pair not in pairs:
            pairs.add(pair)
            source.references.append(target)


def _add_policies(model: model_pb2.EventStormingModel, found: Outline, names: _Names) -> None:
    events = {event.message.name: event for aggregate in found.aggregates for event in aggregate.events}
    sources = {context.message.name: context for context in found.contexts}
    for message in _ordered(model.policies):
        trigger = events.get(message.trigger)
        results = _known(message.results, events.get)
        elsewhere = [event for event in results if trigger and event.aggregate is not trigger.aggregate]
        if trigger and elsewhere:
            owner = elsewhere[0].aggregate
            owner.policies.append(
                Policy(
                    path=f"policy/{message.ordinal}",
                    message=message,
                    name=names.name("policy", class_name(message.name, otherwise="Policy")),
                    alias=names.alias(message.alias),
                    aggregate=owner,
                    trigger=trigger,
                    results=elsewhere,
                    source=sources.get(message.bounded_context),
                )
            )
