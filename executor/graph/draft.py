"""Step `draft`: the aggregates of a bounded context, with the names of their types and their references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from langgraph.runtime import Runtime

from executor.graph.answers import DraftAnswer, DraftedAggregate
from executor.graph.asking import Asking, Remarks, listed
from executor.graph.identifiers import is_pascal, pascal
from executor.graph.inputs import CONTEXT, shown
from executor.graph.normalise import named, ranges, told
from executor.graph.state import ContextState, ContextUnit, DraftAggregate, RunContext
from executor.graph.text import Document
from executor.model import once


async def draft(state: ContextState, runtime: Runtime[RunContext]) -> ContextState:
    """One bounded context."""
    unit = state["unit"]
    asking = Asking(runtime, "draft", unit)
    blocks = {
        "context": {**shown(unit, *CONTEXT), "aggregates": shown(unit.owned)},
        "others": shown(unit.others),
        "lines": asking.lines(unit),
    }
    answer = await asking.ask(DraftAnswer, blocks, lambda answer: check(answer, unit))
    drafted = normalised(answer, unit, asking) if answer else ()
    aggregates = drafted or tuple(DraftAggregate(name=a.name, alias=a.alias) for a in unit.owned)
    unit = replace(unit, aggregates=aggregates)
    _remark(unit, asking)
    return {"unit": unit, **asking.outcome(aggregates)}


def check(answer: DraftAnswer, unit: ContextUnit) -> Iterator[str]:
    """What is wrong with an answer."""
    if not answer.aggregates:
        yield "There is no aggregate: name at least one."
    theirs = _owned_by_others(unit)
    seen: set[str] = set()
    for aggregate in answer.aggregates:
        if not is_pascal(aggregate.name):
            yield f'The name "{aggregate.name}" is not an English PascalCase identifier.'
        if aggregate.name in seen:
            yield f'The aggregate "{aggregate.name}" appears twice.'
        if aggregate.name.casefold() in theirs:
            yield f'The aggregate "{aggregate.name}" belongs to another context: refer to it instead.'
        seen.add(aggregate.name)


def _owned_by_others(unit: ContextUnit) -> set[str]:
    ours = {a.name.casefold() for a in unit.owned}
    return {name.casefold() for other in unit.others for name in other.aggregates} - ours


def normalised(answer: DraftAnswer, unit: ContextUnit, remarks: Remarks) -> tuple[DraftAggregate, ...]:
    """The aggregates that are this context's own, each once."""
    aggregates = [_aggregate(drafted, unit.document) for drafted in answer.aggregates]
    theirs = _owned_by_others(unit)
    for name in (a.name for a in aggregates if a.name.casefold() in theirs):
        remarks.tell(
            f"{unit.alias}: {name} belongs to another bounded context and is only referred to.",
            f"{unit.alias}: {name}은(는) 다른 바운디드 컨텍스트의 것이므로 참조만 합니다.",
        )
    return once(aggregates, taken=theirs)


def _aggregate(drafted: DraftedAggregate, lines: Document) -> DraftAggregate:
    name = pascal(drafted.name)
    enumerations = once(named(drafted.enumerations), taken={name.casefold()})
    taken = {name.casefold(), *(e.name.casefold() for e in enumerations)}
    return DraftAggregate(
        name=name,
        alias=told(drafted.alias),
        description=told(drafted.description),
        enumerations=enumerations,
        value_objects=once(named(drafted.value_objects), taken=taken),
        references=tuple(dict.fromkeys(r for r in map(pascal, drafted.references) if r and r != name)),
        ranges=ranges(drafted.sources, lines),
    )


def _remark(unit: ContextUnit, remarks: Remarks) -> None:
    if aggregates := unit.aggregates:
        names = listed(a.alias or a.name for a in aggregates)
        remarks.tell(
            f"{unit.alias}: {len(aggregates)} aggregate(s): {names}.",
            f"{unit.alias}: 애그리거트 {len(aggregates)}개: {names}",
        )
    else:
        remarks.warn(
            f"{unit.alias} was left out: no aggregate was found in its text.",
            f"{unit.alias}: 글에서 애그리거트를 찾지 못해 제외했습니다.",
        )
