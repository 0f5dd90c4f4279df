"""The Python client over real gRPC: what it repeats, what it resumes, and how refusals reach the program."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventstorming.v1 import executor_pb2, executor_pb2_grpc, job_pb2, job_pb2_grpc, model_pb2

from eventstorming_client import (
    AsyncClient,
    AsyncJob,
    Client,
    Job,
    JobFailed,
    PlaintextToken,
    RequestFailed,
    executor_target,
)

JOB_ID = "1b9d6bcd-3d2a-8f41-02c7-5c1e0f7a9b34"


class Scripted(job_pb2_grpc.JobServiceServicer):
    """Answers as told; a list of watches, each the states it shows, None = the stream breaks there."""

    def __init__(self, *watches: list[job_pb2.JobState | grpc.StatusCode]) -> None:
        self.watches = list(watches)
        self.unavailable = 0
        self.submitted: list[str] = []

    async def SubmitJob(self, request: job_pb2.SubmitJobRequest, context: Any) -> job_pb2.SubmitJobResponse:
        self.submitted.append(request.input.job_id)
        if self.unavailable:
            self.unavailable -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away for a moment")
        return job_pb2.SubmitJobResponse(job=job_pb2.Job(job_id=request.input.job_id))

    async def WatchJob(
        self, request: job_pb2.WatchJobRequest, context: Any
    ) -> AsyncIterator[job_pb2.WatchJobResponse]:
        for step in self.watches.pop(0):
            if isinstance(step, grpc.StatusCode):
                await context.abort(step, "scripted")
            yield job_pb2.WatchJobResponse(job=job_pb2.Job(job_id=request.job_id, state=step, failure="why"))

    async def CancelJob(self, request: Any, context: Any) -> job_pb2.CancelJobResponse:
        self.submitted.append("cancel")
        await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        raise AssertionError


@asynccontextmanager
async def _serving(service: Scripted) -> AsyncIterator[str]:
    server = grpc.aio.server()
    job_pb2_grpc.add_JobServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def _with_client(service: Scripted, use: Any, **given: Any) -> Any:
    def run(target: str) -> Any:
        with Client(target, **given) as client:
            return use(client)

    async with _serving(service) as target:
        return await asyncio.to_thread(run, target)


QUEUED, RUNNING = job_pb2.JOB_STATE_QUEUED, job_pb2.JOB_STATE_RUNNING
COMPLETED, FAILED = job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_FAILED


def _states(client: Client) -> list[job_pb2.JobState]:
    return [event.job.state for event in client.job(JOB_ID).watch()]


async def test_a_submission_is_repeated_under_the_same_id_when_the_poller_is_away_for_a_moment() -> None:
    service = Scripted()
    service.unavailable = 2
    job = await _with_client(service, lambda client: client.submit("A text."))
    assert service.submitted == [job.id] * 3


async def test_what_may_not_be_repeated_is_asked_once() -> None:
    service = Scripted()
    with pytest.raises(RequestFailed) as failed:
        await _with_client(service, lambda client: client.job(JOB_ID).cancel())
    assert service.submitted == ["cancel"]
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE


async def test_a_watch_goes_on_after_a_break_and_tells_nothing_twice() -> None:
    service = Scripted(
        [QUEUED, RUNNING, grpc.StatusCode.UNAVAILABLE],
        [grpc.StatusCode.UNAVAILABLE],
        [RUNNING],
        [RUNNING, COMPLETED],
    )
    assert await _with_client(service, _states) == [QUEUED, RUNNING, COMPLETED]


async def test_a_job_that_was_removed_meanwhile_ends_the_watch_as_removed() -> None:
    service = Scripted([RUNNING, grpc.StatusCode.UNAVAILABLE], [grpc.StatusCode.NOT_FOUND])
    assert await _with_client(service, _states) == [RUNNING, job_pb2.JOB_STATE_REMOVED]


async def test_a_refusal_ends_a_watch_and_so_does_silence_beyond_the_patience() -> None:
    with pytest.raises(RequestFailed) as refused:
        await _with_client(Scripted([grpc.StatusCode.NOT_FOUND]), _states)
    with pytest.raises(RequestFailed) as silent:
        await _with_client(Scripted(*[[grpc.StatusCode.UNAVAILABLE]] * 100), _states, patience=0.3)
    assert refused.value.code is grpc.StatusCode.NOT_FOUND
    assert silent.value.code is grpc.StatusCode.UNAVAILABLE


async def test_wait_raises_the_reason_of_a_failure() -> None:
    with pytest.raises(JobFailed, match="why"):
        await _with_client(Scripted([RUNNING, FAILED]), lambda client: client.job(JOB_ID).wait())


def test_a_token_goes_in_plaintext_to_this_machine_only() -> None:
    with pytest.raises(PlaintextToken):
        Client("jobs.example:50052", token="secret")
    Client("localhost:50052", token="secret").close()
    Client("jobs.example:50052", token="secret", allow_plaintext_token=True).close()


def test_the_client_and_its_stubs_are_a_distribution_of_their_own() -> None:
    folder = Path(__file__).parents[2] / "client"
    text = (folder / "pyproject.toml").read_text("utf-8")
    assert '"../proto/eventstorming" = "eventstorming"' in text
    assert (folder / "eventstorming_client/py.typed").exists()


# ── the same under an event loop ─────────────────────────────────────────────────────────────────────────────────


async def test_the_asynchronous_client_goes_on_after_a_break_too() -> None:
    service = Scripted([QUEUED, RUNNING, grpc.StatusCode.UNAVAILABLE], [RUNNING, COMPLETED])
    async with _serving(service) as target, AsyncClient(target) as jobs:
        job = await jobs.submit("A text.")
        states = [event.job.state async for event in job.watch()]
    assert service.submitted == [job.id]
    assert states == [QUEUED, RUNNING, COMPLETED]


async def test_the_asynchronous_client_raises_what_the_other_does() -> None:
    service = Scripted([RUNNING, FAILED], [RUNNING, grpc.StatusCode.UNAVAILABLE], [grpc.StatusCode.NOT_FOUND])
    async with _serving(service) as target, AsyncClient(target) as jobs:
        with pytest.raises(JobFailed, match="why"):
            await jobs.job(JOB_ID).wait()
        with pytest.raises(JobFailed, match="was removed"):
            await jobs.job(JOB_ID).wait()
        with pytest.raises(RequestFailed):
            await jobs.job(JOB_ID).cancel()


@pytest.mark.parametrize(("one", "other"), [(Client, AsyncClient), (Job, AsyncJob)])
def test_both_clients_have_the_same_names(one: type, other: type) -> None:
    named = [{name for name in vars(kind) if not name.startswith("_")} for kind in (one, other)]
    assert named[0] == named[1]


# ── generations that nobody stores ───────────────────────────────────────────────────────────────────────────────


class Generating(executor_pb2_grpc.ExecutorServiceServicer):
    async def Generate(self, request: Any, context: Any) -> AsyncIterator[executor_pb2.GenerateResponse]:
        yield executor_pb2.GenerateResponse(progress=executor_pb2.Progress(current=1, total=11))
        model = model_pb2.EventStormingModel(bounded_contexts=[model_pb2.BoundedContext(name="Lending")])
        yield executor_pb2.GenerateResponse(completed=executor_pb2.Completed(model=model))


@asynccontextmanager
async def _executor() -> AsyncIterator[str]:
    server = grpc.aio.server()
    executor_pb2_grpc.add_ExecutorServiceServicer_to_server(Generating(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def test_a_generation_ends_with_the_model_and_its_text() -> None:
    def generated(target: str) -> list[executor_pb2.GenerateResponse]:
        with Client("127.0.0.1:1") as client:
            return list(client.generate("A member borrows a book.", executor=target))

    async with _executor() as target:
        events = await asyncio.to_thread(generated, target)
        async with AsyncClient("127.0.0.1:1") as jobs:
            others = [event async for event in jobs.generate("A member borrows a book.", executor=target)]
    assert events == others
    assert [event.WhichOneof("event") for event in events] == ["progress", "completed"]
    assert events[-1].completed.model.source_text == "A member borrows a book."


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ("127.0.0.1:50052", "127.0.0.1:50051"),
        ("eventstorming-generator-jobs:50052", "eventstorming-generator-executor:50051"),
        ("es-jobs.prod.svc.cluster.local:50052", "es-executor.prod.svc.cluster.local:50051"),
        ("[::1]:7", "[::1]:50051"),
    ],
)
def test_the_executor_is_looked_for_beside_the_poller(
    jobs: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXECUTOR_TARGET", raising=False)
    assert executor_target(jobs) == expected
    monkeypatch.setenv("EXECUTOR_TARGET", "a:1, b:2")
    assert executor_target(jobs) == "a:1"


# ── what goes wrong, in words ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.heavy  # gRPC tries for seconds
def test_when_nothing_answers_the_reason_says_so() -> None:
    with Client("127.0.0.1:1", deadline=60) as client, pytest.raises(RequestFailed) as failed:
        client.job(JOB_ID).get()
    assert failed.value.reason == "UNREACHABLE"
    assert str(failed.value).startswith("nothing answers at 127.0.0.1:1 (")


@pytest.mark.parametrize(("given", "said"), [(b"A text.", r"decode\('utf-8'\)"), (7, "not int")])
def test_what_are_no_requirements_is_said_in_words(given: Any, said: str) -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(TypeError, match=said):
        client.submit(given)
