"""A job's node as it is stored, read once, and as the outside sees it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from eventstorming.v1 import job_pb2, model_pb2
from google.protobuf.json_format import Parse, ParseError

from poller.errors import InputRejected
from poller.job import Job, JobState, LogLevel, LogLine, milliseconds
from poller.msaez.encoding import decode
from poller.msaez.inputs import understand
from poller.ports import JobView
from poller.rtdb.names import Json, count, members, number, text


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """What others wrote may be missing or nonsense: then it is nothing here. Times in ms, 0 when there is none.

    `there`: the database has something of it; `ours`: something that we wrote.
    """

    there: bool
    ours: bool
    inputs: Json
    completed: bool | None
    failed: bool | None
    current_progress: int
    total_progress: int
    logs: Mapping[str, Json]
    elements: Mapping[str, Json]
    relations: Mapping[str, Json]
    created_at: int
    started_at: int
    ended_at: int
    said_failure: str
    cancelled: bool
    said: frozenset[str]
    journal: Mapping[str, Json]
    epochs: Mapping[str, Json]
    model_text: str

    @classmethod
    def of(cls, node: Json) -> Self:
        """Of a whole node, or of the part of it that was read."""
        state, run = (members(members(node).get(name)) for name in ("state", "run"))
        outputs = members(state.get("outputs"))
        canvas = members(outputs.get("esValue"))
        return cls(
            there=node is not None,
            ours=bool(run),
            inputs=state.get("inputs"),
            completed=_flag(outputs.get("isCompleted")),
            failed=_flag(outputs.get("isFailed")),
            current_progress=count(outputs.get("currentProgressCount")),
            total_progress=count(outputs.get("totalProgressCount")),
            logs=members(outputs.get("logs")),
            elements=members(canvas.get("elements")),
            relations=members(canvas.get("relations")),
            created_at=milliseconds(number(run.get("createdAt")) or 0),
            started_at=count(run.get("startedAt")),
            ended_at=count(run.get("endedAt")),
            said_failure=text(run.get("failure")),
            cancelled=run.get("cancelled") is True,
            said=frozenset(members(run.get("said"))),
            journal=members(run.get("journal")),
            epochs=members(run.get("epochs")),
            model_text=text(run.get("model")),
        )

    def state(self, job: Job | None = None) -> JobState:
        """`job` is its queue entry."""
        if self.completed:
            return JobState.COMPLETED
        if self.failed:
            return JobState.FAILED
        return JobState.RUNNING if job and not job.waiting else JobState.QUEUED

    @property
    def log(self) -> tuple[LogLine, ...]:
        """In the order of the lines' numbers; what is no line is left out."""
        lines = sorted((int(key), line) for key, line in self.logs.items() if key.isdigit())
        return tuple(_line(decode(line)) for _, line in lines if isinstance(line, dict))

    @property
    def next_line(self) -> int:
        """Number of the next line of the log."""
        return max((int(key) for key in self.logs if key.isdigit()), default=-1) + 1

    @property
    def failure(self) -> str:
        """Why it failed, by its end, else by the last error in its log, as the old worker leaves it."""
        errors = [line.message for line in self.log if line.level is LogLevel.ERROR]
        return self.said_failure or (errors[-1] if errors else "")

    @property
    def language(self) -> model_pb2.Language:
        """Of inputs that cannot be understood, at least the language their author reads."""
        prefered = decode(members(self.inputs)).get("preferedLanguage")
        return model_pb2.LANGUAGE_KOREAN if prefered == "Korean" else model_pb2.LANGUAGE_ENGLISH

    def input(self, job_id: str) -> tuple[job_pb2.JobInput, tuple[str, ...], str]:
        """What is to be generated from, warnings, and why it is rejected, which is empty unless it is."""
        try:
            understood = understand(self.inputs, job_id=job_id)
        except InputRejected as error:
            return job_pb2.JobInput(job_id=job_id, language=self.language), (), str(error)
        return understood.input, understood.warnings, ""


def _flag(value: Json) -> bool | None:
    return value if isinstance(value, bool) else None


def job_view(
    job_id: str,
    job: Job | None,
    stored: StoredJob,
    *,
    model: model_pb2.EventStormingModel | None = None,
    preview: model_pb2.EventStormingModel | None = None,
) -> JobView:
    """Without an entry and a node it has been removed."""
    if not stored.there and job is None:
        return JobView(job_id=job_id, state=JobState.REMOVED)
    state = stored.state(job)
    return JobView(
        job_id=job_id,
        state=state,
        position=job.position if job and state is JobState.QUEUED else 0,
        current_progress=stored.current_progress,
        total_progress=stored.total_progress,
        created_at=job.created_at if job else stored.created_at,
        started_at=stored.started_at,
        ended_at=stored.ended_at,
        attempts=job.attempts if job else 0,
        failure=stored.failure if state is JobState.FAILED else "",
        cancelled=stored.cancelled and state is JobState.FAILED,
        log=stored.log,
        model=model if model is not None else read_model(stored.model_text),
        preview=preview if model is None else None,
    )


def _line(line: dict[str, Json]) -> LogLine:
    at, level = _time(line.get("created_at")), _level(line.get("level"))
    return LogLine(level=level, message=text(line.get("message")), created_at=at)


def _level(said: Json) -> LogLevel:
    try:
        return LogLevel(said)
    except ValueError:
        return LogLevel.INFO


def _time(stamp: Json) -> int:
    try:
        return int(datetime.fromisoformat(text(stamp)).timestamp() * 1000)
    except ValueError:
        return 0


def read_model(stored: str) -> model_pb2.EventStormingModel | None:
    """None where nothing is stored, or nothing that can be read."""
    if not stored:
        return None
    try:
        return Parse(stored, model_pb2.EventStormingModel(), ignore_unknown_fields=True)
    except ParseError:
        return None
