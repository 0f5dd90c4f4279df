"""The tools inside the poller, over the port `Jobs`; and how they are served over HTTP. Sessions are this process's own; what they ask for is everybody's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager

from eventstorming.v1 import job_pb2
from starlette.routing import BaseRoute, Route

from poller import admin, exports
from poller.errors import PollerError
from poller.mcp.tools import Listed, Refused, Step, listed, server, step_of
from poller.ports import JobFilter, Jobs
from poller.requests import Violation, check_id, check_input
from poller.service import Messages

PATH = "/mcp"
MOST_SESSIONS = 100


class Local:
    """Implements `Work`."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs, self._messages = jobs, Messages()

    async def submit(self, requirements: str, *, like: str) -> str:
        with _refusals():
            given = job_pb2.JobInput(requirements=requirements, user_id="mcp", project_id="mcp")
            check_input(given)
            if like:
                check_id(like, field="like_job_id")
            return (await self._jobs.submit(given, like=like)).job_id

    async def follow(self, job_id: str) -> AsyncGenerator[Step, None]:
        with _refusals():
            async with aclosing(self._jobs.watch(job_id)) as views:
                async for view in views:
                    yield step_of(self._messages.job(view))

    async def cancel(self, job_id: str) -> None:
        with _refusals():
            await self._jobs.cancel(job_id, by="its MCP client")

    async def written(self, job_id: str, form: str) -> str:
        with _refusals():
            check_id(job_id)
            view = await self._jobs.get(job_id)
            if view.model is None:
                raise Refused(f"job {job_id} has no model yet")
            whole = exports.sourced(view.model, (await self._jobs.input(job_id)).requirements)
            value = await self._jobs.msaez(job_id) if form == exports.MSAEZ else None
            esvalue = json.dumps(value, ensure_ascii=False)
            return (await asyncio.to_thread(exports.export, form, whole, esvalue=esvalue)).text

    async def newest(self, limit: int) -> Sequence[Listed]:
        with _refusals():
            page = await self._jobs.list_jobs(JobFilter(), size=limit)
        return [listed(self._messages.job(view)) for view in page.jobs]


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (PollerError, Violation) as error:
        raise Refused(str(error)) from error


@asynccontextmanager
async def served(jobs: Jobs, token: str) -> AsyncIterator[list[BaseRoute]]:
    """Routes of the port inside the cluster, behind the wall for programs; open while inside."""
    it = server(Local(jobs))
    # Which names may be called is the wall's to say, so that the SDK need not know them.
    app = it.streamable_http_app(streamable_http_path=PATH, host="", max_sessions=MOST_SESSIONS)
    async with it.session_manager.run():
        yield [Route(PATH, admin.for_programs(app, token))]
