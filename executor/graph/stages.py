"""How far a job is, in the stages the canvas counts: 11 from requirements, 8 from a draft."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from executor.graph import assemble
from executor.graph.state import ContextPlan, GraphInput, Pair, Unit
from executor.graph.text import chunks, document
from executor.model import EventStormingModel

UNTIL_NAMED = 3  # the skeleton, the details and the names: known together at the join
AFTER_NAMED = ("behaviour", "policies", "references", "scenarios", "screens")


class Stages:
    """Counts the stages whose units have all answered. A stage that nobody expects yet is not finished."""

    def __init__(self, input: GraphInput) -> None:
        self.total = UNTIL_NAMED + len(AFTER_NAMED) + (0 if input.from_draft else 3)
        self.current = 1
        self._expected: dict[str, set[Unit]] = {}
        self._named = self._done = False
        self._drafting: set[Unit] | None = None
        self._chunks = 0
        if not input.from_draft:
            self._chunks = len(chunks(document(input.requirements)))
            self._expected["contexts"] = {(i,) for i in range(self._chunks)}

    def planned(self, plans: Sequence[ContextPlan]) -> None:
        """The contexts are known, so the lines are mapped."""
        self._expected["line_map"] = set()
        self._expected["draft"] = {plan.unit for plan in plans}
        self._drafting = {plan.unit for plan in plans if not plan.aggregates}

    def joined(
        self, plans: Sequence[ContextPlan], named: EventStormingModel, unresolved: Sequence[Pair]
    ) -> None:
        """All names are known, so it is known what is left to ask."""
        self._named = True
        aggregates = assemble.aggregate_plans(plans, named)
        self._expected |= {
            "behaviour": {plan.unit for plan in aggregates},
            "scenarios": {plan.unit for plan in aggregates if plan.aggregate.commands},
            "screens": {plan.unit for plan in aggregates},
            "policies": {plan.unit for plan in assemble.policy_plans(plans, named)},
            "references": {(pair.index,) for pair in unresolved},
        }

    def finished(self) -> None:
        """Nothing is left to do."""
        self._done = True

    def advanced(self, answered: Collection[tuple[str, Unit]]) -> bool:
        """Counts again; whether it is more than before. The last stage ends with the job and not before."""
        steps = (
            AFTER_NAMED
            if self.total == UNTIL_NAMED + len(AFTER_NAMED)
            else ("contexts", "line_map", "draft", *AFTER_NAMED)
        )
        count = sum(self._complete(step, answered) for step in steps) + (UNTIL_NAMED if self._named else 0)
        before, self.current = (
            self.current,
            self.total if self._done else max(self.current, min(count, self.total - 1)),
        )
        return self.current > before

    def questions_in_a_row(self, answered: Collection[tuple[str, Unit]]) -> int:
        """Questions still to come on the longest way to the end, each waiting for the one before, as far as is known."""
        if self._done:
            return 0
        if self._named:
            return 1 if self._complete("behaviour", answered) else 2
        if self._drafting is not None:
            return 3 if all(("draft", unit) in answered for unit in self._drafting) else 4
        if self._chunks and not self._complete("contexts", answered):
            return 6 if self._chunks == 1 else 7
        return 5 if self._chunks else 4

    def _complete(self, step: str, answered: Collection[tuple[str, Unit]]) -> bool:
        return step in self._expected and all((step, unit) in answered for unit in self._expected[step])
