"""Step `line_map`: which lines of a chunk belong to which bounded context."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from langgraph.runtime import Runtime

from executor.graph.answers import LineMapAnswer
from executor.graph.asking import Asking
from executor.graph.merge import described
from executor.graph.normalise import lookup
from executor.graph.state import ChunkState, ChunkUnit, FoundContext, LineMap, Outcome, RunContext
from executor.graph.text import numbered, spans
from executor.model import loose

TOLERATED_GAPS = 0.1  # share of the lines an answer may forget before it is sent back


async def line_map(state: ChunkState, runtime: Runtime[RunContext]) -> Outcome:
    """One chunk."""
    unit = state["unit"]
    asking = Asking(runtime, "line_map", unit)
    filled = [n for n in unit.numbers if unit.document[n - 1].strip()]
    blocks = {"contexts": described(unit.found), "lines": numbered(unit.document, unit.numbers)}
    answer = await asking.ask(LineMapAnswer, blocks, lambda answer: check(answer, unit.found, filled))
    if answer:
        return asking.outcome(normalised(answer, unit))
    where = spans(unit.numbers)
    asking.warn(
        f"Lines {where} could not be assigned, so every bounded context sees them.",
        f"{where}번째 줄을 나누지 못해 모든 바운디드 컨텍스트가 함께 봅니다.",
    )
    return asking.outcome(LineMap(lines=tuple((i, unit.numbers) for i in range(len(unit.found)))))


def check(answer: LineMapAnswer, found: Sequence[FoundContext], numbers: Sequence[int]) -> Iterator[str]:
    """What is wrong with an answer; `numbers` are the lines that are not blank."""
    known = {loose(context.name) for context in found} | {""}
    for name in sorted({r.context for r in answer.ranges if loose(r.context) not in known}):
        yield f'"{name}" is not one of the given contexts.'
    last = max(numbers, default=0)
    covered = {n for r in answer.ranges for n in range(max(r.first_line, 1), min(r.last_line, last) + 1)}
    forgotten = [n for n in numbers if n not in covered]
    if len(forgotten) > TOLERATED_GAPS * len(numbers):
        yield f"These lines are in no range: {spans(forgotten)}."


def normalised(answer: LineMapAnswer, unit: ChunkUnit) -> LineMap:
    """Every line has its contexts or describes no behaviour. A forgotten line goes where the line before it went."""
    index = lookup((context.name, i) for i, context in enumerate(unit.found))
    places: dict[int, set[int]] = {n: set() for n in unit.numbers}
    silent: set[int] = set()
    for r in answer.ranges:
        inside = range(max(r.first_line, unit.numbers[0]), min(r.last_line, unit.numbers[-1]) + 1)
        if not loose(r.context):
            silent.update(inside)
        elif loose(r.context) in index:
            for n in inside:
                places[n].add(index[loose(r.context)])
    silent = {n for n in silent if not places[n]}
    _inherit(places, silent, unit.numbers)
    everywhere = set(range(len(unit.found)))
    homes = {n: () if n in silent else contexts or everywhere for n, contexts in places.items()}
    return LineMap(
        lines=tuple((i, tuple(n for n, home in homes.items() if i in home)) for i in range(len(unit.found))),
        no_behaviour=tuple(sorted(silent)),
    )


def _inherit(places: dict[int, set[int]], silent: set[int], numbers: Sequence[int]) -> None:
    for run in (numbers, numbers[::-1]):
        before: set[int] = set()
        for n in run:
            if not places[n] and n not in silent:
                places[n] = set(before)
            before = places[n] or before
