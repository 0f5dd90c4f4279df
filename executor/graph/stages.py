"""How far a job is, in the stages the canvas counts: 11 from requirements, 8 from a draft."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from executor.graph.state import ContextUnit, GraphInput, Pair, Place
from executor.graph.text import chunks, document
from executor.graph.units import for_policies, of_aggregates
from executor.model import EventStormingModel

UNTIL_NAMED = 3  # the skeleton, the details and the names: known together at the join
UNTIL_DRAFTED = ("contexts", "line_map", "draft")
AFTER_NAMED = ("behaviour", "policies", "references", "scenarios", "screens")


class Stages:
    """Counts the stages whose units have all answered. A stage that nobody expects yet is not finished."""

    def __init__(self, input: GraphInput) -> None:
        self._steps = AFTER_NAMED if input.from_draft else (*UNTIL_DRAFTED, *AFTER_NAMED)
        self.total = UNTIL_NAMED + len(self._steps)
        self.current = 1
        self._expected: dict[str, set[Place]] = {}
        self._named = self._done = False
        self._drafting: set[Place] | None = None
        self._chunks = 0
        if not input.from_draft:
            self._chunks = len(chunks(document(input.requirements)))
            self._expected["contexts"] = {(i,) for i in range(self._chunks)}

    def found(self, units: Sequence[ContextUnit]) -> None:
        """The contexts are known, so the lines are mapped."""
        self._expected["line_map"] = set()
        self._expected["draft"] = {unit.place for unit in units}
        self._drafting = {unit.place for unit in units if not unit.aggregates}

    def named(
        self, units: Sequence[ContextUnit], named: EventStormingModel, unresolved: Sequence[Pair]
    ) -> None:
        """All names are known, so it is known what is left to ask."""
        self._named = True
        aggregates = of_aggregates(units, named)
        self._expected |= {
            "behaviour": {unit.place for unit in aggregates},
            "scenarios": {unit.place for unit in aggregates if unit.aggregate.commands},
            "screens": {unit.place for unit in aggregates},
            "policies": {unit.place for unit in for_policies(units, named)},
            "references": {pair.place for pair in unresolved},
        }

    def finished(self) -> None:
        """Nothing is left to do."""
        self._done = True

    def advanced(self, answered: Collection[tuple[str, Place]]) -> bool:
        """Counts again; whether it is more than before. The last stage ends with the job and not before."""
        count = sum(self._complete(step, answered) for step in self._steps)
        count += UNTIL_NAMED if self._named else 0
        before = self.current
        self.current = self.total if self._done else max(before, min(count, self.total - 1))
        return self.current > before

    def questions_in_a_row(self, answered: Collection[tuple[str, Place]]) -> int:
        """Questions still to come on the longest way to the end, each waiting for the one before, as far as is known."""
        if self._done:
            return 0
        if self._named:
            return 1 if self._complete("behaviour", answered) else 2
        if self._drafting is not None:
            return 3 if all(("draft", place) in answered for place in self._drafting) else 4
        if self._chunks and not self._complete("contexts", answered):
            return 6 if self._chunks == 1 else 7
        return 5 if self._chunks else 4

    def _complete(self, step: str, answered: Collection[tuple[str, Place]]) -> bool:
        return step in self._expected and all((step, place) in answered for place in self._expected[step])
