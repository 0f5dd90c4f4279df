"""KEDA's external scaler: how many jobs there are, queued and running, and how many one executor should carry.

Knows no job. Before the queue is known it refuses to answer: a 0 then would take executors from under running jobs.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from typing import Any, NoReturn, Protocol

import grpc
import structlog
from externalscaler import externalscaler_pb2 as wire
from externalscaler import externalscaler_pb2_grpc

SERVICE = "externalscaler.ExternalScaler"
METRIC = "eventstorming-jobs"
TARGET = "targetJobs"

Context = Any  # grpc.aio.ServicerContext; the generated base class is untyped

log = structlog.get_logger(__name__)


class Demand(Protocol):
    """What there is to do."""

    @property
    def jobs(self) -> int | None:
        """Queued and running; None while unknown."""

    async def learned(self) -> None:
        """Returns at the next change of the queue."""


class Scaler(externalscaler_pb2_grpc.ExternalScalerServicer):
    """Answers from the poller's copy of the queue alone."""

    def __init__(self, demand: Demand) -> None:
        self._demand = demand

    async def IsActive(self, request: wire.ScaledObjectRef, context: Context) -> wire.IsActiveResponse:
        await _target(request, context)
        return wire.IsActiveResponse(result=await self._jobs(context) > 0)

    async def StreamIsActive(
        self, request: wire.ScaledObjectRef, context: Context
    ) -> AsyncIterator[wire.IsActiveResponse]:
        """As soon as the queue is known, and whenever the answer becomes another."""
        await _target(request, context)
        log.info("scaler.watched", scaled_object=f"{request.namespace}/{request.name}"[:128])
        said: bool | None = None
        while True:
            jobs = self._demand.jobs
            if jobs is not None and (jobs > 0) is not said:
                said = jobs > 0
                yield wire.IsActiveResponse(result=said)
            else:
                await self._demand.learned()

    async def GetMetricSpec(
        self, request: wire.ScaledObjectRef, context: Context
    ) -> wire.GetMetricSpecResponse:
        target = await _target(request, context)
        spec = wire.MetricSpec(
            metricName=METRIC, targetSize=max(1, math.floor(target)), targetSizeFloat=target
        )
        return wire.GetMetricSpecResponse(metricSpecs=[spec])

    async def StreamMetricSpec(self, request: wire.ScaledObjectRef, context: Context) -> None:
        """Optional in KEDA, which then asks GetMetricSpec: the target never changes while a ScaledObject lives."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "The target does not change: ask GetMetricSpec.")

    async def GetMetrics(self, request: wire.GetMetricsRequest, context: Context) -> wire.GetMetricsResponse:
        await _target(request.scaledObjectRef, context)
        if request.metricName not in ("", METRIC):
            await _refuse(context, f"There is one metric, {METRIC}; asked for another.")
        jobs = await self._jobs(context)
        value = wire.MetricValue(metricName=METRIC, metricValue=jobs, metricValueFloat=jobs)
        return wire.GetMetricsResponse(metricValues=[value])

    async def _jobs(self, context: Context) -> int:
        jobs = self._demand.jobs
        if jobs is None:
            reason = "The queue is not known yet: RTDB has not answered since this poller started."
            await context.abort(grpc.StatusCode.UNAVAILABLE, reason)
        assert jobs is not None
        return jobs


def target_of(metadata: Mapping[str, str]) -> float | None:
    """Jobs that one executor should carry, from a trigger's metadata; None if it does not say."""
    try:
        target = float(metadata.get(TARGET, ""))
    except ValueError:
        return None
    return target if math.isfinite(target) and target > 0 else None


async def _target(scaled: wire.ScaledObjectRef, context: Context) -> float:
    target = target_of(scaled.scalerMetadata)
    if target is None:
        await _refuse(
            context,
            f"The trigger's metadata needs {TARGET}: how many jobs one executor should carry, a number above 0.",
        )
    assert target is not None
    return target


async def _refuse(context: Context, sentence: str) -> NoReturn:
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, sentence)
    raise AssertionError  # abort raises
