"""Jobs as a program uses them: `Client` submits and lists, `Job` follows one to its end."""

from __future__ import annotations

import json
import os
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc
from eventstorming.v1 import job_pb2, job_pb2_grpc, model_pb2

from eventstorming_client.channel import open_channel
from eventstorming_client.errors import JobFailed, RequestFailed, understood

DEADLINE_SECONDS = 30.0
PATIENCE_SECONDS = 120.0
"""So long a watch tries to come back while the poller cannot be reached."""

PAGE = 500
_OVER = (job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_REMOVED)
_BROKEN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


def is_over(job: job_pb2.Job) -> bool:
    """Completed, failed or removed: nothing more will happen to it by itself."""
    return job.state in _OVER


class Client:
    """One poller: `target`, else JOBS_TARGET, else this machine's. Use as `with Client() as jobs`; threads may share it.

    `deadline` in seconds is for each call but a watch, `patience` for how long a watch tries to come back.

    Every method raises RequestFailed for what the service refuses or when it cannot be reached.
    """

    def __init__(
        self,
        target: str = "",
        *,
        token: str = "",
        tls_ca: str | Path | None = None,
        tls_cert: str | Path | None = None,
        tls_key: str | Path | None = None,
        allow_plaintext_token: bool = False,
        deadline: float = DEADLINE_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.deadline, self.patience = deadline, patience
        self._channel = open_channel(
            target or os.environ.get("JOBS_TARGET") or "127.0.0.1:50052",
            token=token,
            tls_ca=tls_ca,
            tls_cert=tls_cert,
            tls_key=tls_key,
            allow_plaintext_token=allow_plaintext_token,
        )
        self._stub = job_pb2_grpc.JobServiceStub(self._channel)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends every call and watch that is still open."""
        self._channel.close()

    def submit(
        self, source: str | job_pb2.Draft | job_pb2.JobInput, *, job_id: str = "", like: str = ""
    ) -> Job:
        """Requirements as text, a draft, or a whole input. The same id with the same input is the same job.

        `like` names an earlier job whose answers are used again for what has not changed.
        """
        given = _input(source)
        given.job_id = job_id or given.job_id or str(uuid.uuid4())
        request = job_pb2.SubmitJobRequest(input=given, like_job_id=like)
        return Job(self, given.job_id, self.call(self._stub.SubmitJob, request).job)

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
        request = job_pb2.ListJobsRequest(states=states, page_size=PAGE)
        if created_from is not None:
            request.created_from.FromDatetime(created_from)
        if created_until is not None:
            request.created_until.FromDatetime(created_until)
        while True:
            page = self.call(self._stub.ListJobs, request)
            yield from page.jobs
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    @property
    def stub(self) -> job_pb2_grpc.JobServiceStub:
        """The generated stub, over the same channel."""
        return self._stub

    def call(self, method: Callable[..., Any], request: Any) -> Any:
        """One call under this client's deadline."""
        with _failures():
            return method(request, timeout=self.deadline)


class Job:
    """One job by its id. `submitted` is the job as its submission answered, None for one named by its id."""

    def __init__(self, client: Client, job_id: str, submitted: job_pb2.Job | None = None) -> None:
        self.id, self.submitted = job_id, submitted
        self._client = client

    def get(self, *, model: bool = False, msaez: bool = False) -> job_pb2.GetJobResponse:
        """As it stands; with the typed model and the esValue if asked for and known."""
        request = job_pb2.GetJobRequest(job_id=self.id, include_model=model, include_msaez=msaez)
        found: job_pb2.GetJobResponse = self._client.call(self._client.stub.GetJob, request)
        return found

    def watch(self, *, model: bool = False) -> Iterator[job_pb2.WatchJobResponse]:
        """The present, then every change, until the job is over. Goes on by itself when the connection breaks.

        Raises RequestFailed when the poller stays away for longer than the client's patience.
        """
        last: job_pb2.WatchJobResponse | None = None
        heard, failures = time.monotonic(), 0
        while last is None or not is_over(last.job):
            try:
                for event in self._stream(model):
                    heard, failures = time.monotonic(), 0
                    if event != last:
                        last = event
                        yield event
                broken = RequestFailed(grpc.StatusCode.UNAVAILABLE, "", "the stream ended early", None)
            except RequestFailed as error:
                if last is not None and error.code is grpc.StatusCode.NOT_FOUND:
                    yield job_pb2.WatchJobResponse(
                        job=job_pb2.Job(job_id=self.id, state=job_pb2.JOB_STATE_REMOVED)
                    )
                    return
                broken = error
            if last is not None and is_over(last.job):
                return
            failures += 1
            self._pause(broken, failures, time.monotonic() - heard, begun=last is not None)

    def _stream(self, model: bool) -> Iterator[job_pb2.WatchJobResponse]:
        request = job_pb2.WatchJobRequest(job_id=self.id, include_model=model)
        with _failures():
            call = self._client.stub.WatchJob(request)
            try:
                yield from call
            finally:
                call.cancel()

    def _pause(self, broken: RequestFailed, failures: int, silent: float, *, begun: bool) -> None:
        """Raises what cannot pass: a refusal of ours, or silence for too long; before the first word, a few tries."""
        is_network = broken.code in _BROKEN and broken.reason in ("", "DATABASE_UNAVAILABLE")
        patience = self._client.patience if begun else min(self._client.patience, 5.0)
        if not is_network or silent > patience:
            raise broken
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(failures, 8))
        time.sleep(max(broken.retry_after or 0.0, longest * (0.5 + 0.5 * random.random())))

    def wait(self) -> job_pb2.Job:
        """Until it is completed. Raises JobFailed when it ends otherwise."""
        job = job_pb2.Job(job_id=self.id)
        for event in self.watch():
            job = event.job
        if job.state == job_pb2.JOB_STATE_COMPLETED:
            return job
        raise JobFailed(job.failure or f"The job {self.id} was removed.")

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
        job: job_pb2.Job = self._client.call(
            self._client.stub.RetryJob, job_pb2.RetryJobRequest(job_id=self.id)
        ).job
        return job

    def delete(self) -> None:
        """Removes everything of it."""
        self._client.call(self._client.stub.DeleteJob, job_pb2.DeleteJobRequest(job_id=self.id))


def _input(source: str | job_pb2.Draft | job_pb2.JobInput) -> job_pb2.JobInput:
    given = job_pb2.JobInput()
    if isinstance(source, str):
        given.requirements = source
    elif isinstance(source, job_pb2.Draft):
        given.draft.CopyFrom(source)
    else:
        given.CopyFrom(source)
    return given


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        raise understood(error) from error
