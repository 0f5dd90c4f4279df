"""The same under an event loop: `AsyncClient` and `AsyncJob` have the methods of `Client` and `Job`, to be awaited."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from datetime import datetime
from typing import Any

from eventstorming.v1 import executor_pb2, executor_pb2_grpc, job_pb2, job_pb2_grpc, model_pb2

from eventstorming_client import requests
from eventstorming_client.errors import RequestFailed, failures
from eventstorming_client.requests import Asking, Source


class AsyncClient(Asking):
    """`Client` for one event loop: `async with AsyncClient() as jobs`."""

    def _open(self) -> None:
        self._channel = self._access.async_channel(self.target)
        self._stub = job_pb2_grpc.JobServiceStub(self._channel)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every call and watch that is still open."""
        await self._channel.close()

    async def submit(self, source: Source, *, job_id: str = "", like: str = "") -> AsyncJob:
        """As `Client.submit`."""
        request = requests.submission(source, job_id=job_id, like=like)
        answer = await self.call(self._stub.SubmitJob, request)
        return AsyncJob(self, request.input.job_id, answer.job)

    async def generate(
        self, source: Source, *, executor: str = "", partial_models: bool = False
    ) -> AsyncIterator[executor_pb2.GenerateResponse]:
        """As `Client.generate`."""
        target = self._executor(executor)
        request = requests.generation(source, partial_models=partial_models)
        with failures(target):
            async with self._access.async_channel(target) as channel:
                stub: Any = executor_pb2_grpc.ExecutorServiceStub(channel)
                async for event in stub.Generate(request, metadata=self._access.metadata):
                    yield requests.with_source(event, request.input.requirements)

    def job(self, job_id: str) -> AsyncJob:
        """A job by its id; asks nothing yet."""
        return AsyncJob(self, job_id)

    async def list(
        self,
        *,
        states: Iterable[job_pb2.JobState] = (),
        created_from: datetime | None = None,
        created_until: datetime | None = None,
    ) -> AsyncIterator[job_pb2.Job]:
        """As `Client.list`."""
        request = requests.listing(states, created_from, created_until)
        while True:
            page = await self.call(self._stub.ListJobs, request)
            for job in page.jobs:
                yield job
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    @property
    def stub(self) -> job_pb2_grpc.JobServiceStub:
        """The generated stub, over the same channel; a token is for the caller to send."""
        return self._stub

    async def call(self, method: Callable[..., Any], request: Any) -> Any:
        """One call under this client's deadline."""
        with failures(self.target):
            return await method(request, timeout=self.deadline, metadata=self._access.metadata)

    async def stream(self, request: job_pb2.WatchJobRequest) -> AsyncIterator[job_pb2.WatchJobResponse]:
        """One stream of a watch, until it ends or breaks."""
        with failures(self.target):
            call: Any = self._stub.WatchJob(request, metadata=self._access.metadata)
            try:
                async for event in call:
                    yield event
            finally:
                call.cancel()


class AsyncJob:
    """One job by its id. `submitted` is the job as its submission answered, None for one named by its id."""

    def __init__(self, client: AsyncClient, job_id: str, submitted: job_pb2.Job | None = None) -> None:
        self.id, self.submitted = job_id, submitted
        self._client = client

    async def get(
        self, *, model: bool = False, msaez: bool = False, form: str = ""
    ) -> job_pb2.GetJobResponse:
        """As `Job.get`."""
        request = job_pb2.GetJobRequest(job_id=self.id, include_model=model, include_msaez=msaez, format=form)
        found: job_pb2.GetJobResponse = await self._client.call(self._client.stub.GetJob, request)
        return found

    async def watch(self, *, model: bool = False) -> AsyncIterator[job_pb2.WatchJobResponse]:
        """As `Job.watch`."""
        request = job_pb2.WatchJobRequest(job_id=self.id, include_model=model)
        course = requests.Course(self.id, self._client.patience)
        while not course.over:
            try:
                async with aclosing(self._client.stream(request)) as events:  # type: ignore[type-var]  # a generator
                    async for event in events:
                        if course.news(event):
                            yield event
                broken = requests.cut_short()
            except RequestFailed as error:
                broken = error
            if course.over:
                return
            if last := course.ended(broken):
                yield last
                return
            await asyncio.sleep(course.pause(broken))

    async def wait(self) -> job_pb2.Job:
        """As `Job.wait`."""
        job = job_pb2.Job(job_id=self.id)
        async for event in self.watch():
            job = event.job
        return requests.completed(job)

    async def model(self) -> model_pb2.EventStormingModel:
        """As `Job.model`."""
        return (await self.get(model=True)).model

    async def msaez(self) -> dict[str, Any]:
        """As `Job.msaez`."""
        value: dict[str, Any] = json.loads((await self.get(msaez=True)).msaez_json or "{}")
        return value

    async def cancel(self, *, by: str = "") -> job_pb2.Job:
        """As `Job.cancel`."""
        request = job_pb2.CancelJobRequest(job_id=self.id, cancelled_by=by)
        job: job_pb2.Job = (await self._client.call(self._client.stub.CancelJob, request)).job
        return job

    async def retry(self) -> job_pb2.Job:
        """As `Job.retry`."""
        request = job_pb2.RetryJobRequest(job_id=self.id)
        job: job_pb2.Job = (await self._client.call(self._client.stub.RetryJob, request)).job
        return job

    async def delete(self) -> None:
        """As `Job.delete`."""
        await self._client.call(self._client.stub.DeleteJob, job_pb2.DeleteJobRequest(job_id=self.id))
