"""Jobs as a program uses them: `Client` submits, generates and lists, `Job` follows one to its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from eventstorming.v1 import executor_pb2, executor_pb2_grpc, job_pb2, job_pb2_grpc, model_pb2

from eventstorming_client import requests
from eventstorming_client.errors import RequestFailed, failures
from eventstorming_client.requests import Asking, Source


class Client(Asking):
    """One poller: `target`, else JOBS_TARGET, else this machine's. Use as `with Client() as jobs`; threads may share it.

    `deadline` in seconds is for each call but a watch and a generation, `patience` for how long a watch tries to come back.

    Every method raises RequestFailed for what the service refuses or when it cannot be reached.
    """

    def _open(self) -> None:
        self._channel = self._access.channel(self.target)
        self._stub = job_pb2_grpc.JobServiceStub(self._channel)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends every call and watch that is still open."""
        self._channel.close()

    def submit(self, source: Source, *, job_id: str = "", like: str = "") -> Job:
        """Stores a job. The same id with the same input is the same job.

        `like` names an earlier job whose answers are used again for what has not changed.
        """
        request = requests.submission(source, job_id=job_id, like=like)
        return Job(self, request.input.job_id, self.call(self._stub.SubmitJob, request).job)

    def generate(
        self, source: Source, *, executor: str = "", partial_models: bool = False
    ) -> Iterator[executor_pb2.GenerateResponse]:
        """Progress and log as they come, last the model; nothing is stored.

        Asks the executor itself: `executor`, else EXECUTOR_TARGET, else the one beside the poller.
        """
        target = self._executor(executor)
        request = requests.generation(source, partial_models=partial_models)
        with self._access.channel(target) as channel, failures(target):
            stub = executor_pb2_grpc.ExecutorServiceStub(channel)
            for event in stub.Generate(request, metadata=self._access.metadata):
                yield requests.with_source(event, request.input.requirements)

    def job(self, job_id: str) -> Job:
        """A job by its id; asks nothing yet."""
        return Job(self, job_id)

    def list(
        self,
        *,
        states: Iterable[job_pb2.JobState] = (),
        created_from: datetime | None = None,
        created_until: datetime | None = None,
    ) -> Iterator[job_pb2.Job]:
        """Newest first, without their logs, fetched page by page as they are taken."""
        request = requests.listing(states, created_from, created_until)
        while True:
            page = self.call(self._stub.ListJobs, request)
            yield from page.jobs
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    @property
    def stub(self) -> job_pb2_grpc.JobServiceStub:
        """The generated stub, over the same channel; a token is for the caller to send."""
        return self._stub

    def call(self, method: Callable[..., Any], request: Any) -> Any:
        """One call under this client's deadline."""
        with failures(self.target):
            return method(request, timeout=self.deadline, metadata=self._access.metadata)

    def stream(self, request: job_pb2.WatchJobRequest) -> Iterator[job_pb2.WatchJobResponse]:
        """One stream of a watch, until it ends or breaks."""
        with failures(self.target):
            call = self._stub.WatchJob(request, metadata=self._access.metadata)
            try:
                yield from call
            finally:
                call.cancel()


class Job:
    """One job by its id. `submitted` is the job as its submission answered, None for one named by its id."""

    def __init__(self, client: Client, job_id: str, submitted: job_pb2.Job | None = None) -> None:
        self.id, self.submitted = job_id, submitted
        self._client = client

    def get(self, *, model: bool = False, msaez: bool = False, form: str = "") -> job_pb2.GetJobResponse:
        """As it stands; with the typed model, the esValue and the model in a format, if asked for and known."""
        request = job_pb2.GetJobRequest(job_id=self.id, include_model=model, include_msaez=msaez, format=form)
        found: job_pb2.GetJobResponse = self._client.call(self._client.stub.GetJob, request)
        return found

    def watch(self, *, model: bool = False) -> Iterator[job_pb2.WatchJobResponse]:
        """The present, then every change, until the job is over. Goes on by itself when the connection breaks.

        Raises RequestFailed when the poller stays away for longer than the client's patience.
        """
        request = job_pb2.WatchJobRequest(job_id=self.id, include_model=model)
        course = requests.Course(self.id, self._client.patience)
        while not course.over:
            try:
                yield from filter(course.news, self._client.stream(request))
                broken = requests.cut_short()
            except RequestFailed as error:
                broken = error
            if course.over:
                return
            if last := course.ended(broken):
                yield last
                return
            time.sleep(course.pause(broken))

    def wait(self) -> job_pb2.Job:
        """Until it is completed. Raises JobFailed when it ends otherwise."""
        job = job_pb2.Job(job_id=self.id)
        for event in self.watch():
            job = event.job
        return requests.completed(job)

    def model(self) -> model_pb2.EventStormingModel:
        """The typed model with its source text, as it stands; empty before anything is known."""
        return self.get(model=True).model

    def msaez(self) -> dict[str, Any]:
        """What the MSAEz canvas reads; empty before anything is shown."""
        value: dict[str, Any] = json.loads(self.get(msaez=True).msaez_json or "{}")
        return value

    def cancel(self, *, by: str = "") -> job_pb2.Job:
        """Ends it as failed; its data stays."""
        request = job_pb2.CancelJobRequest(job_id=self.id, cancelled_by=by)
        job: job_pb2.Job = self._client.call(self._client.stub.CancelJob, request).job
        return job

    def retry(self) -> job_pb2.Job:
        """Queues a failed job again; answers already paid for are used again."""
        request = job_pb2.RetryJobRequest(job_id=self.id)
        job: job_pb2.Job = self._client.call(self._client.stub.RetryJob, request).job
        return job

    def delete(self) -> None:
        """Removes everything of it."""
        self._client.call(self._client.stub.DeleteJob, job_pb2.DeleteJobRequest(job_id=self.id))
