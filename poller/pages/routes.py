"""The paths of the pages, and what each answers. Every answer carries the headers that keep a page to itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from poller import exports
from poller.documents import LARGEST_DOCUMENT, Documents, Refusal, Unreadable
from poller.errors import InputRejected, PollerError, Transient
from poller.pages.boards import Boards
from poller.pages.jobs import JobList
from poller.pages.jobs_page import jobs_page, message_page
from poller.pages.revision import NotUnderstood, revised, submitted
from poller.pages.stream import EventStream
from poller.ports import LARGEST_INPUT, JobNotFound, Jobs, WrongState
from poller.requests import JOB_ID

OPERATOR = "an operator"
LARGEST_MESSAGE = 2 * LARGEST_INPUT
"""Bytes of JSON: a text with every line feed escaped, and more."""
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "frame-ancestors 'none'",  # beside the page's own, which names its scripts
}

Answer = Callable[[Request], Awaitable[Response]]


class Pages:
    """`routes` belong behind the wall of `poller.admin`."""

    def __init__(self, jobs: Jobs, boards: Boards, rows: JobList) -> None:
        self._jobs, self._boards, self._rows = jobs, boards, rows
        self._documents = Documents()
        self._actions = Actions(jobs, rows)

    @classmethod
    @asynccontextmanager
    async def of(cls, jobs: Jobs) -> AsyncIterator[Pages]:
        """Reads only while somebody looks."""
        async with Boards(jobs) as boards, JobList(jobs) as rows:
            yield cls(jobs, boards, rows)

    @property
    def routes(self) -> list[BaseRoute]:
        """What they answer, one route each."""
        return [
            Route("/", _home),
            Route("/jobs", _answered(_list), methods=["GET"]),
            Route("/documents", _answered(self._read), methods=["POST"]),
            Route("/jobs/events", _answered(self._list_events)),
            Route("/board/{job}", _answered(self._board)),
            Route("/board/{job}/events", _answered(self._board_events)),
            Route("/jobs/{job}/export/{form}", _answered(self._export)),
            *self._actions.routes,
        ]

    async def _list_events(self, _: Request) -> Response:
        return EventStream(self._rows.events)

    async def _board(self, request: Request) -> Response:
        return HTMLResponse(await self._boards.page(_job(request)))

    async def _board_events(self, request: Request) -> Response:
        job_id = _job(request)
        await self._boards.know(job_id)
        have = request.headers.get("last-event-id") or request.query_params.get("have", "")
        in_time = request.query_params.get("view") == "time"
        return EventStream(lambda: self._boards.events(job_id, have, in_time=in_time))

    async def _read(self, request: Request) -> Response:
        found = await self._documents.read(await _content(request, LARGEST_DOCUMENT))
        return JSONResponse({"text": found.text, "form": found.form})

    async def _export(self, request: Request) -> Response:
        job_id, form = _job(request), str(request.path_params["form"])
        if form not in exports.names() or form == exports.MSAEZ:
            raise JobNotFound(f"There is no format {form!r}.")
        view = await self._jobs.get(job_id)
        if view.model is None:
            raise WrongState("The job has no model yet.")
        whole = exports.sourced(view.model, (await self._jobs.input(job_id)).requirements)
        made = await asyncio.to_thread(exports.export, form, whole)
        named = {"Content-Disposition": f'attachment; filename="{made.file}"'}
        return Response(made.content, media_type=made.media_type, headers=named)


class Actions:
    """What people change from a page. Who looks at the list is shown it at once."""

    def __init__(self, jobs: Jobs, rows: JobList) -> None:
        self._jobs, self._rows = jobs, rows

    @property
    def routes(self) -> list[BaseRoute]:
        """One for each action."""
        return [
            Route(path, _answered(action), methods=["POST"])
            for path, action in {
                "/jobs": self._submit,
                "/jobs/{job}/cancel": self._cancel,
                "/jobs/{job}/retry": self._retry,
                "/jobs/{job}/revise": self._revise,
                "/jobs/{job}/delete": self._delete,
            }.items()
        ]

    async def _submit(self, request: Request) -> Response:
        view = await self._jobs.submit(submitted(await _json(request)))
        self._rows.poke()
        return JSONResponse({"job": view.job_id})

    async def _revise(self, request: Request) -> Response:
        """The earlier job stays as it is."""
        job_id = _job(request)
        revision = revised(await self._jobs.input(job_id), await _json(request))
        view = await self._jobs.submit(revision, like=job_id)
        self._rows.poke()
        return JSONResponse({"job": view.job_id})

    async def _cancel(self, request: Request) -> Response:
        await self._jobs.cancel(_job(request), by=OPERATOR)
        return self._done()

    async def _retry(self, request: Request) -> Response:
        await self._jobs.retry(_job(request))
        return self._done()

    async def _delete(self, request: Request) -> Response:
        await self._jobs.delete(_job(request))
        return self._done()

    def _done(self) -> Response:
        self._rows.poke()
        return JSONResponse({})


async def _home(_: Request) -> Response:
    return RedirectResponse("/jobs", status_code=303)


async def _list(_: Request) -> Response:
    return HTMLResponse(jobs_page())


def _job(request: Request) -> str:
    job_id = str(request.path_params["job"])
    if not JOB_ID.fullmatch(job_id):
        raise JobNotFound("A job's id is hexadecimal digits in groups of 8-4-4-4-12.")
    return job_id


async def _content(request: Request, most: int) -> bytes:
    """The whole body; of one that is too large, no more than that it is."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            raise Unreadable(Refusal.TOO_LARGE)
    return bytes(content)


async def _json(request: Request) -> Any:
    try:
        return json.loads(await _content(request, LARGEST_MESSAGE))
    except ValueError as error:
        raise NotUnderstood("This is no JSON.") from error


def _answered(answer: Answer) -> Answer:
    """The boundary of a request: what is ours becomes a status and a sentence, as page or as JSON."""

    async def respond(request: Request) -> Response:
        try:
            response = await answer(request)
        except PollerError as error:
            response = _refused(request, error)
        response.headers.update(_HEADERS)
        return response

    return respond


def _refused(request: Request, error: PollerError) -> Response:
    status = _status(error)
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(message_page(str(error)), status_code=status)
    told = {"message": str(error)}
    if isinstance(error, Unreadable):
        told["why"] = error.why
    return JSONResponse(told, status_code=status)


def _status(error: PollerError) -> int:
    if isinstance(error, JobNotFound):
        return 404
    if isinstance(error, WrongState):
        return 409
    if isinstance(error, Unreadable | NotUnderstood | InputRejected):
        return 400
    return 503 if isinstance(error, Transient) else 500
