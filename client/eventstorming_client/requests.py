"""What the two clients ask, and what a watch makes of what it hears. Neither threads nor an event loop."""

from __future__ import annotations

import random
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import grpc
from eventstorming.v1 import executor_pb2, job_pb2

from eventstorming_client.channel import Access, executor_target, jobs_target
from eventstorming_client.errors import JobFailed, RequestFailed

DEADLINE_SECONDS = 30.0
PATIENCE_SECONDS = 120.0
"""So long a watch tries to come back while the poller cannot be reached."""

PAGE = 500
_OVER = (job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_REMOVED)
_BROKEN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0

Source: TypeAlias = str | job_pb2.Draft | job_pb2.JobInput
"""Requirements as text, a draft, or a whole input."""


class Asking(ABC):
    """Whom a client asks, and how: what both have in common."""

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
        self.deadline, self.patience, self.target = deadline, patience, target or jobs_target()
        self._access = Access(
            token=token,
            tls_ca=tls_ca,
            tls_cert=tls_cert,
            tls_key=tls_key,
            allow_plaintext_token=allow_plaintext_token,
        )
        self._open()

    @abstractmethod
    def _open(self) -> None:
        """Makes the channel, which connects at the first call."""

    def _executor(self, named: str) -> str:
        return named or executor_target(self.target)


def is_over(job: job_pb2.Job) -> bool:
    """Completed, failed or removed: nothing more will happen to it by itself."""
    return job.state in _OVER


def submission(source: Source, *, job_id: str, like: str) -> job_pb2.SubmitJobRequest:
    """With an id from the start, so that repeating it makes no second job."""
    given = _input(source)
    given.job_id = job_id or given.job_id or str(uuid.uuid4())
    return job_pb2.SubmitJobRequest(input=given, like_job_id=like)


def generation(source: Source, *, partial_models: bool) -> executor_pb2.GenerateRequest:
    """Of a job that nobody stores."""
    return executor_pb2.GenerateRequest(
        input=submission(source, job_id="", like="").input, include_partial_models=partial_models
    )


def with_source(event: executor_pb2.GenerateResponse, source: str) -> executor_pb2.GenerateResponse:
    """The finished model with its text in, as GetJob gives it."""
    if event.HasField("completed"):
        event.completed.model.source_text = source
    return event


def listing(
    states: Iterable[job_pb2.JobState], created_from: datetime | None, created_until: datetime | None
) -> job_pb2.ListJobsRequest:
    """The first page."""
    request = job_pb2.ListJobsRequest(states=states, page_size=PAGE)
    if created_from is not None:
        request.created_from.FromDatetime(created_from)
    if created_until is not None:
        request.created_until.FromDatetime(created_until)
    return request


def completed(job: job_pb2.Job) -> job_pb2.Job:
    """The job itself; raises JobFailed when it ended otherwise."""
    if job.state == job_pb2.JOB_STATE_COMPLETED:
        return job
    raise JobFailed(job.failure or f"The job {job.job_id} was removed.")


def _input(source: Source) -> job_pb2.JobInput:
    given = job_pb2.JobInput()
    if isinstance(source, str):
        given.requirements = source
    elif isinstance(source, job_pb2.Draft):
        given.draft.CopyFrom(source)
    elif isinstance(source, job_pb2.JobInput):
        given.CopyFrom(source)
    else:
        hint = "; decode them first, for example with .decode('utf-8')" if isinstance(source, bytes) else ""
        raise TypeError(f"requirements are a str, a Draft or a JobInput, not {type(source).__name__}{hint}")
    return given


class Course:
    """One watch over all its streams: what is news, when it is over, how long to pause when a stream breaks."""

    def __init__(self, job_id: str, patience: float) -> None:
        self._job_id, self._patience = job_id, patience
        self._last: job_pb2.WatchJobResponse | None = None
        self._heard, self._failures = time.monotonic(), 0

    @property
    def over(self) -> bool:
        """Whether the end has been told."""
        return self._last is not None and is_over(self._last.job)

    def news(self, event: job_pb2.WatchJobResponse) -> bool:
        """Whether it says anything new: a resumed stream begins with the present state."""
        self._heard, self._failures = time.monotonic(), 0
        known, self._last = self._last, event
        return event != known

    def ended(self, error: RequestFailed) -> job_pb2.WatchJobResponse | None:
        """The last event of a job that was removed while its stream was broken."""
        if self._last is None or error.code is not grpc.StatusCode.NOT_FOUND:
            return None
        return job_pb2.WatchJobResponse(job=job_pb2.Job(job_id=self._job_id, state=job_pb2.JOB_STATE_REMOVED))

    def pause(self, error: RequestFailed) -> float:
        """Seconds until the next stream. Raises what cannot pass: a refusal, or silence for too long."""
        self._failures += 1
        by_network = error.code in _BROKEN and error.reason in ("", "UNREACHABLE", "DATABASE_UNAVAILABLE")
        patience = self._patience if self._last is not None else min(self._patience, 5.0)
        if not by_network or time.monotonic() - self._heard > patience:
            raise error
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._failures, 8))
        return max(error.retry_after or 0.0, longest * (0.5 + 0.5 * random.random()))


def cut_short() -> RequestFailed:
    """A stream that ended without the job's end."""
    return RequestFailed(grpc.StatusCode.UNAVAILABLE, "UNREACHABLE", "the stream ended early", None)
