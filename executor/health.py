"""HTTP beside gRPC: `/ok` for everyone on the public port, `/livez` and `/readyz` on the port inside the cluster.

Nothing here waits on a network; uvicorn runs inside our event loop and leaves the signals to us.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

Reason = Callable[[], str]

OK_MESSAGE = "EventStorming Generator 서버가 정상 작동 중입니다."


class PortTaken(Exception):
    """Another program listens there; the message says so."""


def public(dead: Reason) -> Starlette:
    """`/ok` and nothing else; `dead` says why the process does no work any more, or nothing."""

    async def ok(_: Request) -> Response:
        if reason := dead():
            return JSONResponse({"status": "unavailable", "message": reason}, status_code=503)
        return JSONResponse({"status": "ok", "message": OK_MESSAGE})

    return Starlette(routes=[Route("/ok", ok)])


def admin(dead: Reason, unready: Reason, more: Sequence[BaseRoute] = ()) -> Starlette:
    """`/livez`, `/readyz`, which says why not, and whatever else is mounted."""
    return Starlette(routes=[Route("/livez", _probe(dead)), Route("/readyz", _probe(unready)), *more])


def _probe(problem: Reason) -> Callable[[Request], Response]:
    def answer(_: Request) -> Response:
        reason = problem()
        return PlainTextResponse(reason or "ok", status_code=503 if reason else 200)

    return answer


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Starlette, port: int) -> AsyncIterator[int]:
    """Serves while inside; the value is the port, picked if 0."""
    listener = _listener(port)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


def _listener(port: int) -> socket.socket:
    try:
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128)
        return socket.create_server(("", port), backlog=128)
    except OSError as error:
        raise PortTaken(f"HTTP_PORT or ADMIN_PORT: cannot listen on {port}: {error.strerror}") from error
