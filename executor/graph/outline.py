"""Step `outline`: the bounded contexts of a chunk of the requirements, what each owns, who takes part, what is left open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from langgraph.runtime import Runtime

from executor.graph.answers import ContextAnswer, ExternalSystemAnswer, OutlineAnswer
from executor.graph.asking import Asking, Remarks, listed
from executor.graph.identifiers import is_pascal, pascal
from executor.graph.normalise import named, questions, ranges, told
from executor.graph.state import ChunkState, Outcome, RunContext
from executor.graph.text import Document, numbered, numbers_in, spans
from executor.graph.unit import ChunkUnit, FoundContext, Outline
from executor.model import ExternalSystem, once

TOLERATED_GAPS = 0.1  # share of the lines an answer may forget before it is sent back


async def outline(state: ChunkState, runtime: Runtime[RunContext]) -> Outcome:
    """One chunk."""
    unit = state["unit"]
    asking = Asking(runtime, "outline", unit)
    blocks = {"lines": numbered(unit.document, unit.numbers)}
    answer = await asking.ask(OutlineAnswer, blocks, lambda answer: check(answer, unit))
    if answer:
        found = normalised(answer, unit)
        _remark(found, unit, asking)
        return asking.outcome(found)
    where = spans(unit.numbers)
    asking.warn(
        f"Lines {where}: the language model's answer could not be used, so no bounded context was read from them.",
        f"{where}번째 줄: 언어 모델의 답변을 사용할 수 없어 바운디드 컨텍스트를 읽지 못했습니다.",
    )
    return asking.outcome(Outline())


def check(answer: OutlineAnswer, unit: ChunkUnit) -> Iterator[str]:
    """What is wrong with an answer."""
    if not answer.contexts:
        yield "There is no bounded context: name at least one, unless the text describes no behaviour at all."
    seen: set[str] = set()
    for context in answer.contexts:
        if not is_pascal(context.name):
            yield f'The name "{context.name}" is not an English PascalCase identifier.'
        if context.name in seen:
            yield f'The bounded context "{context.name}" appears twice: join the two.'
        seen.add(context.name)
    said = [lines for context in answer.contexts for lines in (context.owns, context.sees)]
    covered = {n for lines in (answer.silent, *said) for n in numbers_in(lines, len(unit.document))}
    filled = [n for n in unit.numbers if unit.document[n - 1].strip()]
    forgotten = [n for n in filled if n not in covered]
    if len(answer.contexts) > 1 and len(forgotten) > TOLERATED_GAPS * len(filled):
        yield f"Nobody owns these lines, and they are not silent: {spans(forgotten)}."


def normalised(answer: OutlineAnswer, unit: ChunkUnit) -> Outline:
    """The named contexts, each once; an aggregate and a line belong to the first that claims them.

    A line that nobody claims goes where the line before it went.
    """
    contexts = once(_found(context, unit) for context in answer.contexts)
    taken: set[str] = set()
    owned: set[int] = set()
    found = []
    for context in contexts:
        aggregates = once(context.aggregates, taken=taken)
        owns = tuple(n for n in context.owns if n not in owned)
        found.append(replace(context, aggregates=aggregates, owns=owns))
        taken.update(a.name.casefold() for a in aggregates)
        owned.update(owns)
    silent = {n for n in _within(answer.silent, unit) if n not in owned} if owned else set()
    return Outline(
        contexts=tuple(_complete(found, silent, unit)),
        roles=tuple(dict.fromkeys(filter(None, map(told, answer.roles)))),
        systems=once(_system(system, unit.document) for system in answer.external_systems),
        questions=questions(answer.questions, "", unit.document),
        silent=tuple(sorted(silent)),
    )


def _found(context: ContextAnswer, unit: ChunkUnit) -> FoundContext:
    return FoundContext(
        name=pascal(context.name),
        alias=told(context.alias),
        purpose=told(context.purpose),
        aggregates=named(context.aggregates),
        owns=_within(context.owns, unit),
        sees=_within(context.sees, unit),
    )


def _within(said: str, unit: ChunkUnit) -> tuple[int, ...]:
    inside = set(unit.numbers)
    return tuple(sorted(n for n in numbers_in(said, len(unit.document)) if n in inside))


def _system(answer: ExternalSystemAnswer, lines: Document) -> ExternalSystem:
    alias = told(answer.alias)
    return ExternalSystem(
        name=pascal(answer.name),
        alias=alias,
        description=told(answer.purpose),
        ranges=ranges(answer.lines, lines, alias),
    )


def _complete(found: Sequence[FoundContext], silent: set[int], unit: ChunkUnit) -> Iterator[FoundContext]:
    """The contexts with every line of the chunk that is not silent: one whose owner is unknown joins its neighbour above,
    the first ones the one below. Where no line has an owner, the first context owns them all."""
    owner = {n: i for i, context in enumerate(found) for n in context.owns}
    if found and not owner:
        owner = dict.fromkeys(unit.numbers, 0)
    seen = {n for context in found for n in context.sees}
    for numbers in (unit.numbers, unit.numbers[::-1]):
        last: int | None = None
        for n in numbers:
            if n not in owner and n not in silent and n not in seen and last is not None:
                owner[n] = last
            last = owner.get(n, last)
    for i, context in enumerate(found):
        owns = tuple(n for n in unit.numbers if owner.get(n) == i)
        orphans = [
            n for n in context.sees if n not in owner
        ]  # lines that are only looked at belong to whoever looks first
        owner.update(dict.fromkeys(orphans, i))
        yield replace(
            context,
            owns=tuple(sorted((*owns, *orphans))),
            sees=tuple(n for n in context.sees if owner[n] != i),
        )


def _remark(found: Outline, unit: ChunkUnit, remarks: Remarks) -> None:
    where = spans(unit.numbers)
    if found.contexts:
        names = listed(context.alias or context.name for context in found.contexts)
        remarks.tell(
            f"Lines {where}: found {len(found.contexts)} bounded context(s): {names}.",
            f"{where}번째 줄에서 바운디드 컨텍스트 {len(found.contexts)}개를 찾았습니다: {names}",
        )
    else:
        remarks.warn(
            f"Lines {where}: no bounded context was found.",
            f"{where}번째 줄에서 바운디드 컨텍스트를 찾지 못했습니다.",
        )
