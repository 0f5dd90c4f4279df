"""JobService: jobs for internal tools, by gRPC. Translates messages and errors; decides nothing about jobs.

How it is served (port, token, TLS, health) is in `server`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any, TypeAlias

import grpc
import structlog
from eventstorming.v1 import job_pb2, job_pb2_grpc, model_pb2
from google.protobuf import duration_pb2, timestamp_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from poller import exports
from poller.errors import InputRejected, Permanent, PollerError, Transient, faults
from poller.job import JobState, LogLevel, LogLine
from poller.ports import JobExists, JobNotFound, Jobs, JobView, WrongState
from poller.requests import (
    Violation,
    check_format,
    check_id,
    check_input,
    check_size,
    page_request,
    page_token,
)
from process.status import status

log = structlog.get_logger(__name__)

SERVICE = "eventstorming.v1.JobService"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_LAST_MOMENT = (
    253_402_300_799_999  # the end of the year 9999: a Timestamp ends there, a browser's number does not
)
_STATES: dict[JobState, Any] = {
    state: job_pb2.JobState.Value(f"JOB_STATE_{state.name}") for state in JobState
}
_LEVELS: dict[LogLevel, Any] = {
    level: job_pb2.LogLevel.Value(f"LOG_LEVEL_{level.name}") for level in LogLevel
}


class JobService(job_pb2_grpc.JobServiceServicer):
    """Each method: read the request, one call on the port `Jobs`, write the response."""

    def __init__(self, jobs: Jobs, *, msaez_url: str | None = None, board_url: str | None = None) -> None:
        self._jobs, self._messages = jobs, Messages(msaez_url, board_url)

    async def SubmitJob(
        self, request: job_pb2.SubmitJobRequest, context: Context
    ) -> job_pb2.SubmitJobResponse:
        async with _errors(context):
            check_input(request.input)
            view = await self._jobs.submit(request.input, like=request.like_job_id)
            return job_pb2.SubmitJobResponse(job=self._messages.job(view))

    async def GetJob(self, request: job_pb2.GetJobRequest, context: Context) -> job_pb2.GetJobResponse:
        async with _errors(context):
            check_id(request.job_id)
            check_format(request.format, exports.names())
            view = await self._jobs.get(request.job_id)
            response = job_pb2.GetJobResponse(job=self._messages.job(view))
            if request.include_msaez:
                response.msaez_json = await self._esvalue(request.job_id)
            if (request.include_model or request.format) and view.model is not None:
                whole = exports.sourced(view.model, await self._source(view.job_id))
                if request.include_model:
                    response.model.CopyFrom(whole)
                if request.format:
                    response.export.CopyFrom(await self._export(request, whole))
            return response

    async def _export(
        self, request: job_pb2.GetJobRequest, model: model_pb2.EventStormingModel
    ) -> job_pb2.Export:
        esvalue = await self._esvalue(request.job_id) if request.format == exports.MSAEZ else ""
        document = await asyncio.to_thread(exports.export, request.format, model, esvalue=esvalue)
        check_size("format", len(document.content))
        return job_pb2.Export(file=document.file, media_type=document.media_type, content=document.content)

    async def _esvalue(self, job_id: str) -> str:
        value = await self._jobs.msaez(job_id)
        return "" if value is None else json.dumps(value, ensure_ascii=False)

    async def WatchJob(
        self, request: job_pb2.WatchJobRequest, context: Context
    ) -> AsyncIterator[job_pb2.WatchJobResponse]:
        async with _errors(context):
            check_id(request.job_id)
            shown, source = None, ""
            with self._messages.watched(request.job_id):
                async with aclosing(self._jobs.watch(request.job_id)) as views:
                    async for view in views:
                        response = job_pb2.WatchJobResponse(job=self._messages.once(view))
                        if request.include_model and view.model is not None and view.model is not shown:
                            source = source or await self._source(view.job_id)
                            shown = view.model
                            response.model.CopyFrom(shown)
                            response.model.source_text = source
                        yield response

    async def ListJobs(self, request: job_pb2.ListJobsRequest, context: Context) -> job_pb2.ListJobsResponse:
        async with _errors(context):
            asked = page_request(request)
            page = await self._jobs.list_jobs(asked.wanted, size=asked.size, after=asked.after)
            response = job_pb2.ListJobsResponse(jobs=map(self._messages.job, page.jobs))
            response.next_page_token = page_token(asked.wanted, page.next)
            return response

    async def CancelJob(
        self, request: job_pb2.CancelJobRequest, context: Context
    ) -> job_pb2.CancelJobResponse:
        async with _errors(context):
            check_id(request.job_id)
            view = await self._jobs.cancel(request.job_id, by=request.cancelled_by or "an operator")
            return job_pb2.CancelJobResponse(job=self._messages.job(view))

    async def RetryJob(self, request: job_pb2.RetryJobRequest, context: Context) -> job_pb2.RetryJobResponse:
        async with _errors(context):
            check_id(request.job_id)
            return job_pb2.RetryJobResponse(job=self._messages.job(await self._jobs.retry(request.job_id)))

    async def DeleteJob(
        self, request: job_pb2.DeleteJobRequest, context: Context
    ) -> job_pb2.DeleteJobResponse:
        async with _errors(context):
            check_id(request.job_id)
            await self._jobs.delete(request.job_id)
            return job_pb2.DeleteJobResponse()

    async def _source(self, job_id: str) -> str:
        return (await self._jobs.input(job_id)).requirements


class Messages:
    """Views as messages, with links to where people see the jobs: those whose bases are known."""

    def __init__(self, msaez_url: str | None = None, board_url: str | None = None) -> None:
        self._msaez_url, self._board_url = msaez_url, board_url
        self._watched: dict[str, tuple[JobView, job_pb2.Job]] = {}

    @contextmanager
    def watched(self, job_id: str) -> Iterator[None]:
        """While somebody watches it."""
        try:
            yield
        finally:
            self._watched.pop(job_id, None)

    def once(self, view: JobView) -> job_pb2.Job:
        """Who watches a job is shown the same views: each is translated for the first of them."""
        known, job = self._watched.get(view.job_id, (None, None))
        if job is None or known is not view:
            job = self.job(view)
            self._watched[view.job_id] = (view, job)
        return job

    def job(self, view: JobView) -> job_pb2.Job:
        """As it stands, without model."""
        return job_pb2.Job(
            job_id=view.job_id,
            state=_STATES[view.state],
            position=view.position,
            current_progress=view.current_progress,
            total_progress=view.total_progress,
            created_at=_time(view.created_at),
            started_at=_time(view.started_at),
            ended_at=_time(view.ended_at),
            attempts=view.attempts,
            failure=view.failure,
            log=[_line(line) for line in view.log],
            url=canvas_link(self._msaez_url, view.job_id),
            board_url=f"{self._board_url}/board/{view.job_id}" if self._board_url else "",
            title=view.title,
        )


def canvas_link(base: str | None, job_id: str) -> str:
    """The link that opens a job on the canvas (contract of the web client: 32 hex digits name the new board)."""
    return f"{base}/#/storming/{job_id.replace('-', '').lower()}?jobId={job_id}" if base else ""


def _line(line: LogLine) -> job_pb2.LogLine:
    return job_pb2.LogLine(level=_LEVELS[line.level], message=line.message, created_at=_time(line.created_at))


def _time(milliseconds: int) -> timestamp_pb2.Timestamp | None:
    if not milliseconds:
        return None
    milliseconds = min(milliseconds, _LAST_MOMENT)
    return timestamp_pb2.Timestamp(seconds=milliseconds // 1000, nanos=milliseconds % 1000 * 1_000_000)


# ── bad requests and errors ──────────────────────────────────────────────────────────────────────────────────


_REASONS: tuple[tuple[type[PollerError], int, str], ...] = (
    (JobNotFound, code_pb2.NOT_FOUND, "JOB_NOT_FOUND"),
    (JobExists, code_pb2.ALREADY_EXISTS, "JOB_EXISTS"),
    (WrongState, code_pb2.FAILED_PRECONDITION, "WRONG_STATE"),
    (InputRejected, code_pb2.INVALID_ARGUMENT, "INVALID_INPUT"),
    (Transient, code_pb2.UNAVAILABLE, "DATABASE_UNAVAILABLE"),
    (Permanent, code_pb2.FAILED_PRECONDITION, "DATABASE_UNAVAILABLE"),
    (PollerError, code_pb2.INTERNAL, "INTERNAL"),
)


@asynccontextmanager
async def _errors(context: Context) -> AsyncIterator[None]:
    """The boundary of a call: what is ours becomes a status a client can act on, the rest INTERNAL and a log line."""
    try:
        with faults(log, "rpc.failed", known=(Violation,)):
            yield
    except Violation as violation:
        detail = error_details_pb2.BadRequest(
            field_violations=[{"field": violation.field, "description": violation.description}]
        )
        await _abort(context, status(code_pb2.INVALID_ARGUMENT, "INVALID_INPUT", str(violation), detail))
    except PollerError as error:
        await _abort(context, _known(error))


async def _abort(context: Context, why: status_pb2.Status) -> None:
    await context.abort_with_status(rpc_status.to_status(why))


def _known(error: PollerError) -> status_pb2.Status:
    code, reason = next((code, reason) for kind, code, reason in _REASONS if isinstance(error, kind))
    if isinstance(
        error, InputRejected
    ):  # its words are for who wrote the inputs, which the caller may not be
        return status(code, reason, "The inputs of this job cannot be understood; its log says why.")
    if not isinstance(error, Transient):
        return status(code, reason, str(error))
    seconds = error.retry_after if error.retry_after is not None else 1.0
    retry = error_details_pb2.RetryInfo(
        retry_delay=duration_pb2.Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
    )
    return status(code, reason, str(error), retry)
