"""What the work tells whoever counts it. The class here ignores everything; `metrics` counts. Nothing here may fail or wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Answered = Literal["answered", "recalled", "unusable", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who is asked what: the step from the graph's list, the language model by its configured name."""

    step: str
    model: str


class Observer:
    """Every method is called after the fact. Times are seconds."""

    def run_ended(self, outcome: str) -> None:
        """`completed`, `lost` (the caller went), or the reason of the status in lower case."""

    def step(self, step: str, outcome: str, seconds: float) -> None:
        """One question of a step, repair turns included: `answered`, `unusable`, or `stopped` with the run."""

    def asked(self, asked: Asked, outcome: Answered) -> None:
        """One call, or one answer from the journal. `unusable`: no answer of the schema could be read; `none`: none came."""

    def took(self, asked: Asked, seconds: float) -> None:
        """One call, from its request to its answer or error."""

    def spent(self, asked: Asked, *, prompt: int, cached: int, completion: int) -> None:
        """Tokens of one answer; the three do not overlap."""

    def again(self, asked: Asked, reason: str) -> None:
        """A call is made again: `throttled`, `timeout`, `unavailable`."""

    def acked(self, seconds: float) -> None:
        """An answer was acknowledged, so long after it was handed to the stream."""


IGNORED = Observer()
