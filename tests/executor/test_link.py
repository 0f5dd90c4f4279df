"""One run's end of the Execute stream: what goes out when, and how it is left."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import grpc
from eventstorming.v1 import executor_pb2 as wire

from executor.link import SHOWN_SECONDS, Outbox, StreamLink


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
        async with StreamLink("job", 1, time.monotonic).connected(read, stuck):
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


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
