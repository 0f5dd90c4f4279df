"""The typed model read once, for canvas and board: every name legal and unique, every reference resolved.

Elements are known by their ordinal path ("context/1/aggregate/2/command/3"), never by name. What cannot be
resolved (a policy on an unknown event, a reference to nowhere) is left out here, and only here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from eventstorming.v1 import model_pb2

from poller.resolved.names import Register, class_name, context_name, plain

Place = tuple[str | int, ...]


@dataclass(slots=True, kw_only=True, eq=False)
class Node:
    """One element: its message, which one of its kind it is, and the name the canvas knows it under."""

    path: str
    number: int  # its ordinal; a missing or doubled one is replaced
    place: Place  # where the message is in the model's canonical JSON
    message: Any
    name: str

    @property
    def alias(self) -> str:
        """What people read; as the executor made it, unique among members and policies."""
        return plain(self.message.alias)


@dataclass(slots=True, kw_only=True, eq=False)
class Context(Node):
    """A bounded context."""

    aggregates: list[Aggregate] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class Aggregate(Node):
    """An aggregate with its members, and with the policies that stand in it."""

    context: Context
    commands: list[Member] = field(default_factory=list)
    events: list[Member] = field(default_factory=list)
    read_models: list[Member] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)

    @property
    def crossing(self) -> Iterator[Crossing]:
        """Policies that the canvas has a place for."""
        return (policy for policy in self.policies if isinstance(policy, Crossing))


@dataclass(slots=True, kw_only=True, eq=False)
class Member(Node):
    """A command, an event or a read model. A command is given by policies, and calls systems of others."""

    aggregate: Aggregate
    emits: list[Member] = field(default_factory=list)
    given_by: list[Policy] = field(default_factory=list)
    systems: list[System] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class Policy(Node):
    """A reaction, to time alone where it has no trigger. It stands in the aggregate of its first result."""

    aggregate: Aggregate
    trigger: Member | None
    results: list[Member]
    commands: list[Member]
    source: Context | None


@dataclass(slots=True, kw_only=True, eq=False)
class Crossing(Policy):
    """From an event of one aggregate, at once, to events of others: all the canvas can show of policies."""

    trigger: Member


@dataclass(slots=True, kw_only=True, eq=False)
class System(Node):
    """A system of somebody else."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something the text leaves open; `about` nothing in particular is about the whole model."""

    path: str
    place: Place
    message: model_pb2.OpenQuestion
    about: Node | None


@dataclass(frozen=True, slots=True)
class Reference:
    """From the aggregate that holds it. `roles` are the root's fields that keep the identity, as the model names them."""

    target: Aggregate
    reason: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolved:
    """The model, its contexts in order, and what belongs to none of them."""

    model: model_pb2.EventStormingModel
    contexts: list[Context]
    systems: list[System] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    @property
    def korean(self) -> bool:
        """Whether people read it in Korean, else in English."""
        return self.model.language == model_pb2.LANGUAGE_KOREAN

    @property
    def aggregates(self) -> Iterator[Aggregate]:
        """Context by context."""
        return (aggregate for context in self.contexts for aggregate in context.aggregates)

    @property
    def nodes(self) -> Iterator[Node]:
        """What a question may be about, by kind and in order."""
        aggregates = list(self.aggregates)
        yield from aggregates
        for kind in ("commands", "events", "read_models", "policies"):
            yield from (node for aggregate in aggregates for node in getattr(aggregate, kind))


def resolve(model: model_pb2.EventStormingModel) -> Resolved:
    """Reads the whole model; deterministic, also in the numbers that make names unique."""
    names = _Names()
    contexts = [_context(at, names) for at in _ordered("context", model.bounded_contexts)]
    systems = [
        System(**at, name=plain(at["message"].name)) for at in _ordered("system", model.external_systems)
    ]
    found = Resolved(model, contexts, systems)
    aggregates = list(found.aggregates)
    _resolve_commands(aggregates, systems)
    _resolve_references(model, aggregates)
    _add_policies(found, names)
    found.questions.extend(_questions(found))
    return found


class _Names:
    """The registers of one model: a name is given once per kind."""

    def __init__(self) -> None:
        self._given: dict[str, Register] = {}

    def take(self, kind: str, wanted: str) -> str:
        register = self._given.setdefault(kind, Register(ignore_case=kind == "aggregate"))
        return register.take(wanted)


_LISTS = {
    "context": "boundedContexts",
    "aggregate": "aggregates",
    "command": "commands",
    "event": "events",
    "view": "readModels",
    "policy": "policies",
    "system": "externalSystems",
    "question": "openQuestions",
}


def _ordered(kind: str, messages: Iterable[Any], owner: Node | None = None) -> list[dict[str, Any]]:
    """What every node of a list has, by ordinal; a missing or doubled ordinal becomes the next free number."""
    messages = list(messages)
    free = max((message.ordinal for message in messages), default=0)
    taken = {0}
    prefix, place = (f"{owner.path}/", owner.place) if owner else ("", ())
    nodes = []
    for index, message in enumerate(messages):
        number = message.ordinal
        if number in taken:
            free = number = free + 1
        taken.add(number)
        at = (*place, _LISTS[kind], index)
        nodes.append({"path": f"{prefix}{kind}/{number}", "number": number, "place": at, "message": message})
    return sorted(nodes, key=lambda node: node["number"])


def _context(at: dict[str, Any], names: _Names) -> Context:
    message = at["message"]
    context = Context(**at, name=names.take("context", context_name(message.name)))
    children = _ordered("aggregate", message.aggregates, context)
    context.aggregates = [_aggregate(child, context, names) for child in children]
    return context


def _aggregate(at: dict[str, Any], context: Context, names: _Names) -> Aggregate:
    message = at["message"]
    name = names.take("aggregate", class_name(message.name, otherwise="Aggregate"))
    aggregate = Aggregate(**at, name=name, context=context)
    aggregate.commands = _members("command", message.commands, aggregate, names)
    aggregate.events = _members("event", message.events, aggregate, names)
    aggregate.read_models = _members("view", message.read_models, aggregate, names)
    return aggregate


def _members(kind: str, messages: Iterable[Any], aggregate: Aggregate, names: _Names) -> list[Member]:
    return [
        Member(
            **at,
            name=names.take(kind, class_name(at["message"].name, otherwise=kind.capitalize())),
            aggregate=aggregate,
        )
        for at in _ordered(kind, messages, aggregate)
    ]


def _resolve_commands(aggregates: list[Aggregate], systems: list[System]) -> None:
    known = {system.message.name: system for system in reversed(systems)}
    for aggregate in aggregates:
        events = {event.message.name: event for event in aggregate.events}
        for command in aggregate.commands:
            command.emits = _known(command.message.emits, events)
            command.systems = _known(command.message.external_systems, known)


_Found = TypeVar("_Found")


def _known(names: Iterable[str], known: Mapping[str, _Found]) -> list[_Found]:
    return [known[name] for name in dict.fromkeys(names) if name in known]


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
            source.references.append(Reference(target, reference.reason, _roles(source, reference)))


def _roles(source: Aggregate, reference: model_pb2.AggregateReference) -> tuple[str, ...]:
    return tuple(
        field.name
        for field in source.message.fields
        if field.name in reference.fields or field.references == reference.to_aggregate
    )


def _add_policies(found: Resolved, names: _Names) -> None:
    aggregates = list(found.aggregates)
    events = {event.message.name: event for aggregate in aggregates for event in aggregate.events}
    commands = {command.message.name: command for aggregate in aggregates for command in aggregate.commands}
    sources = {context.message.name: context for context in found.contexts}
    for at in _ordered("policy", found.model.policies):
        message = at["message"]
        trigger, results = events.get(message.trigger), _known(message.results, events)
        given = _known(message.commands, commands)
        elsewhere = [event for event in results if trigger and event.aggregate is not trigger.aggregate]
        kind: type[Policy] = Policy
        if elsewhere and not message.timer:
            kind, results = Crossing, elsewhere
        elif message.timer and not given:
            given = list(filter(None, map(_emitter, results)))
        if (trigger or message.timer) and (given or kind is Crossing):
            policy = kind(
                **at,
                name=names.take("policy", class_name(message.name, otherwise="Policy")),
                aggregate=(results or given)[0].aggregate,
                trigger=trigger,
                results=results,
                commands=given,
                source=sources.get(message.bounded_context),
            )
            policy.aggregate.policies.append(policy)
            for command in given:
                command.given_by.append(policy)


def _emitter(event: Member) -> Member | None:
    return next((command for command in event.aggregate.commands if event in command.emits), None)


def _questions(found: Resolved) -> Iterator[Question]:
    """About the first element of that name, else the context, else the whole."""
    elements = {node.message.name: node for node in reversed(list(found.nodes))}
    contexts = {context.message.name: context for context in found.contexts}
    for at in _ordered("question", found.model.open_questions):
        message = at["message"]
        about = elements.get(message.about) or contexts.get(message.bounded_context)
        yield Question(at["path"], at["place"], message, about)
