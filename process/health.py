"""HTTP of a program: `/ok` alone on the public port; `/livez`, `/readyz` and what is mounted on the port inside the cluster.

Nothing here waits on a network; uvicorn runs in our event loop and leaves the signals to us.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from process.errors import PortTaken
from process.settings import EVERYWHERE, LOOPBACK

Reason = Callable[[], str]
"""Why not, a sentence; empty when all is well. Never waits."""

OK_MESSAGE = "EventStorming Generator 서버가 정상 작동 중입니다."


def public(lost: Reason) -> Starlette:
    """`/ok` and nothing else. `lost` says why the work loop is gone."""

    async def ok(_: Request) -> Response:
        if reason := lost():
            return JSONResponse({"status": "unavailable", "message": reason}, status_code=503)
        return JSONResponse({"status": "ok", "message": OK_MESSAGE})

    return Starlette(routes=[Route("/ok", ok)])


def admin(lost: Reason, unready: Reason, more: Sequence[BaseRoute] = ()) -> Starlette:
    """`/livez`, `/readyz` (says why not ready), and whatever else is mounted."""
    return Starlette(routes=[Route("/livez", _probe(lost)), Route("/readyz", _probe(unready)), *more])


def _probe(problem: Reason) -> Callable[[Request], Response]:
    async def answer(_: Request) -> Response:
        reason = problem()
        return PlainTextResponse(reason or "ok", status_code=503 if reason else 200)

    return answer  # type: ignore[return-value]  # starlette takes both kinds


class Server(uvicorn.Server):
    """uvicorn's, which leaves the signals to us, does not wake ten times a second, and ends as soon as all is answered."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        """Takes no more; `serve` returns when all is answered."""
        self.should_exit = True
        self._leaving.set()

    async def main_loop(self) -> None:
        """Until `leave`: uvicorn's, once a second."""
        while not await self.on_tick(0):  # sets the second that answers are dated with
            with suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, but waits for what it waits for instead of looking every 100 ms."""
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if tasks := list(self.server_state.tasks):
            _, late = await asyncio.wait(tasks, timeout=self.config.timeout_graceful_shutdown)
            for task in late:
                task.cancel()
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.close()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: they are the program's."""
        yield


@asynccontextmanager
async def serving(app: Starlette, port: int, *, name: str, host: str = LOOPBACK) -> AsyncIterator[int]:
    """Serves while inside; the value is the port, a free one if 0. `name` is the setting, for the message."""
    listener = _listener(host, port, name)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listener]))
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.leave()


def _listener(host: str, port: int, name: str) -> socket.socket:
    if host == EVERYWHERE and not socket.has_dualstack_ipv6():
        host = "0.0.0.0"
    family, both = (socket.AF_INET6, host == EVERYWHERE) if ":" in host else (socket.AF_INET, False)
    try:
        return socket.create_server((host, port), family=family, dualstack_ipv6=both, backlog=128)
    except OSError as error:
        raise PortTaken(f"{name}: cannot listen on {host}:{port}: {error.strerror}") from error
