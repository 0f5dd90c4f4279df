"""How far a job is, in the stages the canvas counts: 11 from requirements, 8 from a draft."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from executor.graph.given import GraphInput
from executor.graph.text import chunks, document
from executor.graph.unit import ContextUnit, Place
from executor.graph.units import Drafted, for_policies, of_aggregates, to_draft, to_show
from executor.model import EventStormingModel

OUTLINED = {"outline": 2, "draft": 1}
AFTER_NAMED = {"behaviour": 1, "policies": 1, "scenarios": 1, "screens": 1}
NAMED = 4  # stages that are known together at the join: types, commands, events, read models


class Stages:
    """Counts the stages whose units have all answered. A stage that nobody expects yet is not finished."""

    def __init__(self, input: GraphInput) -> None:
        self._weights = AFTER_NAMED if input.from_draft else {**OUTLINED, **AFTER_NAMED}
        self.total = NAMED + sum(self._weights.values())
        self.current = 1
        self._expected: dict[str, set[Place]] = {}
        self._planned = self._named = self._done = False
        self._chunks = 0
        if not input.from_draft:
            self._chunks = len(chunks(document(input.requirements)))
            self._expected["outline"] = {(i,) for i in range(self._chunks)}

    def found(self, units: Sequence[ContextUnit]) -> None:
        """The contexts are known."""
        self._planned = True
        self._expected["draft"] = {group.place for unit in units for group in to_draft(unit)}

    def named(self, units: Sequence[ContextUnit], named: EventStormingModel, drafted: Drafted) -> None:
        """All names are known, so it is known what is left to ask."""
        self._named = True
        aggregates = of_aggregates(units, named, drafted)
        self._expected |= {
            "behaviour": {unit.place for unit in aggregates},
            "scenarios": {group.place for unit in aggregates for group in to_show(unit)},
            "screens": {unit.place for unit in aggregates},
            "policies": {unit.place for unit in for_policies(units, named)},
        }

    def finished(self) -> None:
        """Nothing is left to do."""
        self._done = True

    def advanced(self, answered: Collection[tuple[str, Place]]) -> bool:
        """Counts again; whether it is more than before. The last stage ends with the job and not before."""
        count = sum(weight for step, weight in self._weights.items() if self._complete(step, answered))
        count += NAMED if self._named else 0
        before = self.current
        self.current = self.total if self._done else max(before, min(count, self.total - 1))
        return self.current > before

    def questions_in_a_row(self, answered: Collection[tuple[str, Place]]) -> int:
        """Questions still to come on the longest way to the end, each waiting for the one before, as far as is known."""
        if self._done:
            return 0
        if self._named:
            return 1 if self._complete("behaviour", answered) else 2
        if self._planned or not self._chunks:
            return 3
        merging = self._chunks > 1
        return 3 + merging if self._complete("outline", answered) else 4 + merging

    def _complete(self, step: str, answered: Collection[tuple[str, Place]]) -> bool:
        return step in self._expected and all((step, place) in answered for place in self._expected[step])
