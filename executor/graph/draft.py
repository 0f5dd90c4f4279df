"""Step `draft`: the aggregates of a bounded context, with the names of their types and their references."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from langgraph.runtime import Runtime

from executor.graph.answers import DraftAnswer, DraftedAggregate
from executor.graph.asking import Remarks, ask, joined, lines_for, outcome, shown_others
from executor.graph.identifiers import is_pascal, pascal
from executor.graph.question import Unusable
from executor.graph.reduction import named, ranges, told
from executor.graph.state import ContextPlan, ContextUnit, DraftAggregate, Part, Run, of_step


async def draft(state: ContextUnit, runtime: Runtime[Run]) -> ContextUnit:
    plan = state["plan"]
    remarks = Remarks("draft", plan.unit, plan.language)
    answer = await ask(
        runtime, "draft", plan.unit, DraftAnswer, _data(plan, remarks), lambda answer: check(answer, plan)
    )
    drafted = () if isinstance(answer, Unusable) else reduced(answer, plan, remarks)
    aggregates = drafted or tuple(DraftAggregate(name=a.name, alias=a.alias) for a in plan.owned)
    _remark(plan, aggregates, remarks)
    update = outcome("draft", plan.unit, aggregates, remarks, answer)
    return {"plan": replace(plan, aggregates=aggregates), **update}


def _data(plan: ContextPlan, remarks: Remarks) -> dict[str, object]:
    owned = [{"name": a.name, "alias": a.alias} for a in plan.owned]
    context = {"name": plan.name, "alias": plan.alias, "aggregates": owned}
    return {
        "language": plan.language,
        "context": {**context, "description": "" if plan.ranges_in_description else plan.description},
        "others": shown_others(plan),
        "lines": lines_for(plan, (), remarks),
    }


def check(answer: DraftAnswer, plan: ContextPlan) -> Iterator[str]:
    if not answer.aggregates:
        yield "There is no aggregate: name at least one."
    theirs = _owned_by_others(plan)
    seen: set[str] = set()
    for aggregate in answer.aggregates:
        if not is_pascal(aggregate.name):
            yield f'The name "{aggregate.name}" is not an English PascalCase identifier.'
        if aggregate.name in seen:
            yield f'The aggregate "{aggregate.name}" appears twice.'
        if aggregate.name.casefold() in theirs:
            yield f'The aggregate "{aggregate.name}" belongs to another context: refer to it instead.'
        seen.add(aggregate.name)


def _owned_by_others(plan: ContextPlan) -> set[str]:
    ours = {a.name.casefold() for a in plan.owned}
    return {name.casefold() for other in plan.others for name in other.aggregates} - ours


def reduced(answer: DraftAnswer, plan: ContextPlan, remarks: Remarks) -> tuple[DraftAggregate, ...]:
    """The aggregates that are this context's own, each once."""
    found: dict[str, DraftAggregate] = {}
    theirs = _owned_by_others(plan)
    for drafted in answer.aggregates:
        name = pascal(drafted.name)
        if name.casefold() in theirs:
            remarks.tell(
                f"{plan.alias}: {name} belongs to another bounded context and is only referred to.",
                f"{plan.alias}: {name}은(는) 다른 바운디드 컨텍스트의 것이므로 참조만 합니다.",
            )
        elif name:
            found.setdefault(name.casefold(), _aggregate(drafted, name, plan))
    return tuple(found.values())


def _aggregate(drafted: DraftedAggregate, name: str, plan: ContextPlan) -> DraftAggregate:
    enumerations = named(drafted.enumerations)
    taken = {name.casefold(), *(e.name.casefold() for e in enumerations)}
    return DraftAggregate(
        name=name,
        alias=told(drafted.alias),
        description=told(drafted.description),
        enumerations=tuple(e for e in enumerations if e.name.casefold() != name.casefold()),
        value_objects=tuple(v for v in named(drafted.value_objects) if v.name.casefold() not in taken),
        references=tuple(dict.fromkeys(r for r in map(pascal, drafted.references) if r and r != name)),
        ranges=ranges(drafted.sources, plan.document),
    )


def _remark(plan: ContextPlan, aggregates: Sequence[DraftAggregate], remarks: Remarks) -> None:
    if aggregates:
        names = joined(a.alias or a.name for a in aggregates)
        remarks.tell(
            f"{plan.alias}: {len(aggregates)} aggregate(s): {names}.",
            f"{plan.alias}: 애그리거트 {len(aggregates)}개: {names}",
        )
    else:
        remarks.warn(
            f"{plan.alias} was left out: no aggregate was found in its text.",
            f"{plan.alias}: 글에서 애그리거트를 찾지 못해 제외했습니다.",
        )


def aggregates_of(plan: ContextPlan, parts: Sequence[Part]) -> tuple[DraftAggregate, ...]:
    """A context's aggregates: given with the draft, or drafted here."""
    drafted = [part for part in of_step(parts, "draft") if part.unit == plan.unit]
    aggregates: tuple[DraftAggregate, ...] = drafted[0].value if drafted else plan.aggregates
    return aggregates
