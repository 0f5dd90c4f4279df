"""JobService over real gRPC, the embedded database and a scripted executor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import pytest
from eventstorming.v1 import job_pb2, job_pb2_grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from pydantic import SecretStr

from poller.server import serve_jobs
from poller.service import canvas_link
from poller.settings import Settings
from tests.fakes import Conversation, scripted_executor, small_model
from tests.poller.lifecycle import new_id, world

TEXT = "A customer places an order.\nThe shop ships it."


def _settings(**given: Any) -> Settings:
    return Settings(firebase_database_emulator_host="127.0.0.1:1", grpc_port=0, **given)


@asynccontextmanager
async def _service(
    script: Any = None, **given: Any
) -> AsyncIterator[tuple[job_pb2_grpc.JobServiceStub, grpc.aio.Channel]]:
    scripted = scripted_executor(script) if script else scripted_executor()
    async with world() as rtdb, scripted as executor, rtdb.poller(executor.port) as poller:
        server = await serve_jobs(poller.queue, _settings(**given))
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
                yield job_pb2_grpc.JobServiceStub(channel), channel
        finally:
            await server.stop(None)


def _submission(job_id: str = "", text: str = TEXT) -> job_pb2.SubmitJobRequest:
    return job_pb2.SubmitJobRequest(input=job_pb2.JobInput(job_id=job_id, requirements=text))


async def _reason(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(caught.value)
    assert status is not None
    next(detail for detail in status.details if detail.Is(info.DESCRIPTOR)).Unpack(info)
    assert info.domain == "eventstorming.v1"
    return caught.value.code(), info.reason


async def _hang(talk: Conversation) -> None:
    await talk.progress(2)
    await talk.snapshot(small_model())
    await talk.ask("q1")
    await talk.news.wait()
    while True:
        talk.news.clear()
        await talk.news.wait()


async def test_a_submitted_job_is_watched_to_its_end_and_read_with_its_source_text() -> None:
    async with _service() as (jobs, _):
        job = (await jobs.SubmitJob(_submission())).job
        states = [
            response.job.state async for response in jobs.WatchJob(job_pb2.WatchJobRequest(job_id=job.job_id))
        ]
        found = await jobs.GetJob(
            job_pb2.GetJobRequest(job_id=job.job_id, include_model=True, include_msaez=True)
        )
    assert states[-1] == job_pb2.JOB_STATE_COMPLETED
    assert states == sorted(states)
    assert found.model.bounded_contexts[0].name == "Ordering"
    assert found.model.source_text == TEXT
    assert '"elements"' in found.msaez_json
    assert (found.job.current_progress, found.job.total_progress) == (11, 11)


async def test_submitting_the_same_again_is_the_same_job_and_another_text_is_refused() -> None:
    job_id = new_id()
    async with _service() as (jobs, _):
        first = (await jobs.SubmitJob(_submission(job_id))).job
        again = (await jobs.SubmitJob(_submission(job_id))).job
        refused = await _reason(jobs.SubmitJob(_submission(job_id, "Something else entirely.")))
    assert first.job_id == again.job_id == job_id
    assert refused == (grpc.StatusCode.ALREADY_EXISTS, "JOB_EXISTS")


async def test_an_unknown_job_and_a_wrong_request_say_so() -> None:
    async with _service() as (jobs, _):
        unknown = await _reason(jobs.GetJob(job_pb2.GetJobRequest(job_id=new_id())))
        odd = await _reason(jobs.GetJob(job_pb2.GetJobRequest(job_id="seven")))
        blank = await _reason(jobs.SubmitJob(_submission(text=" \n")))
        nothing = await _reason(jobs.SubmitJob(job_pb2.SubmitJobRequest()))
    assert unknown == (grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    assert {odd, blank, nothing} == {(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT")}


async def test_a_cancelled_job_fails_with_the_name_of_who_cancelled_and_can_be_retried_and_deleted() -> None:
    async with _service(_hang) as (jobs, _):
        job_id = (await jobs.SubmitJob(_submission())).job.job_id
        watch = jobs.WatchJob(job_pb2.WatchJobRequest(job_id=job_id))
        async for response in watch:
            if response.job.state == job_pb2.JOB_STATE_RUNNING:
                break
        cancelled = (await jobs.CancelJob(job_pb2.CancelJobRequest(job_id=job_id, cancelled_by="Mina"))).job
        last = [response.job async for response in jobs.WatchJob(job_pb2.WatchJobRequest(job_id=job_id))][-1]
        retried = (await jobs.RetryJob(job_pb2.RetryJobRequest(job_id=job_id))).job
        await jobs.DeleteJob(job_pb2.DeleteJobRequest(job_id=job_id))
        await _until_removed(jobs, job_id)
        gone = await _reason(jobs.GetJob(job_pb2.GetJobRequest(job_id=job_id)))
    assert cancelled.job_id == job_id
    assert last.state == job_pb2.JOB_STATE_FAILED
    assert "Mina" in last.failure
    assert retried.state in (job_pb2.JOB_STATE_QUEUED, job_pb2.JOB_STATE_RUNNING)
    assert gone == (grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")


async def _until_removed(jobs: Any, job_id: str) -> None:
    """The watch ends with the removal; one that begins after it finds no job."""
    with suppress(grpc.aio.AioRpcError):
        async for _ in jobs.WatchJob(job_pb2.WatchJobRequest(job_id=job_id)):
            pass


async def _ended(jobs: Any, job_id: str = "") -> job_pb2.Job:
    submitted = (await jobs.SubmitJob(_submission(job_id))).job
    watch = jobs.WatchJob(job_pb2.WatchJobRequest(job_id=submitted.job_id))
    return [response.job async for response in watch][-1]


async def test_jobs_are_listed_newest_first_by_page_and_by_state() -> None:
    async with _service() as (jobs, _):
        ended = [(await _ended(jobs)).job_id for _ in range(3)]
        first = await jobs.ListJobs(job_pb2.ListJobsRequest(page_size=2))
        rest = await jobs.ListJobs(job_pb2.ListJobsRequest(page_size=2, page_token=first.next_page_token))
        failed = await jobs.ListJobs(job_pb2.ListJobsRequest(states=[job_pb2.JOB_STATE_FAILED]))
        completed = await jobs.ListJobs(job_pb2.ListJobsRequest(states=[job_pb2.JOB_STATE_COMPLETED]))
    listed = [*first.jobs, *rest.jobs]
    assert [job.job_id for job in listed] == ended[::-1]
    assert (len(first.jobs), rest.next_page_token) == (2, "")
    assert {job.state for job in listed} == {job_pb2.JOB_STATE_COMPLETED}
    assert {job.title for job in listed} == {"A customer places an order."}
    assert all(job.HasField("ended_at") and job.HasField("started_at") for job in listed)
    assert list(failed.jobs) == []
    assert len(completed.jobs) == 3


async def test_a_running_job_is_listed_with_its_progress_and_a_range_of_time_is_kept() -> None:
    async with _service(_hang) as (jobs, _):
        job_id = (await jobs.SubmitJob(_submission())).job.job_id
        async for response in jobs.WatchJob(job_pb2.WatchJobRequest(job_id=job_id)):
            if response.job.current_progress == 2:
                break
        running = (await jobs.ListJobs(job_pb2.ListJobsRequest())).jobs
        created = running[0].created_at
        earlier = await jobs.ListJobs(job_pb2.ListJobsRequest(created_until=created))
        since = await jobs.ListJobs(job_pb2.ListJobsRequest(created_from=created))
    assert [(job.job_id, job.state) for job in running] == [(job_id, job_pb2.JOB_STATE_RUNNING)]
    assert (running[0].current_progress, running[0].total_progress) == (2, 11)
    assert list(earlier.jobs) == []
    assert [job.job_id for job in since.jobs] == [job_id]


async def test_a_page_cannot_be_asked_for_wrongly() -> None:
    async with _service() as (jobs, _):
        await _ended(jobs)
        await _ended(jobs)
        token = (await jobs.ListJobs(job_pb2.ListJobsRequest(page_size=1))).next_page_token
        wrong = [
            await _reason(jobs.ListJobs(request))
            for request in (
                job_pb2.ListJobsRequest(page_token="nonsense"),
                job_pb2.ListJobsRequest(page_token=token, states=[job_pb2.JOB_STATE_FAILED]),
                job_pb2.ListJobsRequest(page_size=501),
                job_pb2.ListJobsRequest(states=[job_pb2.JOB_STATE_REMOVED]),
            )
        ]
    assert token
    assert set(wrong) == {(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT")}


async def test_with_a_token_only_its_bearer_and_the_health_check_get_through() -> None:
    async with _service(grpc_token=SecretStr("s3cret"), grpc_allow_plaintext_token=True) as (jobs, channel):
        request = job_pb2.GetJobRequest(job_id=new_id())
        without = await _reason(jobs.GetJob(request))
        wrong = await _reason(jobs.GetJob(request, metadata=(("authorization", "Bearer other"),)))
        right = await _reason(jobs.GetJob(request, metadata=(("authorization", "Bearer s3cret"),)))
        with pytest.raises(grpc.aio.AioRpcError) as streamed:
            await jobs.WatchJob(job_pb2.WatchJobRequest(job_id=new_id())).read()
        health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert without == wrong == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert right == (grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    assert streamed.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert health.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_submission_names_the_link_to_the_canvas_where_one_is_set() -> None:
    async with _service(msaez_url="https://canvas.example") as (jobs, _):
        job = (await jobs.SubmitJob(_submission())).job
    assert job.url == canvas_link("https://canvas.example", job.job_id)


async def test_a_draft_is_submitted_watched_and_listed_by_its_contexts() -> None:
    given = job_pb2.JobInput()
    given.draft.contexts.add(name="Ordering", requirements="Orders.").aggregates.add(name="Order")
    async with _service() as (jobs, _):
        job = (await jobs.SubmitJob(job_pb2.SubmitJobRequest(input=given))).job
        watch = jobs.WatchJob(job_pb2.WatchJobRequest(job_id=job.job_id, include_model=True))
        seen = [response async for response in watch]
        listed = (await jobs.ListJobs(job_pb2.ListJobsRequest())).jobs
    assert seen[-1].job.state == job_pb2.JOB_STATE_COMPLETED
    assert any(response.HasField("model") for response in seen)
    assert [(each.job_id, each.title) for each in listed] == [(job.job_id, "Ordering")]


def test_the_canvas_link_is_the_one_the_web_client_opens() -> None:
    job_id = "1B9D6BCD-3d2a-8f41-02c7-5c1e0f7a9b34"
    link = canvas_link("https://canvas.example", job_id)
    assert link == f"https://canvas.example/#/storming/1b9d6bcd3d2a8f4102c75c1e0f7a9b34?jobId={job_id}"
    assert canvas_link(None, job_id) == ""
