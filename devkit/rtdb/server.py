"""Runs the embedded database: inside another program's loop (tests, demo) or as a program of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import uvicorn

from devkit.rtdb.app import App
from devkit.rtdb.faults import Faults
from devkit.rtdb.rules import Rules
from devkit.rtdb.store import Store
from devkit.rtdb.wire.frames import MAX_FRAME_BYTES

_GRACE_SECONDS = 2.0
"""For answers that are on their way when the server ends."""


class Emulator:
    """`async with Emulator() as rtdb:` listens on a free port; `rtdb.address` is `host:port`.

    `faults` switches the admin path on. In-process users may use `rtdb.faults` and `rtdb.app` directly. `patience`: seconds
    for the rest of an SDK's message that has begun.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        data: Path | None = None,
        audit: Path | None = None,
        rules: Rules | None = None,
        faults: bool = False,
        keep_alive: float = 30.0,
        admin_tokens: frozenset[str] = frozenset({"owner"}),
        patience: float = 60.0,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.store = Store(data=data, audit=audit, rules=rules)
        self.faults = Faults()
        self.app = App(
            self.store,
            now_ms=now_ms,
            abort=self._abort,
            faults=self.faults if faults else None,
            keep_alive=keep_alive,
            admin_tokens=admin_tokens,
            patience=patience,
        )
        self._socket = _listen(host, port)
        self._server = _Server(_config(self.app))
        self._serving: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    async def serve(self) -> None:
        """Runs until `stop` is called."""
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self.store.close()

    def stop(self) -> None:
        self.faults.reset()
        self.app.end_streams("end")
        self._server.leave()

    async def __aenter__(self) -> Emulator:
        self._serving = asyncio.create_task(self.serve())
        await self._server.ready.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._serving is not None:
            await self._serving

    def _abort(self, client: tuple[str, int]) -> None:
        for connection in list(self._server.server_state.connections):
            if getattr(connection, "client", None) == client and connection.transport is not None:
                connection.transport.abort()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: whoever runs the loop decides about signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        self.should_exit = True
        self._leaving.set()

    async def main_loop(self) -> None:
        """Without uvicorn's ten ticks a second: an idle database costs nothing, and ends at once."""
        await self._leaving.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, but waits for what it waits for instead of looking every 100 ms."""
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            await asyncio.wait(list(self.server_state.tasks), timeout=_GRACE_SECONDS)
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="websockets-sansio" if find_spec("websockets") else "none",
        ws_max_size=MAX_FRAME_BYTES,
        ws_ping_interval=30.0,
        ws_ping_timeout=30.0,
        ws_per_message_deflate=False,
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=120,
    )


def _listen(host: str, port: int) -> socket.socket:
    """The protocol is named because asyncio switches Nagle's algorithm off only then: 40 ms an answer otherwise."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)
    listener.setblocking(False)
    return listener
