"""How JobService is served: deadlines, sizes, health, reflection, and errors a program can read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from eventstorming.v1 import job_pb2, job_pb2_grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from poller import service
from poller.server import serve_jobs
from poller.settings import Settings
from process.server import GrpcServer
from tests.poller.lifecycle import World, new_id, world

NAMES = ("", "eventstorming.v1.JobService", "externalscaler.ExternalScaler")


@dataclass(slots=True, kw_only=True)
class Served:
    rtdb: World
    server: GrpcServer
    channel: grpc.aio.Channel
    jobs: Any

    async def health(self, name: str) -> Any:
        request = health_pb2.HealthCheckRequest(service=name)
        return (await health_pb2_grpc.HealthStub(self.channel).Check(request)).status


@asynccontextmanager
async def served(**given: Any) -> AsyncIterator[Served]:
    settings = Settings(firebase_database_emulator_host="127.0.0.1:1", grpc_port=0, **given)
    large = [("grpc.max_send_message_length", -1)]
    async with world() as rtdb, rtdb.poller() as poller:
        server = await serve_jobs(poller.queue, settings, poller.dispatcher.backlog)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", options=large) as channel:
            yield Served(rtdb=rtdb, server=server, channel=channel, jobs=job_pb2_grpc.JobServiceStub(channel))
        await server.stop(None)


async def error_of(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value


def detail_of(error: grpc.aio.AioRpcError, kind: Any) -> Any:
    status = rpc_status.from_call(error)
    assert status is not None
    found = kind()
    next(detail for detail in status.details if detail.Is(found.DESCRIPTOR)).Unpack(found)
    return found


def submission(text: str = "A shop sells.", **more: Any) -> job_pb2.SubmitJobRequest:
    return job_pb2.SubmitJobRequest(input=job_pb2.JobInput(requirements=text, **more))


async def test_while_it_drains_health_says_so_and_calls_are_answered() -> None:
    async with served() as it:
        assert [await it.health(name) for name in NAMES] == [health_pb2.HealthCheckResponse.SERVING] * 3
        await it.server.not_serving()
        assert [await it.health(name) for name in NAMES] == [health_pb2.HealthCheckResponse.NOT_SERVING] * 3
        assert (await it.jobs.SubmitJob(submission())).job.job_id


async def test_a_deadline_is_kept_while_the_database_is_silent() -> None:
    async with served() as it:
        job_id = (await it.jobs.SubmitJob(submission())).job.job_id
        it.rtdb.rtdb.faults.change({"frozen": True})
        began = time.monotonic()
        call = it.jobs.GetJob(job_pb2.GetJobRequest(job_id=job_id), timeout=0.3)
        assert (await error_of(call)).code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert time.monotonic() - began < 5
        await asyncio.sleep(0)
        it.rtdb.rtdb.faults.reset()
        assert (await it.jobs.GetJob(job_pb2.GetJobRequest(job_id=job_id), timeout=10)).job.job_id == job_id


@pytest.mark.heavy
async def test_a_database_that_is_away_is_unavailable_and_says_when_to_try_again() -> None:
    async with served() as it:
        it.rtdb.rtdb.faults.change({"errors": -1})
        error = await error_of(it.jobs.SubmitJob(submission()))
        it.rtdb.rtdb.faults.reset()
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert detail_of(error, error_details_pb2.ErrorInfo).reason == "DATABASE_UNAVAILABLE"
    assert detail_of(error, error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() > 0


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (submission("x" * (4 << 20)), "input.requirements"),
        (submission(" "), "input.requirements"),
        (submission(job_id="seven"), "input.job_id"),
        (job_pb2.SubmitJobRequest(), "input"),
        (job_pb2.SubmitJobRequest(input=job_pb2.JobInput(draft=job_pb2.Draft())), "input.draft.contexts"),
    ],
    ids=["too long", "blank", "id", "nothing", "empty draft"],
)
async def test_a_bad_request_names_the_field(request_: Any, field: str) -> None:
    async with served() as it:
        error = await error_of(it.jobs.SubmitJob(request_))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    violation = detail_of(error, error_details_pb2.BadRequest).field_violations[0]
    assert violation.field == field
    assert violation.description.startswith("must ")
    assert detail_of(error, error_details_pb2.ErrorInfo).reason == "INVALID_INPUT"


async def test_a_message_beyond_the_limit_is_refused_with_both_sizes() -> None:
    async with served() as it:
        error = await error_of(it.jobs.SubmitJob(submission("x" * (33 << 20))))
        assert await it.health("") == health_pb2.HealthCheckResponse.SERVING
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert str(32 << 20) in str(error.details())


async def listed(it: Served) -> set[str]:
    """What reflection says is served."""
    asking = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    call = reflection_pb2_grpc.ServerReflectionStub(it.channel).ServerReflectionInfo(asking)
    return {one.name for one in (await call.read()).list_services_response.service}


async def test_reflection_lists_the_services_when_set() -> None:
    async with served(grpc_reflection=True) as it:
        assert set(NAMES[1:]) <= await listed(it)


async def test_there_is_no_reflection_unless_it_is_set() -> None:
    async with served() as it:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await listed(it)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_every_reason_is_one_of_the_closed_set() -> None:
    closed = {name.removeprefix("ERROR_REASON_") for name, _ in job_pb2.ErrorReason.items()}
    assert {reason for _, _, reason in service._REASONS} <= closed


async def test_an_unknown_job_is_not_found_with_our_domain() -> None:
    async with served() as it:
        error = await error_of(it.jobs.GetJob(job_pb2.GetJobRequest(job_id=new_id())))
    info = detail_of(error, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == ("JOB_NOT_FOUND", "eventstorming.v1")
