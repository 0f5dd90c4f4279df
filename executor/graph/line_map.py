"""Step `line_map`: which lines of a chunk belong to which bounded context."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from langgraph.runtime import Runtime

from executor.graph.answers import LineMapAnswer
from executor.graph.asking import Remarks, ask, outcome
from executor.graph.merge import described
from executor.graph.question import Unusable
from executor.graph.reduction import lookup
from executor.graph.state import ChunkUnit, FoundContext, Mapping, Outcome, Run
from executor.graph.text import numbered, spans
from executor.model import loose

TOLERATED_GAPS = 0.1  # share of the lines an answer may forget before it is sent back


async def line_map(state: ChunkUnit, runtime: Runtime[Run]) -> Outcome:
    unit = (state["index"],)
    found, numbers, lines = state["found"], state["numbers"], state["document"]
    remarks = Remarks("line_map", unit, state["language"])
    filled = [n for n in numbers if lines[n - 1].strip()]
    data = {"contexts": described(found), "lines": numbered(lines, numbers)}
    answer = await ask(
        runtime, "line_map", unit, LineMapAnswer, data, lambda answer: check(answer, found, filled)
    )
    if isinstance(answer, Unusable):
        where = spans(numbers)
        remarks.warn(
            f"Lines {where} could not be assigned, so every bounded context sees them.",
            f"{where}번째 줄을 나누지 못해 모든 바운디드 컨텍스트가 함께 봅니다.",
        )
        return outcome("line_map", unit, everywhere(found, numbers), remarks, answer)
    return outcome("line_map", unit, reduced(answer, found, numbers), remarks, answer)


def check(answer: LineMapAnswer, found: Sequence[FoundContext], numbers: Sequence[int]) -> Iterator[str]:
    known = {loose(context.name) for context in found} | {""}
    for name in sorted({r.context for r in answer.ranges if loose(r.context) not in known}):
        yield f'"{name}" is not one of the given contexts.'
    covered = {
        n
        for r in answer.ranges
        for n in range(max(r.first_line, 1), min(r.last_line, max(numbers, default=0)) + 1)
    }
    forgotten = [n for n in numbers if n not in covered]
    if len(forgotten) > TOLERATED_GAPS * len(numbers):
        yield f"These lines are in no range: {spans(forgotten)}."


def reduced(answer: LineMapAnswer, found: Sequence[FoundContext], numbers: Sequence[int]) -> Mapping:
    """Every line has its contexts or describes no behaviour. A forgotten line goes where the line before it went."""
    index = lookup((context.name, i) for i, context in enumerate(found))
    places: dict[int, set[int]] = {n: set() for n in numbers}
    silent: set[int] = set()
    for r in answer.ranges:
        inside = range(max(r.first_line, numbers[0]), min(r.last_line, numbers[-1]) + 1)
        if not loose(r.context):
            silent.update(inside)
        elif loose(r.context) in index:
            for n in inside:
                places[n].add(index[loose(r.context)])
    silent = {n for n in silent if not places[n]}
    _inherit(places, silent, numbers)
    return _mapping(places, silent, found)


def _inherit(places: dict[int, set[int]], silent: set[int], numbers: Sequence[int]) -> None:
    for run in (numbers, numbers[::-1]):
        before: set[int] = set()
        for n in run:
            if not places[n] and n not in silent:
                places[n] = set(before)
            before = places[n] or before


def _mapping(places: dict[int, set[int]], silent: set[int], found: Sequence[FoundContext]) -> Mapping:
    homeless = [n for n, contexts in places.items() if not contexts and n not in silent]
    for n in homeless:
        places[n] = set(range(len(found)))
    return Mapping(
        lines=tuple(
            (i, tuple(n for n, contexts in places.items() if i in contexts)) for i in range(len(found))
        ),
        no_behaviour=tuple(sorted(silent)),
    )


def everywhere(found: Sequence[FoundContext], numbers: Sequence[int]) -> Mapping:
    """Every line in every context."""
    return Mapping(lines=tuple((i, tuple(numbers)) for i in range(len(found))))
