"""One run's end of the Execute stream: what goes out when, and how it is left."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import grpc
import pytest
from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import model_pb2
from structlog.testing import capture_logs

from executor.link import OUTBOX_BYTES, SHOWN_SECONDS, Outbox, StreamLink, until_done
from executor.metrics import Metrics
from executor.status import Cancelled


async def test_a_stream_that_ends_while_its_run_is_cancelled_leaves_no_task_and_no_noise() -> None:
    noise: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    left, leaving = asyncio.Event(), asyncio.Event()

    async def read() -> Any:
        await left.wait()
        return grpc.aio.EOF

    async def stuck(_: Any) -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        async with StreamLink("job", 1, time.monotonic, Metrics()).connected(read, stuck):
            leaving.set()

    before = asyncio.all_tasks()
    task = asyncio.create_task(run())
    await leaving.wait()
    left.set()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    del task
    gc.collect()
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before
    assert noise == []


async def test_what_is_shown_goes_out_at_once_and_then_a_few_times_a_second_the_last_of_each() -> None:
    now, sent = 0.0, list[str]()
    outbox = Outbox("job", 1, lambda: now)

    async def write(frame: wire.ExecuteResponse) -> None:
        kind = str(frame.WhichOneof("frame"))
        sent.append(f"{kind} {frame.progress.current}" if kind == "progress" else kind)

    def show(*steps: int) -> None:
        for step in steps:
            outbox.replace(wire.ExecuteResponse(progress=wire.Progress(current=step, total=11)))
            outbox.replace_snapshot(lambda: wire.ExecuteResponse(snapshot=wire.ModelSnapshot()))

    writing = asyncio.create_task(outbox.write_all(write))
    show(1, 2)
    await settled()
    assert sent == ["progress 2", "snapshot"]
    show(3, 4)
    await outbox.send(wire.ExecuteResponse(log=wire.Log(key="a")))
    await settled()
    assert sent[2:] == ["log"]  # nothing else yet
    now = SHOWN_SECONDS
    show(5)
    await settled()
    assert sent[3:] == ["progress 5", "snapshot"]
    show(6)
    await outbox.finish(wire.ExecuteResponse(completed=wire.Completed()))
    assert sent[5:] == ["progress 6", "completed"]
    outbox.close()
    await writing


async def settled(turns: int = 20) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


def log(size: int) -> wire.ExecuteResponse:
    """A frame of about so many bytes."""
    return wire.ExecuteResponse(log=wire.Log(key="x" * size))


async def queued_beside_a_stuck_reader(outbox: Outbox, size: int) -> int:
    """How many frames of the size the outbox takes until it makes the run wait."""
    taken = 0

    async def fill() -> None:
        nonlocal taken
        while taken < 100:
            await outbox.send(log(size))
            taken += 1

    filling = asyncio.create_task(fill())
    await settled()
    filling.cancel()
    await asyncio.wait({filling})
    return taken


async def raising(error: Exception) -> None:
    raise error


async def test_of_errors_at_once_the_first_is_the_outcome_and_the_others_are_logged_with_the_job() -> None:
    fault = ZeroDivisionError()
    with capture_logs() as logs, pytest.raises(Cancelled):
        await until_done(asyncio.Event().wait(), raising(Cancelled("gone")), raising(fault), job="j-1")
    assert logs == [{"event": "task.broken", "log_level": "error", "exc_info": fault, "job": "j-1"}]


async def watched(link: StreamLink, read: Any, write: Any, at_last: asyncio.Event | None = None) -> None:
    """A run that does nothing but end as its stream does."""
    async with link.connected(read, write) as ended:
        try:
            await until_done(asyncio.Event().wait(), ended(), job="j-1")
        finally:
            (at_last or asyncio.Event()).set()
            await settled()


@pytest.mark.parametrize("where", ["read", "write", "clock"])
async def test_a_fault_in_the_stream_ends_the_run_whoever_meets_it(where: str) -> None:
    fault = ZeroDivisionError(where)

    async def read() -> Any:
        return await (raising(fault) if where == "read" else asyncio.Event().wait())

    async def write(_: Any) -> None:
        if where == "write":
            raise fault

    asked = 0

    def clock() -> float:
        nonlocal asked
        asked += 1
        if where == "clock" and asked == 2:  # what is to be shown asks first, then the beat
            raise fault
        return 0.0

    with capture_logs() as logs, pytest.raises(ZeroDivisionError):
        await watched(StreamLink("j-1", 1, clock, Metrics()), read, write)
    assert logs == []  # it is the boundary's to log


async def test_a_fault_that_ends_no_run_is_logged_with_the_job() -> None:
    fault, told = ZeroDivisionError(), asyncio.Event()

    async def read() -> Any:
        await told.wait()
        raise fault

    async def write(_: Any) -> None:
        raise grpc.aio.UsageError  # lost

    with capture_logs() as logs, pytest.raises(Cancelled):
        await watched(StreamLink("j-1", 1, time.monotonic, Metrics()), read, write, at_last=told)
    assert logs == [{"event": "task.broken", "log_level": "error", "exc_info": fault, "job": "j-1"}]


class Reader:
    """Takes as many frames as it is allowed, and remembers their kinds."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._may = asyncio.Semaphore(0)

    async def write(self, frame: wire.ExecuteResponse) -> None:
        await self._may.acquire()
        self.seen.append(str(frame.WhichOneof("frame")))

    async def take(self, frames: int) -> None:
        for _ in range(frames):
            self._may.release()
        await settled()


async def test_a_run_whose_reader_is_stuck_waits_once_its_outbox_is_full_the_finished_model_too() -> None:
    outbox, reader = Outbox("job", 1, time.monotonic), Reader()
    assert await queued_beside_a_stuck_reader(outbox, OUTBOX_BYTES // 10) == 9
    model = model_pb2.EventStormingModel(source_text="x" * (OUTBOX_BYTES // 10))
    completed = wire.ExecuteResponse(completed=wire.Completed(model=model))
    finishing = asyncio.create_task(outbox.finish(completed))
    writing = asyncio.create_task(outbox.write_all(reader.write))
    await settled()
    assert await queued_beside_a_stuck_reader(outbox, OUTBOX_BYTES // 10) == 0
    await reader.take(1)
    assert await queued_beside_a_stuck_reader(outbox, OUTBOX_BYTES // 10) == 0  # the model has the room
    assert not finishing.done()
    await reader.take(9)
    assert reader.seen == ["log"] * 9 + ["completed"]
    assert finishing.done()
    writing.cancel()


async def test_what_has_left_the_outbox_makes_room_for_exactly_as_much() -> None:
    outbox, reader = Outbox("a job with a name", 7, time.monotonic), Reader()
    writing = asyncio.create_task(outbox.write_all(reader.write))
    await outbox.send(log(1))
    for _ in range(50):  # it is never empty
        await outbox.send(log(1))
        await reader.take(1)
    assert await queued_beside_a_stuck_reader(outbox, OUTBOX_BYTES // 10) == 9
    writing.cancel()


async def test_a_frame_larger_than_the_outbox_goes_alone() -> None:
    assert await queued_beside_a_stuck_reader(Outbox("job", 1, time.monotonic), OUTBOX_BYTES + 1) == 1
