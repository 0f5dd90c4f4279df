"""The nodes that ask nothing: the units of the contexts, the join of all names, and the finish."""

from __future__ import annotations

from collections.abc import Sequence

from executor.errors import NothingUsable
from executor.graph import assemble, units
from executor.graph.asking import Remarks, demand_usable, listed
from executor.graph.given import GraphInput
from executor.graph.reading import raw_of
from executor.graph.state import JobState, Part
from executor.graph.text import Document, document, spans
from executor.graph.unit import whole_job
from executor.model import EventStormingModel, owners_of_screens, traced_lines


async def plan(state: JobState) -> JobState:
    """The contexts are known: each gets its text."""
    input = state["input"]
    if input.from_draft:
        return {"units": units.from_draft(input), "notes": ()}
    found = units.from_requirements(input, state["parts"])
    kept = {unit.index for unit in found}
    remarks = Remarks("plan", whole_job(input.language))
    contexts = units.outline_of(state["parts"]).contexts
    lost = [c.alias or c.name for i, c in enumerate(contexts) if i not in kept]
    if lost:
        remarks.warn(
            f"Left out, because no line speaks of them: {listed(lost)}.",
            f"해당하는 줄이 없어 제외했습니다: {listed(lost)}",
        )
    return {"units": found, "notes": tuple(remarks.notes)}


async def join(state: JobState) -> JobState:
    """All names are known: they become unique, and nothing is added to them from here on but policies."""
    input, parts = state["input"], state["parts"]
    whole = assemble.named(input, state["units"], parts)
    _demand_something(whole.model, input, parts)
    remarks = Remarks("join", whole_job(input.language))
    for source, target in whole.dangling:
        remarks.warn(
            f"{source}: the reference to {target} was left out, because there is no such aggregate.",
            f"{source}: {target} 애그리거트가 없어 참조를 제외했습니다.",
        )
    for source, target in whole.reversed:
        remarks.warn(
            f"{source} and {target} referred to each other; only the reference from {target} to {source} was kept.",
            f"{source}와(과) {target}이(가) 서로 참조하여 {target}에서 {source}(으)로 가는 참조만 두었습니다.",
        )
    _remark_counts(whole.model, remarks)
    return {"named": whole.model, "notes": (*whole.notes, *remarks.notes)}


def _demand_something(model: EventStormingModel, input: GraphInput, parts: Sequence[Part]) -> None:
    demand_usable(parts, "draft", input.language)
    if not any(a.commands or a.events or a.read_models for a in model.aggregates):
        raise NothingUsable(
            input.language.pick(
                "No command, event or read model could be found: the text seems to describe no behaviour.",
                "커맨드, 이벤트, 리드 모델을 찾지 못했습니다. 동작을 설명하는 글이 아닌 것 같습니다.",
            )
        )


def _remark_counts(model: EventStormingModel, remarks: Remarks) -> None:
    aggregates = model.aggregates
    commands = sum(len(a.commands) for a in aggregates)
    events = sum(len(a.events) for a in aggregates)
    views = sum(len(a.read_models) for a in aggregates)
    remarks.tell(
        f"All names are known: {len(aggregates)} aggregates, {commands} commands, {events} events, {views} read models. "
        "Now working out parameters, scenarios, screens and policies.",
        f"이름이 모두 정해졌습니다: 애그리거트 {len(aggregates)}개, 커맨드 {commands}개, 이벤트 {events}개, 리드 모델 {views}개. "
        "이제 매개변수, 시나리오, 화면, 폴리시를 만듭니다.",
    )


async def finish(state: JobState) -> JobState:
    """Everything is known: the model is checked, repaired and complete."""
    input = state["input"]
    whole = assemble.finished(input, state["units"], state["named"], state["parts"])
    remarks = Remarks("finish", whole_job(input.language))
    _remark_end(whole.model, remarks)
    silent = frozenset(units.outline_of(state["parts"]).silent)
    if not input.from_draft:
        _remark_untraced("", document(input.requirements), traced_lines(whole.model), silent, remarks)
    for unit in state["units"] if input.from_draft else ():
        context = next((c for c in whole.model.bounded_contexts if c.ordinal == unit.index + 1), None)
        traced = traced_lines(whole.model, context)
        _remark_untraced(f"{unit.alias}: ", unit.document, traced, silent, remarks)
    return {"model": whole.model, "notes": (*whole.notes, *remarks.notes)}


def _remark_end(model: EventStormingModel, remarks: Remarks) -> None:
    owners = [owner for a in model.aggregates for owner in owners_of_screens(a)]
    scenarios = sum(len(command.scenarios) for a in model.aggregates for command in a.commands)
    refusals = sum(len(command.refusals) for a in model.aggregates for command in a.commands)
    remarks.tell(
        f"The model is complete: {len(model.policies)} policies, {len(model.references)} references, "
        f"{scenarios} scenarios, {refusals} refusals, {len(owners)} screens.",
        f"모델이 완성되었습니다: 폴리시 {len(model.policies)}개, 참조 {len(model.references)}개, "
        f"시나리오 {scenarios}개, 거절 {refusals}개, 화면 {len(owners)}개",
    )
    if asked := model.open_questions:
        texts = listed((question.text for question in asked), most=8)
        remarks.tell(
            f"Open questions for the author of the text: {len(asked)}: {texts}",
            f"글쓴이에게 물어볼 것 {len(asked)}가지: {texts}",
        )


def _remark_untraced(
    label: str, lines: Document, traced: frozenset[int], silent: frozenset[int], remarks: Remarks
) -> None:
    """Names the lines that no element points to: those said to describe no behaviour apart from the others."""
    left = [n for n, line in enumerate(lines, 1) if raw_of(line).strip() and n not in traced]
    said = silent.union(n for n in left if not lines[n - 1].strip())
    if quiet := [n for n in left if n in said]:
        remarks.tell(
            f"{label}Lines that describe no behaviour: {spans(quiet)}.",
            f"{label}동작을 설명하지 않는 줄: {spans(quiet)}",
        )
    if other := [n for n in left if n not in said]:
        remarks.tell(
            f"{label}Lines that became no sticker: {spans(other)}.",
            f"{label}스티커가 되지 않은 줄: {spans(other)}",
        )
