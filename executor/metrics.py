"""What is counted of the executor, and `GET /metrics`. One registry of its own, no state of the module.

Counters and histograms come through the observer; gauges are read from the parts themselves when somebody asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import product
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from executor.observer import Answered, Asked, Observer

PREFIX = "eventstorming_"
LAG_SECONDS = 0.5
OTHER = "other"

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_CALLS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)
_ENDS = (
    *("completed", "lost", "draining", "overtaken", "invalid_input", "llm_unavailable", "llm_misconfigured"),
    *("limit_reached", "nothing_usable", "internal"),
)


class Held(Protocol):
    """The slots, as far as they are counted."""

    @property
    def total(self) -> int: ...
    @property
    def free(self) -> int: ...
    @property
    def runs(self) -> int: ...


class Limit(Protocol):
    """The bound on open calls."""

    @property
    def allowed(self) -> int: ...


class Metrics(Observer):
    """Counts for one process. `steps` and `models` are all there may be; what is none of them counts as `other`."""

    def __init__(self, *, steps: Sequence[str], models: Sequence[str]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a third more series, which nobody asks for
        self.registry = CollectorRegistry(auto_describe=False)
        self._steps, self._models = frozenset(steps), frozenset(models)
        asked = {"step": steps, "model": models}
        self._ended = self._counter("runs_ended", "Runs that ended, by how.", outcome=_ENDS)
        self._calls = self._counter(
            "llm_calls",
            "Calls of the language model; recalled: from the journal instead; none: no answer came.",
            **asked,
            outcome=("answered", "recalled", "unusable", "none"),
        )
        self._tokens = self._counter(
            "llm_tokens",
            "Tokens of answers; the three kinds do not overlap.",
            **asked,
            kind=("prompt", "cached", "completion"),
        )
        self._retries = self._counter(
            "llm_retries", "Calls made again.", **asked, reason=("throttled", "timeout", "unavailable")
        )
        self._step = self._histogram(
            "step_seconds",
            "One question of a step, repair turns and waits included.",
            _CALLS,
            step=steps,
            outcome=("answered", "unusable", "stopped"),
        )
        self._call = self._histogram("llm_seconds", "One call of the language model.", _CALLS, model=models)
        self._ack = self._histogram("ack_seconds", "From an answer's way out to its acknowledgement.", _FAST)
        self._lag = self._histogram(
            "loop_lag_seconds", "How late the event loop came back to a sleeper.", _FAST
        )
        build = Gauge(PREFIX + "build_info", "Version of the program.", ["version"], registry=self.registry)
        build.labels(version("eventstorming-generator")).set(1)

    def watch(self, slots: Held, limit: Limit) -> None:
        """Reads the gauges from these from now on."""
        self.registry.register(_Present(slots, limit))

    # ---------------------------------------------------------------- the observer

    def run_ended(self, outcome: str) -> None:
        self._ended.labels(outcome if outcome in _ENDS else OTHER).inc()

    def step(self, step: str, outcome: str, seconds: float) -> None:
        self._step.labels(self._known(step), outcome).observe(seconds)

    def asked(self, asked: Asked, outcome: Answered) -> None:
        self._calls.labels(*self._of(asked), outcome).inc()

    def took(self, asked: Asked, seconds: float) -> None:
        self._call.labels(self._of(asked)[1]).observe(seconds)

    def spent(self, asked: Asked, *, prompt: int, cached: int, completion: int) -> None:
        for kind, tokens in (("prompt", prompt), ("cached", cached), ("completion", completion)):
            self._tokens.labels(*self._of(asked), kind).inc(tokens)

    def again(self, asked: Asked, reason: str) -> None:
        self._retries.labels(*self._of(asked), reason).inc()

    def acked(self, seconds: float) -> None:
        self._ack.observe(seconds)

    def lag(self, seconds: float) -> None:
        self._lag.observe(seconds)

    def _of(self, asked: Asked) -> tuple[str, str]:
        return self._known(asked.step), asked.model if asked.model in self._models else OTHER

    def _known(self, step: str) -> str:
        return step if step in self._steps else OTHER

    # ---------------------------------------------------------------- making them

    def _counter(self, name: str, text: str, **labels: Sequence[str]) -> Counter:
        counter = Counter(PREFIX + name, text, list(labels), registry=self.registry)
        for values in _all(labels):
            counter.labels(*values)  # there from the start, so that a rate is right from the first event
        return counter

    def _histogram(
        self, name: str, text: str, buckets: Sequence[float], **labels: Sequence[str]
    ) -> Histogram:
        """Its series come with the first value: a histogram has many."""
        return Histogram(PREFIX + name, text, list(labels), buckets=buckets, registry=self.registry)


def _all(labels: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    return product(*labels.values()) if labels else iter(())


class _Present(Collector):
    """The gauges, read when asked for."""

    def __init__(self, slots: Held, limit: Limit) -> None:
        self._slots, self._limit = slots, limit

    def collect(self) -> Iterator[Metric]:
        slots = GaugeMetricFamily(PREFIX + "slots", "Slots of this executor.", labels=["state"])
        slots.add_metric(["total"], self._slots.total)
        slots.add_metric(["free"], self._slots.free)
        yield slots
        yield _value("runs", "Runs that hold a slot.", self._slots.runs)
        yield _value("llm_concurrency", "Calls that may be open at once; falls on 429.", self._limit.allowed)


def _value(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


# ---------------------------------------------------------------- reading them


def route(registry: CollectorRegistry) -> Route:
    """`GET /metrics`: Prometheus text, or OpenMetrics for who accepts it."""

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": content_type})

    return Route("/metrics", metrics)


async def sample_lag(told: Callable[[float], None], *, every: float = LAG_SECONDS) -> None:
    """Tells for ever how late the event loop comes back."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + every
        await asyncio.sleep(every)
        told(max(0.0, clock() - due))
