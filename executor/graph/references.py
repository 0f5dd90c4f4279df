"""Step `references`: of two aggregates that refer to each other, which one keeps the reference. Asked only then."""

from __future__ import annotations

from collections.abc import Iterator

from langgraph.runtime import Runtime

from executor.graph.answers import ReferenceAnswer
from executor.graph.asking import Remarks, ask, outcome
from executor.graph.question import Unusable
from executor.graph.reduction import told
from executor.graph.state import Outcome, Pair, PairUnit, Run
from executor.model import Aggregate, AggregateReference, loose


async def references(state: PairUnit, runtime: Runtime[Run]) -> Outcome:
    pair = state["pair"]
    unit = (pair.index,)
    remarks = Remarks("references", unit, pair.language)
    data = {"language": pair.language, "pair": _described(pair)}
    answer = await ask(runtime, "references", unit, ReferenceAnswer, data, lambda answer: check(answer, pair))
    return outcome("references", unit, reduced(answer, pair), remarks, answer)


def _described(pair: Pair) -> list[dict[str, object]]:
    return [_one(pair.first, pair.first_context), _one(pair.second, pair.second_context)]


def _one(aggregate: Aggregate, context: str) -> dict[str, object]:
    fields = [field.name for field in aggregate.fields]
    return {
        "name": aggregate.name,
        "context": context,
        "description": aggregate.description,
        "fields": fields,
    }


def check(answer: ReferenceAnswer, pair: Pair) -> Iterator[str]:
    if {answer.from_aggregate, answer.to_aggregate} != {pair.first.name, pair.second.name}:
        yield f'Answer with "{pair.first.name}" and "{pair.second.name}", one in each place.'


def reduced(answer: ReferenceAnswer | Unusable, pair: Pair) -> AggregateReference:
    """The direction that was chosen; in doubt the first aggregate refers to the second."""
    first, second = pair.first.name, pair.second.name
    if isinstance(answer, Unusable):
        return AggregateReference(from_aggregate=first, to_aggregate=second)
    if (loose(answer.from_aggregate), loose(answer.to_aggregate)) == (loose(second), loose(first)):
        first, second = second, first
    return AggregateReference(from_aggregate=first, to_aggregate=second, reason=told(answer.reason))
