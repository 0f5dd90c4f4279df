"""Step `details`: attributes, value objects, enumerations and invariants of one aggregate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from langgraph.runtime import Runtime

from executor.graph.answers import DetailsAnswer, EnumerationAnswer, ValueObjectAnswer
from executor.graph.answers import Named as NamedAnswer
from executor.graph.asking import Asking, Remarks
from executor.graph.identifiers import camel, is_pascal, pascal, upper_snake
from executor.graph.inputs import CONTEXT, shown
from executor.graph.normalise import fields, lookup, ranges, told
from executor.graph.state import DraftAggregate, DraftedState, Named, Outcome, RunContext
from executor.graph.text import Document
from executor.model import (
    Aggregate,
    Enumeration,
    EnumerationItem,
    Field,
    ValueObject,
    has_attribute,
    loose,
    once,
)

NOTHING = DetailsAnswer(
    description="", fields=[], value_objects=[], enumerations=[], invariants=[], sources=[]
)
MOST_ITEMS = 60
MOST_INVARIANTS = 20

_DRAFTED = (*CONTEXT, "enumerations", "value_objects", "references", "required_attributes")


async def details(state: DraftedState, runtime: Runtime[RunContext]) -> Outcome:
    """One aggregate of a draft."""
    unit = state["unit"]
    drafted, context = unit.drafted, unit.context
    asking = Asking(runtime, "details", unit)
    blocks = {
        "context": shown(context, *CONTEXT),
        "aggregate": shown(drafted, *_DRAFTED),
        "lines": asking.lines(context, (drafted.name, drafted.alias, *drafted.required_attributes)),
    }
    answer = await asking.ask(DetailsAnswer, blocks, lambda answer: check(answer, drafted))
    if not answer:
        asking.warn(
            f"The details of {drafted.name} could not be worked out, so it only has a key.",
            f"{drafted.name}의 상세를 만들지 못해 키만 두었습니다.",
        )
    return asking.outcome(normalised(answer or NOTHING, drafted, context.document, asking))


def check(answer: DetailsAnswer, drafted: DraftAggregate) -> Iterator[str]:
    """What is wrong with an answer."""
    if not any(field.is_key for field in answer.fields):
        yield "No attribute is the key: mark the one that identifies the aggregate."
    present = {loose(f.name) for fs in (answer.fields, *(v.fields for v in answer.value_objects)) for f in fs}
    for attribute in drafted.required_attributes:
        if loose(attribute) not in present:
            yield f'The required attribute "{attribute}" is missing.'
    filled = {loose(v.name) for v in answer.value_objects if v.fields}
    filled |= {loose(e.name) for e in answer.enumerations if e.items}
    for wanted in (*drafted.enumerations, *drafted.value_objects):
        if loose(wanted.name) not in filled:
            yield f'"{wanted.name}" is missing or has no content.'
    for name in (*(v.name for v in answer.value_objects), *(e.name for e in answer.enumerations)):
        if not is_pascal(name):
            yield f'The name "{name}" is not an English PascalCase identifier.'


def normalised(
    answer: DetailsAnswer, drafted: DraftAggregate, lines: Document, remarks: Remarks
) -> Aggregate:
    """An aggregate with its types filled and every required attribute present; it may still lack a key."""
    taken = {drafted.name.casefold(), *(f"{name}id".casefold() for name in drafted.references)}
    filled = [e for e in answer.enumerations if any(upper_snake(item.value) for item in e.items)]
    enumerations = _types(drafted.enumerations, filled, taken)
    objects = _types(drafted.value_objects, [v for v in answer.value_objects if v.fields], taken)
    types = [named.name for named, _ in (*enumerations, *objects)]
    aggregate = Aggregate(
        name=drafted.name,
        alias=drafted.alias,
        description=told(answer.description) or drafted.description,
        fields=fields(answer.fields, lines, types),
        value_objects=tuple(_value_object(named, found, lines, types) for named, found in objects),
        enumerations=tuple(_enumeration(named, found, lines) for named, found in enumerations),
        invariants=tuple(dict.fromkeys(s for s in map(told, answer.invariants) if s))[:MOST_INVARIANTS],
        ranges=drafted.ranges or ranges(answer.sources, lines),
    )
    return _with_required(aggregate, drafted, remarks)


_Type = TypeVar("_Type", bound=NamedAnswer)


def _types(
    drafted: Sequence[Named], answers: Sequence[_Type], taken: set[str]
) -> list[tuple[Named, _Type | None]]:
    """The draft's own types, then those that the answer adds, each with its answer; their names are taken then."""
    by_name = lookup((answer.name, answer) for answer in answers)
    known = {loose(named.name) for named in drafted}
    added = [Named(name=pascal(answer.name)) for answer in answers if loose(answer.name) not in known]
    kept = once((*drafted, *added), taken=taken)
    taken.update(named.name.casefold() for named in kept)
    return [(named, by_name.get(loose(named.name))) for named in kept]


def _enumeration(named: Named, answer: EnumerationAnswer | None, lines: Document) -> Enumeration:
    if answer is None:
        return Enumeration(name=named.name, alias=named.alias, items=(EnumerationItem(value="UNSPECIFIED"),))
    items: dict[str, EnumerationItem] = {}
    for item in answer.items[:MOST_ITEMS]:
        if value := upper_snake(item.value):
            items.setdefault(value, EnumerationItem(value=value, ranges=ranges(item.sources, lines)))
    return Enumeration(
        name=named.name,
        alias=named.alias or told(answer.alias),
        items=tuple(items.values()),
        ranges=ranges(answer.sources, lines),
    )


def _value_object(
    named: Named, answer: ValueObjectAnswer | None, lines: Document, types: Sequence[str]
) -> ValueObject:
    members = fields(answer.fields, lines, [t for t in types if t != named.name]) if answer else ()
    return ValueObject(
        name=named.name,
        alias=named.alias or (told(answer.alias) if answer else ""),
        fields=tuple(replace(f, is_key=False) for f in members) or (Field(name="value", type="String"),),
        ranges=ranges(answer.sources, lines) if answer else (),
    )


def _with_required(aggregate: Aggregate, drafted: DraftAggregate, remarks: Remarks) -> Aggregate:
    for attribute in drafted.required_attributes:
        if loose(attribute) and not has_attribute(aggregate, attribute):
            added = Field(name=_attribute_name(attribute), type="String")
            aggregate = replace(aggregate, fields=(*aggregate.fields, added))
            remarks.tell(
                f'{aggregate.name}: the requested attribute "{attribute}" was added.',
                f"{aggregate.name}: 요청한 속성 '{attribute}'을(를) 추가했습니다.",
            )
    return aggregate


def _attribute_name(attribute: str) -> str:
    """In camelCase; as it was asked for, without separators, where that would change more than case."""
    name = camel(attribute)
    return name if loose(name) == loose(attribute) else re.sub(r"[\W_]+", "", attribute)
