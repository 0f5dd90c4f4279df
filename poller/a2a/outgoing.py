"""A job as a task of the protocol, and what changes about it as the protocol's events. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from a2a.types import (
    Artifact,
    Message,
    Part,
    Role,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)
from eventstorming.v1 import model_pb2
from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict, ParseDict

from poller import exports
from poller.a2a.card import HTML, JSON, MARKDOWN
from poller.job import JobState
from poller.ports import JobView
from poller.service import canvas_link

_STATES = {
    JobState.QUEUED: TaskState.TASK_STATE_SUBMITTED,
    JobState.RUNNING: TaskState.TASK_STATE_WORKING,
    JobState.COMPLETED: TaskState.TASK_STATE_COMPLETED,
    JobState.FAILED: TaskState.TASK_STATE_FAILED,
    JobState.REMOVED: TaskState.TASK_STATE_CANCELED,
}
JOB_STATES = {
    TaskState.TASK_STATE_SUBMITTED: JobState.QUEUED,
    TaskState.TASK_STATE_WORKING: JobState.RUNNING,
    TaskState.TASK_STATE_COMPLETED: JobState.COMPLETED,
    TaskState.TASK_STATE_FAILED: JobState.FAILED,
    TaskState.TASK_STATE_CANCELED: JobState.FAILED,
}
"""Which jobs to look among for tasks of a state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Bases of the addresses under which people see a job; None where there is none."""

    msaez: str | None = None
    boards: str | None = None

    def of(self, job_id: str) -> dict[str, str]:
        """By name."""
        found = {"canvas": canvas_link(self.msaez, job_id)}
        if self.boards:
            found["board"] = f"{self.boards}/board/{job_id}"
        return {name: link for name, link in found.items() if link}


def state_of(view: JobView) -> TaskState:
    """Of its task; a job that was cancelled is one that failed."""
    return TaskState.TASK_STATE_CANCELED if view.cancelled else _STATES[view.state]


def task_of(view: JobView, context: str, artifacts: list[Artifact] | None = None) -> Task:
    """As it stands. Its context is the job's own id where its caller gave none."""
    task = Task(id=view.job_id, context_id=context or view.job_id, status=_status(view, _last(view)))
    task.artifacts.extend(artifacts or [])
    task.metadata.update(_numbers(view))
    return task


def _last(view: JobView) -> list[str]:
    """What is to be said of it as a whole: why it failed, else its newest line."""
    return [view.failure] if view.failure else [line.message for line in view.log[-1:]]


def changed(before: JobView, view: JobView, context: str, *, now: int) -> TaskStatusUpdateEvent | None:
    """What is new about it, the lines that its log has got since; None when nobody would see it."""
    lines = [line.message for line in view.log[len(before.log) :]]
    same = (state_of(before), _numbers(before)) == (state_of(view), _numbers(view))
    if same and not lines:
        return None
    said = lines or ([view.failure] if view.failure else [])
    event = TaskStatusUpdateEvent(
        task_id=view.job_id, context_id=context or view.job_id, status=_status(view, said, now=now)
    )
    event.metadata.update(_numbers(view))
    return event


def _numbers(view: JobView) -> dict[str, float]:
    """Place in the queue, steps done and to be done: those that apply."""
    found = {
        "position": view.position,
        "progress": view.current_progress,
        "total": view.total_progress,
    }
    return {name: float(value) for name, value in found.items() if value}


def _status(view: JobView, lines: list[str], *, now: int = 0) -> TaskStatus:
    status = TaskStatus(state=state_of(view))
    status.timestamp.FromMilliseconds(view.ended_at or now or view.started_at or view.created_at)
    if lines:
        status.message.CopyFrom(said(view.job_id, f"{view.job_id}-{len(view.log)}", *lines))
    return status


def said(task_id: str, message_id: str, *lines: str) -> Message:
    """By the agent, in the user's language."""
    parts = [Part(text=line, media_type="text/plain") for line in lines]
    return Message(message_id=message_id, task_id=task_id, role=Role.ROLE_AGENT, parts=parts)


# ── artifacts ────────────────────────────────────────────────────────────────────────────────────────────────


def artifacts_of(job_id: str, model: model_pb2.EventStormingModel, links: dict[str, str]) -> list[Artifact]:
    """The typed model as data, the same as Markdown, and where people see it. Takes a moment for a large model."""
    typed = ParseDict(MessageToDict(model), struct_pb2.Value())
    markdown = "\n".join(exports.export("markdown", model).texts.values())
    found = [
        Artifact(
            artifact_id=f"{job_id}-model",
            name="model.json",
            description="The typed EventStorming model",
            parts=[Part(data=typed, media_type=JSON, filename="model.json")],
        ),
        Artifact(
            artifact_id=f"{job_id}-markdown",
            name="model.md",
            description="The model for people, in Markdown",
            parts=[Part(text=markdown, media_type=MARKDOWN, filename="model.md")],
        ),
    ]
    if links:
        parts = [Part(url=link, media_type=HTML, filename=name) for name, link in links.items()]
        where = Artifact(artifact_id=f"{job_id}-board", name="board", description="Where people see it")
        where.parts.extend(parts)
        found.append(where)
    return found


def artifact_events(task: Task) -> Iterator[TaskArtifactUpdateEvent]:
    """One event for each of a finished task's artifacts."""
    for artifact in task.artifacts:
        yield TaskArtifactUpdateEvent(
            task_id=task.id, context_id=task.context_id, artifact=artifact, last_chunk=True
        )


def answered_with_link(view: JobView, context: str, links: dict[str, str]) -> Task:
    """The old worker's answer to a caller that leaves no address: a finished task that holds where to look, while the job goes on."""
    where = next(iter(links.values()), f"job {view.job_id}")
    task = task_of(view, context)
    task.status.state = TaskState.TASK_STATE_COMPLETED
    task.status.message.CopyFrom(said(view.job_id, f"{view.job_id}-link", where))
    parts = [Part(url=link, media_type=HTML, filename=name) for name, link in links.items()]
    if parts:
        task.artifacts.append(Artifact(artifact_id=f"{view.job_id}-board", name="board", parts=parts))
    return task
