"""gRPC without gRPC: a channel whose calls reach the real servicer of another simulated process.

What is kept of gRPC: frames in order, a status at the end, cancellation of the handler when the caller goes, UNAVAILABLE
when the peer is gone. Frames are copied by serialising them, as a wire would.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

import grpc
from grpc.aio import EOF, AioRpcError, Metadata

from workbench.simulation.loop import Process
from workbench.simulation.world import Connection, World

EPOCH: ContextVar[tuple[str, int]] = ContextVar("epoch", default=("", 0))
"""Job and epoch of the run that a task of an executor belongs to."""

Servicer = Any
Find = Callable[[], tuple[Process, Servicer] | None]


class _Abort(Exception):
    """What ends a handler with a status."""


class Call:
    """Both ends of one call."""

    def __init__(self, world: World, client: Process, find: Find, method: str, request: Any) -> None:
        self._world, self._client, self._method = world, client, method
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()
        self._over = False
        self._frames: asyncio.Task[None] | None = None
        self._handler: asyncio.Task[Any] | None = None
        self._requests: asyncio.Queue[Any] = asyncio.Queue()
        found = find()
        if found is None:
            world.deliver(client, world.latency(), self._end, _gone("connection refused"))
            return
        self._server, self._servicer = found
        self._connection = Connection(world, client, self._server)
        self._connection.on_reset.append((client, lambda: self._end(_gone("the connection was reset"))))
        self._connection.on_reset.append((self._server, self._abandoned))
        self._connection.send(self._server, self._begin, request if method == "Attach" else None)
        if method == "Execute":
            self._frames = asyncio.get_running_loop().create_task(self._feed(request))

    # ── the client's end ─────────────────────────────────────────────────────────────────────────────────────

    async def _feed(self, requests: AsyncIterator[Any]) -> None:
        async for frame in requests:
            copy = type(frame).FromString(frame.SerializeToString())
            self._connection.send(self._server, self._requests.put_nowait, copy)
        self._connection.send(self._server, self._requests.put_nowait, EOF)

    async def read(self) -> Any:
        item = await self._inbox.get()
        if isinstance(item, AioRpcError):
            self._inbox.put_nowait(item)
            raise item
        if item is EOF:
            self._inbox.put_nowait(item)
        return item

    def __aiter__(self) -> Call:
        return self

    async def __anext__(self) -> Any:
        item = await self.read()
        if item is EOF:
            raise StopAsyncIteration
        return item

    def cancel(self) -> None:
        if self._frames is not None and self._client.alive:
            self._frames.cancel()
        if not self._over and hasattr(self, "_connection"):
            self._over = True
            self._connection.send(self._server, self._abandoned)

    def _end(self, how: Any) -> None:
        if not self._over:
            self._over = True
            self._inbox.put_nowait(how)

    # ── the server's end ─────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, request: Any) -> None:
        self._handler = self._world.start(self._server, self._handle(request))

    def _abandoned(self) -> None:
        if self._handler is not None:
            self._handler.cancel()
        self._connection.close()

    async def _handle(self, request: Any) -> None:
        try:
            if request is not None:
                async for state in self._servicer.Attach(request, self):
                    await self.write(state)
            else:
                await self._servicer.Execute(None, ServerSide(self))
            how: Any = EOF
        except _Abort as abort:
            how = abort.args[0]
        except (asyncio.CancelledError, grpc.aio.UsageError):
            return  # the caller is gone
        except Exception as error:  # noqa: BLE001 (what gRPC does)
            self._world.breaks("no unexpected errors", f"{self._method} raised {error!r}")
            how = _gone(repr(error))
        self._connection.send(self._client, self._end, how)
        self._connection.send(self._client, self._connection.close)

    async def write(self, frame: Any) -> None:
        if not self._connection.open:
            raise grpc.aio.UsageError("RPC already finished")
        copy = type(frame).FromString(frame.SerializeToString())
        self._connection.send(self._client, self._inbox.put_nowait, copy)


class ServerSide:
    """What a handler takes for its ServicerContext."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def read(self) -> Any:
        frame = await self._call._requests.get()
        if frame is EOF:
            self._call._requests.put_nowait(frame)
        elif frame.WhichOneof("frame") == "start":
            EPOCH.set((frame.job_id, frame.epoch))
        return frame

    async def write(self, frame: Any) -> None:
        await self._call.write(frame)

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return ()

    async def abort_with_status(self, status: Any) -> None:
        trailing = Metadata(*(status.trailing_metadata or ()))
        raise _Abort(AioRpcError(status.code, Metadata(), trailing, details=status.details))


def _gone(why: str) -> AioRpcError:
    return AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), Metadata(), details=why)


class Channel:
    """What a generated stub needs of a channel."""

    def __init__(self, world: World, client: Process, find: Find) -> None:
        self._world, self._client, self._find = world, client, find

    def _method(self, path: str, *_: Any, **__: Any) -> Callable[..., Call]:
        name = path.rpartition("/")[2]

        def call(request: Any, metadata: Any = None, **___: Any) -> Call:
            return Call(self._world, self._client, self._find, name, request)

        return call

    unary_stream = stream_stream = unary_unary = stream_unary = _method

    async def close(self) -> None:
        return None


class Access:
    """What `GrpcExecutors` takes for its access: channels by address."""

    metadata = ()

    def __init__(self, world: World, client: Process, find: Callable[[str], Find]) -> None:
        self._world, self._client, self._find = world, client, find

    def channel(self, address: str, *, host: str) -> Channel:
        return Channel(self._world, self._client, self._find(address))
