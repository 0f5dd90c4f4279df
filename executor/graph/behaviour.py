"""Step `behaviour`: the fields of one aggregate, what its commands, events and read models carry, and the rules it guards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from langgraph.runtime import Runtime

from executor.graph.answers import BehaviourAnswer, CommandBehaviour, FieldAnswer, PartFields
from executor.graph.asking import Asking, Remarks, listed
from executor.graph.identifiers import camel
from executor.graph.inputs import drafted
from executor.graph.normalise import Text, field, guessed, inner_fields, lookup, told
from executor.graph.state import AggregateState, RunContext
from executor.graph.unit import AggregateUnit
from executor.model import (
    Aggregate,
    Command,
    CommandKind,
    Event,
    Field,
    ReadModel,
    ValueObject,
    has_attribute,
    loose,
    once,
    owners_of_screens,
)

NOTHING: Final = BehaviourAnswer()
MOST_FIELDS: Final = 60
MOST_RULES: Final = 20

_CREATING = (
    *("Create", "Register", "Place", "Add", "Open", "Submit"),
    *("Request", "Issue", "Book", "Make", "Post", "Start"),
)
_DELETING = ("Delete", "Remove", "Discard", "Erase")


async def behaviour(state: AggregateState, runtime: Runtime[RunContext]) -> AggregateState:
    """One aggregate."""
    unit = state["unit"]
    asking = Asking(runtime, "behaviour", unit)
    blocks = {
        "aggregate": drafted(unit.aggregate, unit.attributes),
        "lines": asking.lines(unit.context, words_of(unit.aggregate)),
    }
    answer = await asking.ask(BehaviourAnswer, blocks, lambda answer: check(answer, unit))
    if not answer:
        asking.warn(
            f"{unit.aggregate.name}: its fields could not be worked out, so it only has a key.",
            f"{unit.aggregate.name}: 속성을 만들지 못해 키만 두었습니다.",
        )
    filled = normalised(answer or NOTHING, unit, asking)
    return {"unit": replace(unit, aggregate=filled), **asking.outcome(filled)}


def words_of(aggregate: Aggregate) -> list[str]:
    """What lines about the aggregate are likely to mention."""
    named = (aggregate, *owners_of_screens(aggregate), *aggregate.events)
    return [word for element in named for word in (element.name, element.alias)]


def check(answer: BehaviourAnswer, unit: AggregateUnit) -> Iterator[str]:
    """What is wrong with an answer."""
    aggregate = unit.aggregate
    for kind, known, answered in (
        ("command", {c.name for c in aggregate.commands}, {c.name for c in answer.commands}),
        ("part", {p.name for p in aggregate.value_objects}, {p.name for p in answer.parts if p.fields}),
    ):
        for name in sorted(known - answered):
            yield f'The {kind} "{name}" is missing.'
        for name in sorted(answered - known):
            yield f'There is no {kind} "{name}": answer only for the given ones.'
    present = {loose(f.name) for fs in (answer.fields, *(p.fields for p in answer.parts)) for f in fs}
    present |= {loose(answer.key), *(loose(f.name) for f in aggregate.fields)}
    for attribute in unit.attributes:
        if loose(attribute) not in present:
            yield f'The required attribute "{attribute}" is missing.'


def normalised(answer: BehaviourAnswer, unit: AggregateUnit, remarks: Remarks) -> Aggregate:
    """The aggregate with everything filled: from the answer where it says something valid, else from what is known."""
    fill = _Filling(answer, unit, remarks)
    aggregate = fill.root()
    commands = lookup((c.name, c) for c in answer.commands)
    events = lookup((e.name, e.adds) for e in answer.events)
    read_models = lookup((r.name, r.by) for r in answer.read_models)
    filled = {c.name: fill.command(c, commands.get(loose(c.name))) for c in aggregate.commands}
    return replace(
        aggregate,
        commands=tuple(filled.values()),
        events=tuple(
            fill.event(e, events.get(loose(e.name), ()), [c for c in filled.values() if e.name in c.emits])
            for e in aggregate.events
        ),
        read_models=tuple(
            fill.read_model(r, read_models.get(loose(r.name), ())) for r in aggregate.read_models
        ),
    )


class _Filling:
    """Fills the elements of one aggregate; all of them name the same fields."""

    def __init__(self, answer: BehaviourAnswer, unit: AggregateUnit, remarks: Remarks) -> None:
        self._answer, self._unit, self._remarks = answer, unit, remarks
        self._text = Text(unit.context.document, unit.context.numbers)
        self._types = unit.aggregate.type_names
        self._root: tuple[Field, ...] = ()
        self._known: dict[str, Field] = {}

    def root(self) -> Aggregate:
        """The aggregate's state: its key, what it refers to, its own fields, one for each inner type that has none yet."""
        answer, bare = self._answer, self._unit.aggregate
        parts = tuple(
            self._part(part, lookup((p.name, p) for p in answer.parts)) for part in bare.value_objects
        )
        aggregate = replace(bare, value_objects=parts, invariants=self._rules(answer.rules))
        fields = self._keyed(self._fields(answer.fields))
        fields = once((*fields, *inner_fields(aggregate, fields)))
        aggregate = replace(aggregate, fields=self._remarks.few(fields, MOST_FIELDS, bare.name))
        aggregate = self._with_required(aggregate)
        self._root = aggregate.fields
        members = (*self._root, *self._fields(answer.others))
        self._known = lookup((f.name, replace(f, ranges=())) for f in members)
        return aggregate

    def _fields(
        self, answers: Iterable[FieldAnswer], types: Sequence[str] | None = None
    ) -> tuple[Field, ...]:
        return once(field(answer, self._types if types is None else types, self._text) for answer in answers)

    def _keyed(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """The key first: the one that was answered, else the usual one; then references, with what the answer says of them."""
        usual = next((f for f in self._unit.aggregate.fields if f.is_key), None)
        kept = {f.name.casefold(): f for f in self._unit.aggregate.fields if f.references}
        key = (camel(self._answer.key) or (usual.name if usual else "id")).casefold()
        known = {f.name.casefold(): f for f in fields}
        references = [
            replace(f, alias=f.alias or known[n].alias) if n in known else f for n, f in kept.items()
        ]
        every = once((*references, *fields, guessed(self._answer.key), *filter(None, [usual])))
        first = next((f for f in every if f.name.casefold() == key), usual or every[0])
        given = {f.name.casefold() for f in (*references, *fields)}
        rest = (f for f in every if f is not first and f.name.casefold() in given)
        return (replace(first, is_key=True), *rest)

    def _part(self, part: ValueObject, answered: dict[str, PartFields]) -> ValueObject:
        answer = answered.get(loose(part.name), PartFields(name=part.name))
        members = self._fields(answer.fields, [t for t in self._types if t != part.name])
        if part.is_entity:
            key = camel(answer.key) or f"{camel(part.name)}Id"
            said = next((f for f in members if f.name.casefold() == key.casefold()), guessed(key))
            members = (replace(said, is_key=True), *(f for f in members if f is not said))
        members = self._remarks.few(members, MOST_FIELDS, part.name)
        return replace(part, fields=members or (Field(name="value", type="String"),))

    def _rules(self, rules: Iterable[str]) -> tuple[str, ...]:
        said = tuple(dict.fromkeys(s for s in map(told, rules) if s))
        return self._remarks.few(said, MOST_RULES, self._unit.aggregate.name)

    def _with_required(self, aggregate: Aggregate) -> Aggregate:
        for attribute in self._unit.attributes:
            if loose(attribute) and not has_attribute(aggregate, attribute):
                added = Field(name=_attribute_name(attribute), type="String")
                aggregate = replace(aggregate, fields=(*aggregate.fields, added))
                self._remarks.tell(
                    f'{aggregate.name}: the requested attribute "{attribute}" was added.',
                    f"{aggregate.name}: 요청한 속성 '{attribute}'을(를) 추가했습니다.",
                )
        return aggregate

    # ------------------------------------------------------------ what names fields

    def command(self, command: Command, answer: CommandBehaviour | None) -> Command:
        kind = _kind(answer.kind if answer else "", command.name)
        usual = [f for f in self._root if f.is_key or kind is not CommandKind.DELETE]
        fields = self._named(answer.fields) if answer else tuple(replace(f, ranges=()) for f in usual)
        description = told(answer.description) if answer else ""
        return replace(command, kind=kind, description=description, fields=fields)

    def event(self, event: Event, adds: Iterable[str], commands: Sequence[Command]) -> Event:
        """The key and what its commands carry; what is added; the status if it changes one."""
        keys = [replace(f, ranges=()) for f in self._root if f.is_key]
        carried = [f for c in commands for f in c.fields]
        return replace(event, fields=once((*keys, *carried, *self._named(adds), *self._status(event))))

    def _status(self, event: Event) -> list[Field]:
        own = [
            e.name for e in self._unit.aggregate.enumerations if any(i.value == event.state for i in e.items)
        ]
        return [replace(f, ranges=()) for f in self._root if f.type in own[:1]]

    def read_model(self, read_model: ReadModel, by: Iterable[str]) -> ReadModel:
        """Asked by fields that exist; what it shows has the types that are known of it."""
        columns = once(self._known.get(loose(f.name), f) for f in read_model.columns)
        known = self._known | lookup((f.name, f) for f in columns)
        asked = [(name, known.get(loose(name))) for name in by if name.strip()]
        if strangers := [name for name, found in asked if found is None]:
            self._remarks.warn(
                f"{read_model.name} is not narrowed by {listed(strangers)}: there is no such field.",
                f"{read_model.name}: {listed(strangers)} 속성이 없어 조회 조건에서 제외했습니다.",
            )
        return replace(read_model, columns=columns, parameters=once(found for _, found in asked if found))

    def _named(self, names: Iterable[str]) -> tuple[Field, ...]:
        """The fields of these names; one that is described nowhere has the type that its name suggests."""
        return once(self._known.get(loose(name)) or guessed(name) for name in names)


def _attribute_name(attribute: str) -> str:
    """In camelCase; as it was asked for, without separators, where that would change more than case."""
    name = camel(attribute)
    return name if loose(name) == loose(attribute) else re.sub(r"[\W_]+", "", attribute)


def _kind(said: str, command: str) -> CommandKind:
    """What a command does, as said, else judged by its verb."""
    if said in list(CommandKind):
        return CommandKind(said)
    if command.startswith(_DELETING):
        return CommandKind.DELETE
    return CommandKind.CREATE if command.startswith(_CREATING) else CommandKind.UPDATE
