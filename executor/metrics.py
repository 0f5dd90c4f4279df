"""What is counted of the executor.

The work tells it of counters and histograms; gauges are read from the parts themselves when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from process.metrics import FAST, Counts, gauge, gauge_by

Answered = Literal["answered", "recalled", "unusable", "none"]
OTHER: Final = "other"

_CALLS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)
_ENDS = (
    *("completed", "lost", "draining", "overtaken", "invalid_input", "llm_unavailable", "llm_misconfigured"),
    *("limit_reached", "nothing_usable", "internal"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who is asked what: the step from the graph's list, the language model by its configured name."""

    step: str
    model: str


class Held(Protocol):
    """The slots, as far as they are counted."""

    @property
    def total(self) -> int:
        """All there are."""

    @property
    def free(self) -> int:
        """Of these, those that take a run."""

    @property
    def runs(self) -> int:
        """Runs under way."""


class Limit(Protocol):
    """The bound on open calls."""

    @property
    def allowed(self) -> int:
        """Calls that may be open at once."""


class Metrics(Counts):
    """Counts for one process. `steps` and `models` are all there may be; what is none of them counts as `other`."""

    def __init__(self, *, steps: Sequence[str] = (), models: Sequence[str] = ()) -> None:
        super().__init__()
        self._steps, self._models = frozenset(steps), frozenset(models)
        asked = {"step": steps, "model": models}
        self._ended = self.counter("runs_ended", "Runs that ended, by how.", outcome=_ENDS)
        self._calls = self.counter(
            "llm_calls",
            "Calls of the language model; recalled: from the journal instead; none: no answer came.",
            **asked,
            outcome=get_args(Answered),
        )
        self._tokens = self.counter(
            "llm_tokens",
            "Tokens of answers; the three kinds do not overlap.",
            **asked,
            kind=("prompt", "cached", "completion"),
        )
        self._retries = self.counter(
            "llm_retries", "Calls made again.", **asked, reason=("throttled", "timeout", "unavailable")
        )
        whole = "One question of a step, repair turns and waits included."
        self._step = self.histogram("step_seconds", whole, _CALLS, "step", "outcome")
        self._call = self.histogram("llm_seconds", "One call of the language model.", _CALLS, "model")
        self._ack = self.histogram("ack_seconds", "From an answer's way out to its acknowledgement.", FAST)

    def watch(self, slots: Held, limit: Limit) -> None:
        """Reads the gauges from these from now on."""
        self.registry.register(_Present(slots, limit))

    # ── what the work tells; nothing here may fail or wait ──────────────────────────────────────────────────

    def run_ended(self, outcome: str) -> None:
        """`completed`, `lost` (the caller went), or the reason of the status in lower case."""
        self._ended.labels(outcome if outcome in _ENDS else OTHER).inc()

    def step(self, step: str, outcome: str, seconds: float) -> None:
        """One question of a step, repair turns included: `answered`, `unusable`, or `stopped` with the run."""
        self._step.labels(self._known(step), outcome).observe(seconds)

    def asked(self, asked: Asked, outcome: Answered) -> None:
        """One call, or one answer from the journal. `unusable`: no answer of the schema could be read; `none`: none came."""
        self._calls.labels(*self._of(asked), outcome).inc()

    def took(self, asked: Asked, seconds: float) -> None:
        """One call, from its request to its answer or error."""
        self._call.labels(self._of(asked)[1]).observe(seconds)

    def spent(self, asked: Asked, *, prompt: int, cached: int, completion: int) -> None:
        """Tokens of one answer; the three do not overlap."""
        for kind, tokens in (("prompt", prompt), ("cached", cached), ("completion", completion)):
            self._tokens.labels(*self._of(asked), kind).inc(tokens)

    def again(self, asked: Asked, reason: str) -> None:
        """A call is made again: `throttled`, `timeout`, `unavailable`."""
        self._retries.labels(*self._of(asked), reason).inc()

    def acked(self, seconds: float) -> None:
        """An answer was acknowledged, so long after it was handed to the stream."""
        self._ack.observe(seconds)

    def _of(self, asked: Asked) -> tuple[str, str]:
        return self._known(asked.step), asked.model if asked.model in self._models else OTHER

    def _known(self, step: str) -> str:
        return step if step in self._steps else OTHER


class _Present(Collector):
    """The gauges, read when asked for."""

    def __init__(self, slots: Held, limit: Limit) -> None:
        self._slots, self._limit = slots, limit

    def collect(self) -> Iterator[Metric]:
        total, free = self._slots.total, self._slots.free
        yield gauge_by("state", "slots", "Slots of this executor.", total=total, free=free)
        yield gauge("runs", "Runs that hold a slot.", self._slots.runs)
        yield gauge("llm_concurrency", "Calls that may be open at once; falls on 429.", self._limit.allowed)
