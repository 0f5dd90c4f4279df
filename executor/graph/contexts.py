"""Step `contexts`: which bounded contexts a chunk of the requirements speaks of, and which aggregates each owns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from langgraph.runtime import Runtime

from executor.graph.answers import ContextAnswer, ContextsAnswer
from executor.graph.asking import Asking, Remarks, listed
from executor.graph.identifiers import is_pascal, pascal
from executor.graph.normalise import named, ranges, told
from executor.graph.state import ChunkState, ChunkUnit, FoundContext, Outcome, RunContext
from executor.graph.text import Document, numbered, spans
from executor.model import once


async def contexts(state: ChunkState, runtime: Runtime[RunContext]) -> Outcome:
    """One chunk."""
    unit = state["unit"]
    asking = Asking(runtime, "contexts", unit)
    answer = await asking.ask(ContextsAnswer, {"lines": numbered(unit.document, unit.numbers)}, check)
    found = normalised(answer, unit.document) if answer else ()
    if answer:
        _remark(found, unit, asking)
    else:
        where = spans(unit.numbers)
        asking.warn(
            f"Lines {where}: the language model's answer could not be used, so no bounded context was read from them.",
            f"{where}번째 줄: 언어 모델의 답변을 사용할 수 없어 바운디드 컨텍스트를 읽지 못했습니다.",
        )
    return asking.outcome(found)


def check(answer: ContextsAnswer) -> Iterator[str]:
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


def normalised(answer: ContextsAnswer, lines: Document) -> tuple[FoundContext, ...]:
    """The named contexts, each once; an aggregate belongs to the first context that claims it."""
    owned: set[str] = set()
    found = []
    for context in once(_found(context, lines) for context in answer.contexts):
        aggregates = tuple(a for a in context.aggregates if a.name not in owned)
        owned.update(a.name for a in aggregates)
        found.append(replace(context, aggregates=aggregates))
    return tuple(found)


def _found(context: ContextAnswer, lines: Document) -> FoundContext:
    return FoundContext(
        name=pascal(context.name),
        alias=told(context.alias),
        description=told(context.description),
        aggregates=named(context.aggregates),
        numbers=tuple(sorted({r.start_line for r in ranges(context.sources, lines)})),
    )


def _remark(found: tuple[FoundContext, ...], unit: ChunkUnit, remarks: Remarks) -> None:
    where = spans(unit.numbers)
    if found:
        names = listed(context.alias or context.name for context in found)
        remarks.tell(
            f"Lines {where}: found {len(found)} bounded context(s): {names}.",
            f"{where}번째 줄에서 바운디드 컨텍스트 {len(found)}개를 찾았습니다: {names}",
        )
    else:
        remarks.warn(
            f"Lines {where}: no bounded context was found.",
            f"{where}번째 줄에서 바운디드 컨텍스트를 찾지 못했습니다.",
        )
