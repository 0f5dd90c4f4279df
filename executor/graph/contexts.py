"""Step `contexts`: which bounded contexts a chunk of the requirements speaks of, and which aggregates each owns."""

from __future__ import annotations

from collections.abc import Iterator

from langgraph.runtime import Runtime

from executor.graph.answers import ContextAnswer, ContextsAnswer
from executor.graph.asking import Remarks, ask, joined, outcome
from executor.graph.identifiers import is_pascal, pascal
from executor.graph.question import Unusable
from executor.graph.reduction import named, ranges, told
from executor.graph.state import ChunkUnit, FoundContext, Outcome, Run
from executor.graph.text import Document, numbered, spans


async def contexts(state: ChunkUnit, runtime: Runtime[Run]) -> Outcome:
    unit = (state["index"],)
    remarks = Remarks("contexts", unit, state["language"])
    data = {"language": state["language"], "lines": numbered(state["document"], state["numbers"])}
    answer = await ask(runtime, "contexts", unit, ContextsAnswer, data, check)
    if isinstance(answer, Unusable):
        _remark_unusable(state["numbers"], remarks)
        return outcome("contexts", unit, (), remarks, answer)
    found = reduced(answer, state["document"])
    _remark(found, state["numbers"], remarks)
    return outcome("contexts", unit, found, remarks, answer)


def check(answer: ContextsAnswer) -> Iterator[str]:
    if not answer.contexts:
        yield "There is no bounded context: name at least one, unless the text describes no behaviour at all."
    seen: set[str] = set()
    for context in answer.contexts:
        if not is_pascal(context.name):
            yield f'The name "{context.name}" is not an English PascalCase identifier.'
        if context.name in seen:
            yield f'The bounded context "{context.name}" appears twice: join the two.'
        seen.add(context.name)


def reduced(answer: ContextsAnswer, lines: Document) -> tuple[FoundContext, ...]:
    """The named contexts, each once; an aggregate belongs to the first context that claims it."""
    found: dict[str, FoundContext] = {}
    owned: set[str] = set()
    for context in answer.contexts:
        name = pascal(context.name)
        if name and name.casefold() not in found:
            one = _found(context, name, lines, owned)
            owned.update(a.name for a in one.aggregates)
            found[name.casefold()] = one
    return tuple(found.values())


def _found(context: ContextAnswer, name: str, lines: Document, taken: set[str]) -> FoundContext:
    numbers = {r.start_line for r in ranges(context.sources, lines)}
    return FoundContext(
        name=name,
        alias=told(context.alias),
        description=told(context.description),
        aggregates=tuple(a for a in named(context.aggregates) if a.name not in taken),
        numbers=tuple(sorted(numbers)),
    )


def _remark_unusable(numbers: tuple[int, ...], remarks: Remarks) -> None:
    where = spans(numbers)
    remarks.warn(
        f"Lines {where}: the language model's answer could not be used, so no bounded context was read from them.",
        f"{where}번째 줄: 언어 모델의 답변을 사용할 수 없어 바운디드 컨텍스트를 읽지 못했습니다.",
    )


def _remark(found: tuple[FoundContext, ...], numbers: tuple[int, ...], remarks: Remarks) -> None:
    where = spans(numbers)
    if found:
        names = joined(context.alias or context.name for context in found)
        remarks.tell(
            f"Lines {where}: found {len(found)} bounded context(s): {names}.",
            f"{where}번째 줄에서 바운디드 컨텍스트 {len(found)}개를 찾았습니다: {names}",
        )
    else:
        remarks.warn(
            f"Lines {where}: no bounded context was found.",
            f"{where}번째 줄에서 바운디드 컨텍스트를 찾지 못했습니다.",
        )
