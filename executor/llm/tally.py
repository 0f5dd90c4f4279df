"""What one run has asked and paid for, and how fast it goes. Only counts."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

from executor.ports import Entry

PACE_ANSWERS = 40  # answers that say how fast it goes now


class Tally:
    """The counting half of `ports.RunChat`."""

    def __init__(self, tokens_used: int) -> None:
        self.tokens_used = tokens_used
        self.reduced: list[str] = []
        self._by_step: Counter[str] = Counter()
        self._counted: set[str] = set()
        self._borrowed = 0
        self._took: deque[float] = deque(maxlen=PACE_ANSWERS)

    @property
    def tokens_by_step(self) -> Mapping[str, int]:
        """Tokens per step of every answer used in this run, recalled ones included."""
        return dict(sorted(self._by_step.items()))

    @property
    def calls(self) -> tuple[int, int]:
        """Answers used in this run, and how many of them an earlier job has paid for."""
        return len(self._counted), self._borrowed

    @property
    def pace(self) -> float:
        """Seconds a question of this run takes, line, retries and journal included: of four the slowest; 0 before the first."""
        return sorted(self._took)[len(self._took) * 3 // 4] if self._took else 0.0

    def _use(self, step: str, entry: Entry) -> None:
        if entry.key not in self._counted:
            self._counted.add(entry.key)
            self._borrowed += entry.borrowed
            self._by_step[step] += entry.tokens
