"""Stored jobs as the outside sees them. Pure."""

from __future__ import annotations

from datetime import datetime

from eventstorming.v1 import model_pb2
from google.protobuf.json_format import Parse, ParseError

from poller.job import Job, JobState, LogLevel, LogLine, milliseconds
from poller.msaez.encoding import decode
from poller.ports import JobView
from poller.rtdb.names import Json, members, number, text


def job_view(
    job_id: str, job: Job | None, stored: Json, *, model: model_pb2.EventStormingModel | None = None
) -> JobView:
    """`job` is its queue entry, `stored` its node; without both it has been removed."""
    if stored is None and job is None:
        return JobView(job_id=job_id, state=JobState.REMOVED)
    run = members(members(stored).get("run"))
    outputs = members(members(members(stored).get("state")).get("outputs"))
    state = state_of(job, outputs)
    return JobView(
        job_id=job_id,
        state=state,
        position=job.position if job and state is JobState.QUEUED else 0,
        current_progress=_count(outputs.get("currentProgressCount")),
        total_progress=_count(outputs.get("totalProgressCount")),
        created_at=job.created_at if job else milliseconds(number(run.get("createdAt")) or 0),
        started_at=_count(run.get("startedAt")),
        ended_at=_count(run.get("endedAt")),
        attempts=job.attempts if job else 0,
        failure=_failure(outputs, run) if state is JobState.FAILED else "",
        log=log_lines(outputs.get("logs")),
        model=model if model is not None else stored_model(run.get("model")),
    )


def state_of(job: Job | None, outputs: Json) -> JobState:
    if outputs.get("isCompleted") is True:
        return JobState.COMPLETED
    if outputs.get("isFailed") is True:
        return JobState.FAILED
    return JobState.RUNNING if job and not job.waiting else JobState.QUEUED


def log_lines(stored: Json) -> tuple[LogLine, ...]:
    lines = sorted((int(key), line) for key, line in members(stored).items() if key.isdigit())
    return tuple(_line(decode(line)) for _, line in lines if isinstance(line, dict))


def _line(line: dict[str, Json]) -> LogLine:
    try:
        at = int(datetime.fromisoformat(text(line.get("created_at"))).timestamp() * 1000)
        level = LogLevel(line.get("level"))
    except ValueError:
        at, level = 0, LogLevel.INFO
    return LogLine(level=level, message=text(line.get("message")), created_at=at)


def _failure(outputs: Json, run: Json) -> str:
    errors = [line.message for line in log_lines(outputs.get("logs")) if line.level is LogLevel.ERROR]
    return text(run.get("failure")) or (errors[-1] if errors else "")


def stored_model(stored: Json) -> model_pb2.EventStormingModel | None:
    if not text(stored):
        return None
    try:
        return Parse(stored, model_pb2.EventStormingModel(), ignore_unknown_fields=True)
    except ParseError:
        return None


def _count(value: Json) -> int:
    return max(0, int(number(value) or 0))
