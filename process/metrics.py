"""Counting, and `GET /metrics`: what a program's own counts are made with. One registry for each, no state of the module."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PREFIX: Final = "eventstorming_"
FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
LAG_SECONDS: Final = 0.5


class Counts:
    """What every program counts: its version, and how late its event loop is."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a third more series, which nobody asks for
        self.registry: Final = CollectorRegistry(auto_describe=False)
        late = "How late the event loop came back to a sleeper."
        self.lag: Final = self.histogram("loop_lag_seconds", late, FAST).observe
        build = Gauge(PREFIX + "build_info", "Version of the program.", ["version"], registry=self.registry)
        build.labels(version("eventstorming-generator")).set(1)

    def counter(self, name: str, text: str, **labels: Sequence[str]) -> Counter:
        """With every series there from the start, so that a rate is right from the first event."""
        counter = Counter(PREFIX + name, text, list(labels), registry=self.registry)
        for values in product(*labels.values()) if labels else ():
            counter.labels(*values)
        return counter

    def histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        """Its series come with the first value: a histogram has many."""
        return Histogram(PREFIX + name, text, labels, buckets=buckets, registry=self.registry)


def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    """As it is now, for a collector."""
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def gauge_by(label: str, name: str, text: str, **values: float) -> GaugeMetricFamily:
    """The same with one series for each value of a label."""
    family = GaugeMetricFamily(PREFIX + name, text, labels=[label])
    for of, value in values.items():
        family.add_metric([of], value)
    return family


def route(registry: CollectorRegistry) -> Route:
    """`GET /metrics`: Prometheus text, or OpenMetrics for who accepts it."""

    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": content_type})

    return Route("/metrics", metrics)


async def sample_lag(told: Callable[[float], None], *, every: float = LAG_SECONDS) -> None:
    """Tells for ever, in seconds, how late the event loop comes back."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + every
        await asyncio.sleep(every)
        told(max(0.0, clock() - due))
