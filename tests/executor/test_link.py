"""One run's end of the Execute stream: how it is left."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import grpc

from executor.link import StreamLink


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
