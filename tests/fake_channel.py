"""Channels to executors without a network: what a test puts in comes out, in its order and at the loop's time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Self

import grpc
from eventstorming.v1 import executor_pb2


class FakeCall:
    """One call. Responses, and exceptions to end it with, are put; `grpc.aio.EOF` ends it well."""

    def __init__(self, request: Any, metadata: Any) -> None:
        self.request, self.metadata = request, metadata
        self.cancelled = False
        self._items: asyncio.Queue[Any] = asyncio.Queue()

    def put(self, *items: Any) -> None:
        for item in items:
            self._items.put_nowait(item)

    async def read(self) -> Any:
        item = await self._items.get()
        if isinstance(item, Exception):
            raise item
        return item

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        if (item := await self.read()) is grpc.aio.EOF:
            raise StopAsyncIteration
        return item

    def cancel(self) -> None:
        self.cancelled = True


class FakeChannel:
    """Implements what the stubs of ExecutorService need of `grpc.aio.Channel`; keeps the calls."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.attached: list[FakeCall] = []
        self.executed: list[FakeCall] = []
        self.closed = False

    def unary_unary(self, *_: Any, **__: Any) -> None:
        return

    def unary_stream(self, *_: Any, **__: Any) -> Any:
        return lambda request, metadata=(): self._begin(self.attached, request, metadata)

    def stream_stream(self, *_: Any, **__: Any) -> Any:
        return lambda frames, metadata=(): self._begin(self.executed, frames, metadata)

    def _begin(self, calls: list[FakeCall], request: Any, metadata: Any) -> FakeCall:
        calls.append(FakeCall(request, metadata))
        return calls[-1]

    async def close(self) -> None:
        self.closed = True

    def beat(self, free: int, *, total: int = 4, name: str = "pod", **state: Any) -> None:
        """Says on the last Attach how things stand."""
        self.attached[-1].put(
            executor_pb2.AttachResponse(instance_id=name, slots_total=total, slots_free=free, **state)
        )


class FakeAccess:
    """Stands in for `Access`: channels by their address."""

    metadata = (("authorization", "Bearer secret"),)

    def __init__(self) -> None:
        self.channels: dict[str, FakeChannel] = {}

    def channel(self, address: str, *, host: str) -> Any:
        self.channels[address] = FakeChannel(host)
        return self.channels[address]


async def no_frames() -> AsyncIterator[executor_pb2.ExecuteRequest]:
    return
    yield
