"""Step `references`: of two aggregates that refer to each other, which one keeps the reference. Asked only then."""

from __future__ import annotations

from collections.abc import Iterator

from langgraph.runtime import Runtime

from executor.graph.answers import ReferenceAnswer
from executor.graph.asking import Asking
from executor.graph.normalise import told
from executor.graph.state import Outcome, Pair, PairState, RunContext
from executor.model import Aggregate, AggregateReference, loose


async def references(state: PairState, runtime: Runtime[RunContext]) -> Outcome:
    """One pair."""
    pair = state["unit"]
    asking = Asking(runtime, "references", pair)
    blocks = {"pair": [_shown(pair.first, pair.first_context), _shown(pair.second, pair.second_context)]}
    answer = await asking.ask(ReferenceAnswer, blocks, lambda answer: check(answer, pair))
    return asking.outcome(normalised(answer, pair))


def _shown(aggregate: Aggregate, context: str) -> dict[str, object]:
    return {
        "name": aggregate.name,
        "context": context,
        "description": aggregate.description,
        "fields": [field.name for field in aggregate.fields],
    }


def check(answer: ReferenceAnswer, pair: Pair) -> Iterator[str]:
    """What is wrong with an answer."""
    if {answer.from_aggregate, answer.to_aggregate} != {pair.first.name, pair.second.name}:
        yield f'Answer with "{pair.first.name}" and "{pair.second.name}", one in each place.'


def normalised(answer: ReferenceAnswer | None, pair: Pair) -> AggregateReference:
    """The direction that was chosen; in doubt the first aggregate refers to the second."""
    first, second = pair.first.name, pair.second.name
    if answer is None:
        return AggregateReference(from_aggregate=first, to_aggregate=second)
    if (loose(answer.from_aggregate), loose(answer.to_aggregate)) == (loose(second), loose(first)):
        first, second = second, first
    return AggregateReference(from_aggregate=first, to_aggregate=second, reason=told(answer.reason))
