"""The other side of a call of ExecutorService without a network: what it reads is put, what it writes is kept."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from eventstorming.v1 import executor_pb2 as wire
from google.rpc import error_details_pb2, status_pb2

JOB = "11111111-2222-3333-4444-555555555555"


class Aborted(Exception):
    """As grpc.aio ends a handler that aborts."""


class Peer:
    """What link and service need of `grpc.aio.ServicerContext`. Acks and echoes by itself unless told not to."""

    def __init__(self, *, epoch: int = 1, ack: bool = True, echo: bool = True, may_ask: bool = True) -> None:
        self.job_id, self.epoch = JOB, epoch
        self.ack, self.echo, self.may_ask = ack, echo, may_ask
        self.reads = asyncio.Event()  # clear: it is stuck
        self.reads.set()
        self.written: list[Any] = []
        self.at: list[float] = []
        self.status: Any = None  # google.rpc.Status
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()

    def put(self, **frame: Any) -> None:
        """A frame for the executor."""
        self._inbox.put_nowait(wire.ExecuteRequest(job_id=self.job_id, epoch=self.epoch, **frame))

    def end(self, how: Any = grpc.aio.EOF) -> None:
        """No more frames, or an error."""
        self._inbox.put_nowait(how)

    async def read(self) -> Any:
        item = await self._inbox.get()
        if isinstance(item, BaseException):
            raise item
        return item

    async def write(self, frame: Any) -> None:
        await self.reads.wait()
        self.written.append(type(frame).FromString(frame.SerializeToString()))
        self.at.append(asyncio.get_running_loop().time())
        kind = frame.DESCRIPTOR.name == "ExecuteResponse" and frame.WhichOneof("frame")
        if self.ack and kind == "answer":
            self.put(ack=wire.Ack(seqs=[frame.seq]))
        if self.echo and kind == "beat":
            self.put(beat_echo=wire.BeatEcho(beat=frame.beat.beat, may_ask=self.may_ask))

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return ()

    async def abort_with_status(self, status: Any) -> None:
        ((_, details),) = status.trailing_metadata
        self.status = status_pb2.Status.FromString(details)
        raise Aborted

    @property
    def ended(self) -> tuple[grpc.StatusCode, str]:
        """Code and reason of that status."""
        info = error_details_pb2.ErrorInfo()
        self.status.details[0].Unpack(info)
        return next(code for code in grpc.StatusCode if code.value[0] == self.status.code), info.reason

    def of(self, kind: str) -> list[Any]:
        return [getattr(frame, kind) for frame in self.written if frame.WhichOneof("frame") == kind]

    @property
    def kinds(self) -> list[str]:
        """Beats, which come by the clock, left out."""
        kinds = [str(frame.WhichOneof("frame")) for frame in self.written]
        return [kind for kind in kinds if kind != "beat"]
