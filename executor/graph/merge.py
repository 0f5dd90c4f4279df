"""Step `merge`: one outline of the whole text from what the chunks found. Asks only when there is something to merge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from langgraph.runtime import Runtime

from executor.errors import NothingUsable
from executor.graph.answers import MergeAnswer
from executor.graph.asking import Asking, demand_usable, listed
from executor.graph.identifiers import pascal
from executor.graph.inputs import shown
from executor.graph.normalise import lookup, told
from executor.graph.state import JobState, Outcome, RunContext, of_step
from executor.graph.unit import FoundContext, Outline, whole_job
from executor.model import loose, once


async def merge(state: JobState, runtime: Runtime[RunContext]) -> Outcome:
    """The whole text."""
    language = state["input"].language
    chunks: list[Outline] = [part.value for part in of_step(state["parts"], "outline")]
    whole = unmerged(chunks)
    if not whole.contexts:
        demand_usable(state["parts"], "outline", language)
        if whole.questions:
            raise NothingUsable(
                language.pick(
                    f"No bounded context was found. {whole.questions[0].text}",
                    f"바운디드 컨텍스트를 찾지 못했습니다. {whole.questions[0].text}",
                )
            )
        raise NothingUsable(
            language.pick(
                "No bounded context was found: the text seems to describe no behaviour.",
                "바운디드 컨텍스트를 찾지 못했습니다. 동작을 설명하는 글이 아닌 것 같습니다.",
            )
        )
    asking = Asking(runtime, "merge", whole_job(state["input"].language))
    found = whole.contexts
    if len(found) == 1 or sum(1 for chunk in chunks if chunk.contexts) < 2:
        return asking.outcome(whole)
    described = [{**shown(c), "aggregates": [a.name for a in c.aggregates]} for c in found]
    answer = await asking.ask(MergeAnswer, {"contexts": described}, lambda answer: check(answer, found))
    merged = normalised(answer, found) if answer else found
    names = listed(context.alias or context.name for context in merged)
    asking.tell(
        f"The whole text has {len(merged)} bounded context(s): {names}.",
        f"글 전체의 바운디드 컨텍스트는 {len(merged)}개입니다: {names}",
    )
    return asking.outcome(replace(whole, contexts=merged))


def unmerged(outlines: Iterable[Outline]) -> Outline:
    """Of all the chunks, before anybody was asked which contexts are one."""
    chunks = tuple(outlines)
    return Outline(
        contexts=without_doubles(context for chunk in chunks for context in chunk.contexts),
        roles=tuple(dict.fromkeys(role for chunk in chunks for role in chunk.roles)),
        systems=once(system for chunk in chunks for system in chunk.systems),
        questions=tuple(question for chunk in chunks for question in chunk.questions),
        silent=tuple(n for chunk in chunks for n in chunk.silent),
    )


def check(answer: MergeAnswer, found: Sequence[FoundContext]) -> Iterator[str]:
    """What is wrong with an answer."""
    known = {loose(context.name) for context in found}
    replaced = [loose(name) for context in answer.contexts for name in context.replaces]
    for name in sorted(known - set(replaced)):
        yield f'No context replaces "{name}".'
    for name in sorted(set(replaced) - known):
        yield f'"{name}" is not one of the given contexts.'
    if len(set(replaced)) < len(replaced):
        yield "A context is replaced by two others."


def normalised(answer: MergeAnswer, found: Sequence[FoundContext]) -> tuple[FoundContext, ...]:
    """What the answer joins is joined; what it forgets stays as it is."""
    left = lookup((context.name, context) for context in found)
    merged = []
    for context in answer.contexts:
        joins = [left.pop(loose(name)) for name in dict.fromkeys(context.replaces) if loose(name) in left]
        if joins:
            one = replace(
                _union(joins),
                name=pascal(context.name) or joins[0].name,
                alias=told(context.alias) or joins[0].alias,
                purpose=told(context.purpose) or joins[0].purpose,
            )
            merged.append(one)
    return without_doubles([*merged, *left.values()])


def without_doubles(contexts: Iterable[FoundContext]) -> tuple[FoundContext, ...]:
    """Contexts of the same name become one, in order of appearance; each aggregate has one owner."""
    groups: dict[str, list[FoundContext]] = {}
    for context in contexts:
        groups.setdefault(context.name.casefold(), []).append(context)
    owned: set[str] = set()
    unique = []
    for one in map(_union, groups.values()):
        aggregates = once(one.aggregates, taken=owned)
        owned.update(a.name.casefold() for a in aggregates)
        unique.append(replace(one, aggregates=aggregates))
    return tuple(unique)


def _union(contexts: Sequence[FoundContext]) -> FoundContext:
    return replace(
        contexts[0],
        aggregates=once(a for context in contexts for a in context.aggregates),
        owns=tuple(sorted({n for context in contexts for n in context.owns})),
        sees=tuple(sorted({n for context in contexts for n in context.sees})),
    )
