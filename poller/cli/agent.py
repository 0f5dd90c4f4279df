"""`eventstorming mcp`: JobService for coding agents, over the Model Context Protocol on stdin and stdout.

Four tools and three resources, all in JobService's words: the database behind it stays the only place where a job is. A call that the agent
cancels cancels its job, so that no language model is asked for somebody who has left. stdout belongs to the protocol: nothing prints there.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import entry_points, version
from itertools import islice
from typing import Annotated, Any

from eventstorming.v1 import job_pb2
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from pydantic import BaseModel, Field

from eventstorming_client import Client, Job
from poller import exports
from poller.cli import connection, files, show
from poller.cli.outcome import CliError, Exit

INSTRUCTIONS = (
    "Turns a requirements text in English or Korean into a complete EventStorming model: bounded contexts, aggregates, commands, events, "
    "policies, read models. Ask generate_event_storming with the whole text; read the model again with get_model or as a resource."
)
_RESOURCES = {
    "board.svg": ("svg", "image/svg+xml"),
    "board.md": ("markdown", "text/markdown"),
    "model.json": ("json", "application/json"),
}
_PATIENT_SECONDS = 10.0
Format = Annotated[str, Field(json_schema_extra={"enum": list(exports.names())})]


def serve(arguments: argparse.Namespace) -> Exit:
    """Until stdin ends; with `--demo` on embedded programs of its own."""
    with ExitStack() as stack:
        target = stack.enter_context(_embedded()) if arguments.demo else None
        client = stack.enter_context(connection.jobs(target))
        server(client).run("stdio")
    return Exit.DONE


def _embedded() -> AbstractContextManager[str]:
    """Database, executor and poller of its own; the value is where JobService is."""
    start: Callable[[], AbstractContextManager[str]] = entry_points(group="eventstorming.commands")[
        "embedded"
    ].load()
    return start()


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


def server(client: Client) -> MCPServer[Any]:
    """Tools and resources of one poller."""
    it: MCPServer[Any] = MCPServer(
        "eventstorming", instructions=INSTRUCTIONS, version=version("eventstorming-generator")
    )
    _add_tools(it, client)
    _add_resources(it, client)
    return it


def _add_tools(it: MCPServer[Any], client: Client) -> None:
    async def generate_event_storming(
        requirements: str, context: Context[Any, Any], like_job_id: str = ""
    ) -> Generated:
        """Make an EventStorming model of a requirements text (English or Korean). Takes seconds to minutes and reports progress.

        like_job_id: an earlier job whose answers are used again for what the text has in common with it.
        """
        with _told():
            job = await asyncio.to_thread(
                client.submit, files.text_input(requirements, project="mcp"), like=like_job_id
            )
            last = await _followed(job, context.report_progress)
            if last.state != job_pb2.JOB_STATE_COMPLETED:
                raise CliError(f"job {job.id}: {last.failure or 'was removed'}", Exit.JOB_FAILED)
            model = await asyncio.to_thread(_written, client, job.id, "markdown")
        told = [entry.message for entry in last.log]
        return Generated(
            job_id=job.id, model=model, told=told, resources=[_uri(job.id, name) for name in _RESOURCES]
        )

    async def get_model(job_id: str, format: Format = "json") -> str:
        """A job's model as it stands: typed JSON, Markdown, the JSON of the MSAEz canvas, or a format of another tool."""
        with _told():
            return await asyncio.to_thread(_written, client, job_id, format)

    async def list_jobs(limit: int = 20) -> list[Listed]:
        """The newest jobs."""
        with _told():
            found = await asyncio.to_thread(lambda: list(islice(client.list(), max(1, min(limit, 500)))))
        return [_listed(job) for job in found]

    async def validate(es_value: dict[str, Any]) -> list[str]:
        """Check an MSAEz esValue (an object with `elements` and `relations`) against the canvas's 18 rules; empty: nothing found."""
        with _told():
            return await asyncio.to_thread(_found, es_value)

    for tool in (generate_event_storming, get_model, list_jobs, validate):
        it.add_tool(tool)


def _add_resources(it: MCPServer[Any], client: Client) -> None:
    def add(name: str, form: str, mime: str) -> None:
        @it.resource(_uri("{job_id}", name), name=name, mime_type=mime)
        async def read(job_id: str) -> str:
            """A job's board or model as it stands."""
            with _told(resource=True):
                return await asyncio.to_thread(_written, client, job_id, form)

    for name, (form, mime) in _RESOURCES.items():
        add(name, form, mime)


def _uri(job_id: str, name: str) -> str:
    return f"eventstorming://jobs/{job_id}/{name}"


async def _followed(job: Job, report: Callable[[float, float, str], Any]) -> job_pb2.Job:
    """The job as it ended. Cancels it when it is cancelled itself: nobody would read what it costs."""
    events, last = job.watch(), job_pb2.Job(job_id=job.id)
    try:
        while (event := await asyncio.to_thread(next, events, None)) is not None:
            last = event.job
            said = last.log[-1].message if last.log else ""
            await report(last.current_progress, last.total_progress or 1, said)
    except asyncio.CancelledError:
        await asyncio.wait_for(
            asyncio.shield(asyncio.to_thread(job.cancel, by="its MCP client")), _PATIENT_SECONDS
        )
        raise
    return last


def _written(client: Client, job_id: str, form: str) -> str:
    if form not in exports.names():
        raise CliError(f"format must be one of {', '.join(exports.names())}")
    return files.document(files.fetch(client.job(job_id)), form).text


def _found(value: dict[str, Any]) -> list[str]:
    return files.findings_in(files.es_value(value, "es_value"))


def _listed(job: job_pb2.Job) -> Listed:
    return Listed(
        job_id=job.job_id,
        state=show.state_of(job),
        title=job.title,
        progress=job.current_progress,
        total=job.total_progress,
        failure=job.failure,
    )


@contextmanager
def _told(*, resource: bool = False) -> Iterator[None]:
    """Refusals and outages become sentences that the agent reads; our own bugs stay errors of the server, logged there."""
    try:
        with connection.sentences("JOBS_TARGET", "poller"):
            yield
    except CliError as error:
        raise (ResourceError if resource else ToolError)(str(error)) from error
