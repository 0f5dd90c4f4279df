"""Step `details`: attributes, value objects, enumerations and invariants of one aggregate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from langgraph.runtime import Runtime

from executor.graph.answers import DetailsAnswer, EnumerationAnswer, ValueObjectAnswer
from executor.graph.asking import Remarks, ask, lines_for, outcome
from executor.graph.identifiers import camel, is_pascal, pascal, upper_snake
from executor.graph.question import Unusable
from executor.graph.reduction import fields, lookup, ranges, told
from executor.graph.state import ContextPlan, DetailsUnit, DraftAggregate, Named, Outcome, Run
from executor.graph.text import Document
from executor.model import Aggregate, Enumeration, EnumerationItem, Field, ValueObject, has_attribute, loose

NOTHING = DetailsAnswer(
    description="", fields=[], value_objects=[], enumerations=[], invariants=[], sources=[]
)
MOST_ITEMS = 60
MOST_INVARIANTS = 20


async def details(state: DetailsUnit, runtime: Runtime[Run]) -> Outcome:
    plan, drafted = state["plan"], state["aggregate"]
    unit = (plan.index, state["index"])
    remarks = Remarks("details", unit, plan.language)
    answer = await ask(
        runtime,
        "details",
        unit,
        DetailsAnswer,
        _data(plan, drafted, remarks),
        lambda answer: check(answer, drafted),
    )
    if isinstance(answer, Unusable):
        remarks.warn(
            f"The details of {drafted.name} could not be worked out, so it only has a key.",
            f"{drafted.name}의 상세를 만들지 못해 키만 두었습니다.",
        )
    usable = NOTHING if isinstance(answer, Unusable) else answer
    return outcome("details", unit, reduced(usable, drafted, plan.document, remarks), remarks, answer)


def _data(plan: ContextPlan, drafted: DraftAggregate, remarks: Remarks) -> dict[str, object]:
    return {
        "language": plan.language,
        "context": {"name": plan.name, "alias": plan.alias, "description": _description(plan)},
        "aggregate": {
            "name": drafted.name,
            "alias": drafted.alias,
            "description": drafted.description,
            "enumerations": _listed(drafted.enumerations),
            "value_objects": _listed(drafted.value_objects),
            "references": list(drafted.references),
            "required_attributes": list(drafted.required_attributes),
        },
        "lines": lines_for(plan, (drafted.name, drafted.alias, *drafted.required_attributes), remarks),
    }


def _description(plan: ContextPlan) -> str:
    return "" if plan.ranges_in_description else plan.description


def _listed(types: Sequence[Named]) -> list[dict[str, str]]:
    return [{"name": t.name, "alias": t.alias} for t in types]


def check(answer: DetailsAnswer, drafted: DraftAggregate) -> Iterator[str]:
    if not any(field.is_key for field in answer.fields):
        yield "No attribute is the key: mark the one that identifies the aggregate."
    present = {loose(f.name) for fs in (answer.fields, *(v.fields for v in answer.value_objects)) for f in fs}
    for attribute in drafted.required_attributes:
        if loose(attribute) not in present:
            yield f'The required attribute "{attribute}" is missing.'
    yield from _types(answer, drafted)


def _types(answer: DetailsAnswer, drafted: DraftAggregate) -> Iterator[str]:
    filled = {loose(v.name) for v in answer.value_objects if v.fields}
    filled |= {loose(e.name) for e in answer.enumerations if e.items}
    for wanted in (*drafted.enumerations, *drafted.value_objects):
        if loose(wanted.name) not in filled:
            yield f'"{wanted.name}" is missing or has no content.'
    for name in (*(v.name for v in answer.value_objects), *(e.name for e in answer.enumerations)):
        if not is_pascal(name):
            yield f'The name "{name}" is not an English PascalCase identifier.'


def reduced(answer: DetailsAnswer, drafted: DraftAggregate, lines: Document, remarks: Remarks) -> Aggregate:
    """An aggregate with its types filled and every required attribute present; it may still lack a key."""
    taken = {drafted.name.casefold(), *(f"{name}id".casefold() for name in drafted.references)}
    enumerations = _enumerations(answer.enumerations, drafted.enumerations, lines, taken)
    kept = [v for v in answer.value_objects if v.fields]
    objects = _typed(_wanted([v.name for v in kept], drafted.value_objects), taken)
    types = [*(e.name for e in enumerations), *objects]
    aggregate = Aggregate(
        name=drafted.name,
        alias=drafted.alias,
        description=told(answer.description) or drafted.description,
        fields=fields(answer.fields, lines, types),
        value_objects=_value_objects(objects, kept, drafted.value_objects, lines, types),
        enumerations=enumerations,
        invariants=tuple(dict.fromkeys(s for s in map(told, answer.invariants) if s))[:MOST_INVARIANTS],
        ranges=drafted.ranges or ranges(answer.sources, lines),
    )
    return _with_required(aggregate, drafted, remarks)


def _wanted(answered: Sequence[str], drafted: Sequence[Named]) -> list[str]:
    """Names of types: the draft's own, literally, then what the answer adds."""
    known = {loose(t.name) for t in drafted}
    return [t.name for t in drafted] + [pascal(n) for n in answered if pascal(n) and loose(n) not in known]


def _typed(names: Sequence[str], taken: set[str]) -> list[str]:
    """The names that are still free, each once; they are taken then."""
    free = []
    for name in names:
        if name.strip() and name.casefold() not in taken:
            taken.add(name.casefold())
            free.append(name)
    return free


def _enumerations(
    answers: Sequence[EnumerationAnswer], drafted: Sequence[Named], lines: Document, taken: set[str]
) -> tuple[Enumeration, ...]:
    kept = [e for e in answers if any(upper_snake(item.value) for item in e.items)]
    by_name = lookup((e.name, e) for e in kept)
    aliases = {t.name: t.alias for t in drafted}
    return tuple(
        _enumeration(name, by_name.get(loose(name)), aliases.get(name, ""), lines)
        for name in _typed(_wanted([e.name for e in kept], drafted), taken)
    )


def _enumeration(name: str, answer: EnumerationAnswer | None, alias: str, lines: Document) -> Enumeration:
    if answer is None:
        return Enumeration(name=name, alias=alias, items=(EnumerationItem(value="UNSPECIFIED"),))
    items: dict[str, EnumerationItem] = {}
    for item in answer.items[:MOST_ITEMS]:
        value = upper_snake(item.value)
        if value:
            items.setdefault(value, EnumerationItem(value=value, ranges=ranges(item.sources, lines)))
    alias = alias or told(answer.alias)
    return Enumeration(
        name=name, alias=alias, items=tuple(items.values()), ranges=ranges(answer.sources, lines)
    )


def _value_objects(
    names: Sequence[str],
    answers: Sequence[ValueObjectAnswer],
    drafted: Sequence[Named],
    lines: Document,
    types: Sequence[str],
) -> tuple[ValueObject, ...]:
    by_name = lookup((v.name, v) for v in answers)
    aliases = {t.name: t.alias for t in drafted}
    return tuple(
        _value_object(
            name, by_name.get(loose(name)), aliases.get(name, ""), lines, [t for t in types if t != name]
        )
        for name in names
    )


def _value_object(
    name: str, answer: ValueObjectAnswer | None, alias: str, lines: Document, types: Sequence[str]
) -> ValueObject:
    members = fields(answer.fields, lines, types) if answer else ()
    return ValueObject(
        name=name,
        alias=alias or (told(answer.alias) if answer else ""),
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
