"""Four tools and three resources. A call that the agent cancels cancels its job, so that no language model is asked for somebody who has left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any, Protocol

from eventstorming.v1 import job_pb2
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from pydantic import BaseModel, Field

from poller import exports
from poller.msaez.check import es_value_in, findings

INSTRUCTIONS = (
    "Turns a requirements text in English or Korean into a complete EventStorming model: bounded contexts, aggregates, commands, events, "
    "policies, read models. Ask generate_event_storming with the whole text; read the model again with get_model or as a resource."
)
LARGEST_LIST = 500
_RESOURCES = {
    "board.svg": ("svg", "image/svg+xml"),
    "board.md": ("markdown", "text/markdown"),
    "model.json": ("json", "application/json"),
}
_PATIENT_SECONDS = 10.0
Format = Annotated[str, Field(json_schema_extra={"enum": list(exports.names())})]


class Refused(Exception):
    """The message is a sentence that the agent reads: what was wrong, or what cannot be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A job on its way: steps done and to be done, and its log. `completed` or `failure` at the end."""

    progress: int = 0
    total: int = 0
    told: tuple[str, ...] = ()
    completed: bool = False
    failure: str = ""


def step_of(job: job_pb2.Job) -> Step:
    """A job as it stands."""
    return Step(
        progress=job.current_progress,
        total=job.total_progress,
        told=tuple(line.message for line in job.log),
        completed=job.state == job_pb2.JOB_STATE_COMPLETED,
        failure=job.failure,
    )


class Generated(BaseModel):
    """What came of a text. `model`: Markdown; `told`: what the generation told its user on the way."""

    job_id: str
    model: str
    told: list[str]
    resources: list[str]


class Listed(BaseModel):
    """One job; `progress` of `total` steps."""

    job_id: str
    state: str
    title: str
    progress: int
    total: int
    failure: str


def listed(job: job_pb2.Job) -> Listed:
    """A job among others."""
    return Listed(
        job_id=job.job_id,
        state=job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_").lower(),
        title=job.title,
        progress=job.current_progress,
        total=job.total_progress,
        failure=job.failure,
    )


class Work(Protocol):
    """The jobs, as the tools need them. Everything raises Refused."""

    async def submit(self, requirements: str, *, like: str) -> str:
        """The new job's id."""

    def follow(self, job_id: str) -> AsyncGenerator[Step, None]:
        """Until it has ended."""

    async def cancel(self, job_id: str) -> None:
        """Its language model is asked no more."""

    async def written(self, job_id: str, form: str) -> str:
        """Its model in one of the formats."""

    async def newest(self, limit: int) -> Sequence[Listed]:
        """At most so many, newest first."""


def server(work: Work) -> MCPServer[Any]:
    """Tools and resources over it."""
    it: MCPServer[Any] = MCPServer(
        "eventstorming", instructions=INSTRUCTIONS, version=version("eventstorming-generator")
    )
    _add_tools(it, work)
    _add_resources(it, work)
    return it


def _add_tools(it: MCPServer[Any], work: Work) -> None:
    async def generate_event_storming(
        requirements: str, context: Context[Any, Any], like_job_id: str = ""
    ) -> Generated:
        """Make an EventStorming model of a requirements text (English or Korean). Takes seconds to minutes and reports progress.

        like_job_id: an earlier job whose answers are used again for what the text has in common with it.
        """
        with _told():
            job_id = await work.submit(requirements, like=like_job_id)
            last = await _followed(work, job_id, context.report_progress)
            if not last.completed:
                raise Refused(f"job {job_id}: {last.failure or 'was removed'}")
            model = await work.written(job_id, "markdown")
        resources = [_uri(job_id, name) for name in _RESOURCES]
        return Generated(job_id=job_id, model=model, told=list(last.told), resources=resources)

    async def get_model(job_id: str, format: Format = "json") -> str:
        """A job's model as it stands: typed JSON, Markdown, the JSON of the MSAEz canvas, or a format of another tool."""
        with _told():
            return await _written(work, job_id, format)

    async def list_jobs(limit: int = 20) -> list[Listed]:
        """The newest jobs."""
        with _told():
            return list(await work.newest(max(1, min(limit, LARGEST_LIST))))

    async def validate(es_value: dict[str, Any]) -> list[str]:
        """Check an MSAEz esValue (an object with `elements` and `relations`) against the canvas's 18 rules; empty: nothing found."""
        with _told():
            return await asyncio.to_thread(_found, es_value)

    for tool in (generate_event_storming, get_model, list_jobs, validate):
        it.add_tool(tool)


def _add_resources(it: MCPServer[Any], work: Work) -> None:
    def add(name: str, form: str, mime: str) -> None:
        @it.resource(_uri("{job_id}", name), name=name, mime_type=mime)
        async def read(job_id: str) -> str:
            """A job's board or model as it stands."""
            with _told(resource=True):
                return await _written(work, job_id, form)

    for name, (form, mime) in _RESOURCES.items():
        add(name, form, mime)


def _uri(job_id: str, name: str) -> str:
    return f"eventstorming://jobs/{job_id}/{name}"


async def _followed(work: Work, job_id: str, report: Callable[[float, float, str], Any]) -> Step:
    """The job as it ended. Cancels it when it is cancelled itself: nobody would read what it costs."""
    last = Step()
    try:
        async with aclosing(work.follow(job_id)) as steps:
            async for last in steps:
                said = last.told[-1] if last.told else ""
                await report(last.progress, last.total or 1, said)
    except asyncio.CancelledError:
        await asyncio.wait_for(asyncio.shield(work.cancel(job_id)), _PATIENT_SECONDS)
        raise
    return last


async def _written(work: Work, job_id: str, form: str) -> str:
    if form not in exports.names():
        raise Refused(f"format must be one of {', '.join(exports.names())}")
    return await work.written(job_id, form)


def _found(given: dict[str, Any]) -> list[str]:
    value = es_value_in(given)
    if not isinstance(value, dict) or not isinstance(value.get("elements"), dict):
        raise Refused("es_value holds no esValue: an object with `elements` and `relations` is expected")
    return [str(finding) for finding in findings(value, inputs=None)]


@contextmanager
def _told(*, resource: bool = False) -> Iterator[None]:
    """Refusals become sentences that the agent reads; our own bugs stay errors of the server, logged there."""
    try:
        yield
    except Refused as error:
        raise (ResourceError if resource else ToolError)(str(error)) from error
