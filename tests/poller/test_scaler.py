"""KEDA's view of the poller: a client shaped like KEDA's own, over a socket, the embedded database behind it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from eventstorming.v1 import job_pb2, job_pb2_grpc
from externalscaler import externalscaler_pb2 as wire
from externalscaler import externalscaler_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import SecretStr

from poller.scaler import target_of
from poller.server import serve_jobs
from poller.settings import Settings
from tests.fakes import Conversation, eventually, plain_script, scripted_executor
from tests.poller.lifecycle import Poller, World, new_id, world
from workbench.chart import of, render

TEXT = "A customer places an order."


@dataclass(slots=True, kw_only=True)
class Keda:
    """Asks as pkg/scalers/external_scaler.go does: spec, then value under the spec's name and activity, or the stream."""

    stub: Any
    channel: grpc.aio.Channel
    metadata: dict[str, str]

    @property
    def scaled(self) -> wire.ScaledObjectRef:
        return wire.ScaledObjectRef(name="executor", namespace="default", scalerMetadata=self.metadata)

    async def desired(self, most: int = 100) -> int:
        """Replicas that the HPA computes for an average value."""
        spec = (await self.stub.GetMetricSpec(self.scaled)).metricSpecs[0]
        request = wire.GetMetricsRequest(scaledObjectRef=self.scaled, metricName=spec.metricName)
        value = (await self.stub.GetMetrics(request)).metricValues[0]
        active = (await self.stub.IsActive(self.scaled)).result
        assert value.metricName == spec.metricName
        assert value.metricValue == value.metricValueFloat
        assert active is (value.metricValueFloat > 0)
        return min(most, math.ceil(value.metricValueFloat / spec.targetSizeFloat))


@dataclass(slots=True, kw_only=True)
class Served:
    rtdb: World
    poller: Poller
    keda: Keda
    jobs: Any


@asynccontextmanager
async def listening(poller: Poller, *, slots: int = 8, token: str = "") -> AsyncIterator[Keda]:
    """A poller's gRPC port, and KEDA on it."""
    settings = Settings(
        firebase_database_emulator_host="127.0.0.1:1",
        grpc_port=0,
        grpc_token=SecretStr(token) if token else None,
        grpc_allow_plaintext_token=True,
    )
    server = await serve_jobs(poller.queue, settings, poller.dispatcher.backlog)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            stub = externalscaler_pb2_grpc.ExternalScalerStub(channel)
            yield Keda(stub=stub, channel=channel, metadata={"targetJobs": str(slots)})
    finally:
        await server.stop(None)


@asynccontextmanager
async def served(script: Any = plain_script, *, slots: int = 8, token: str = "") -> AsyncIterator[Served]:
    async with world() as rtdb, scripted_executor(script) as executor:
        executor.offer(slots)
        async with rtdb.poller(executor.port) as poller, listening(poller, slots=slots, token=token) as keda:
            await poller.attached(slots)
            jobs = job_pb2_grpc.JobServiceStub(keda.channel)
            yield Served(rtdb=rtdb, poller=poller, keda=keda, jobs=jobs)


async def hang(talk: Conversation) -> None:
    await asyncio.Event().wait()


def submission() -> job_pb2.SubmitJobRequest:
    return job_pb2.SubmitJobRequest(input=job_pb2.JobInput(requirements=TEXT))


async def test_the_stream_says_0_then_1_at_once_after_a_submit_and_0_again_after_the_end() -> None:
    async with served() as it:
        stream = it.keda.stub.StreamIsActive(it.keda.scaled)
        assert (await stream.read()).result is False
        submitted = time.monotonic()
        sending = it.jobs.SubmitJob(submission())
        assert (await stream.read()).result is True
        seconds = time.monotonic() - submitted
        job_id = (await sending).job.job_id
        assert (await stream.read()).result is False
        await it.rtdb.ended(job_id)
    assert seconds < 5, "100 ms on an idle machine, as the benchmark measures; a poll comes every 10 s"


async def test_nine_jobs_on_eight_slots_want_two_executors_and_the_ninth_counts_while_it_waits() -> None:
    async with served(hang) as it:
        assert await it.keda.desired() == 0
        for _ in range(8):
            await it.jobs.SubmitJob(submission())
        await eventually(lambda: len(it.poller.dispatcher.running) == 8)
        full = await it.keda.desired()
        await it.rtdb.create(new_id())
        await eventually(lambda: it.poller.dispatcher.backlog.queued == 1)
        more = await it.keda.desired()
        values = await it.keda.stub.GetMetrics(wire.GetMetricsRequest(scaledObjectRef=it.keda.scaled))
    assert (full, more) == (1, 2)
    assert values.metricValues[0].metricValueFloat == 9


async def test_a_poller_that_does_not_know_the_queue_refuses_instead_of_saying_0() -> None:
    async with served() as it:
        it.rtdb.rtdb.faults.change({"errors": -1})
        async with it.rtdb.poller(owner="poller-b") as poller, listening(poller) as keda:
            stream = keda.stub.StreamIsActive(keda.scaled)
            first = asyncio.create_task(stream.read())
            for call, request in (
                (keda.stub.IsActive, keda.scaled),
                (keda.stub.GetMetrics, wire.GetMetricsRequest(scaledObjectRef=keda.scaled)),
            ):
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await call(request)
                assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
            assert (await keda.stub.GetMetricSpec(keda.scaled)).metricSpecs[0].targetSizeFloat == 8
            assert not first.done()
            it.rtdb.rtdb.faults.change({"errors": 0})
            assert (await first).result is False
            assert await keda.desired() == 0


async def test_a_queue_that_falls_silent_keeps_its_last_figure() -> None:
    async with served(hang) as it:
        await it.jobs.SubmitJob(submission())
        await eventually(lambda: len(it.poller.dispatcher.running) == 1)
        it.rtdb.rtdb.faults.change({"frozen": True})
        assert await it.keda.desired() == 1
        it.rtdb.rtdb.faults.change({"frozen": False})


@pytest.mark.heavy
def test_the_chart_renders_metadata_that_the_scaler_understands() -> None:
    scaled = of(render("autoscaling.mode=keda"), "ScaledObject")
    metadata = scaled["spec"]["triggers"][0]["metadata"]
    assert metadata["scalerAddress"].endswith(":50052")
    assert target_of(metadata) == 6


@pytest.mark.parametrize(
    "metadata", [{}, {"targetJobs": ""}, {"targetJobs": "many"}, {"targetJobs": "0"}, {"targetJobs": "nan"}]
)
async def test_a_trigger_without_a_usable_target_is_told_what_it_needs(metadata: dict[str, str]) -> None:
    async with served() as it:
        scaled = wire.ScaledObjectRef(scalerMetadata=metadata)
        for call, request in (
            (it.keda.stub.IsActive, scaled),
            (it.keda.stub.GetMetricSpec, scaled),
            (it.keda.stub.GetMetrics, wire.GetMetricsRequest(scaledObjectRef=scaled)),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(request)
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert "targetJobs" in str(refused.value.details())


async def test_keda_needs_no_token_and_everyone_else_does() -> None:
    async with served(token="s3cret") as it:
        assert await it.keda.desired() == 0
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await it.jobs.SubmitJob(submission())
        health = health_pb2_grpc.HealthStub(it.keda.channel)
        answer = await health.Check(health_pb2.HealthCheckRequest(service="externalscaler.ExternalScaler"))
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_stream_of_targets_is_declined_without_a_fault_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with world() as rtdb, rtdb.poller() as poller, listening(poller) as keda:
        with pytest.raises(grpc.aio.AioRpcError) as declined:
            async for _ in keda.stub.StreamMetricSpec(wire.ScaledObjectRef(scalerMetadata=keda.metadata)):
                pass
    assert declined.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert not [record for record in caplog.records if record.exc_info]
