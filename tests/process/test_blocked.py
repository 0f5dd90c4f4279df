"""A loop that does not come back is told with its job, and goes on without the code that kept it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.testing import capture_logs

from process.blocked import watched
from process.errors import LoopBlocked

pytestmark = pytest.mark.heavy  # it blocks a loop for real


@asynccontextmanager
async def watching(*, ends: bool = True) -> AsyncIterator[None]:
    async with watched(ends=ends, seconds=0.2, grace=0.1):
        await asyncio.sleep(0)
        yield


async def busy(seconds: float) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass
    return "done"


async def _one_blocks() -> None:
    async with watching():
        with bound_contextvars(job="the-job"):
            blocking = asyncio.create_task(busy(20))
        other = asyncio.create_task(asyncio.sleep(0.5, "slept"))
        with pytest.raises(LoopBlocked, match=r"busy for 0.3 s"):
            await blocking
        assert await other == "slept"


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_the_job_that_keeps_the_loop_is_named_and_ended_and_the_others_go_on(run: Any) -> None:
    with capture_logs(processors=[merge_contextvars]) as logs:
        run(_one_blocks())
    told = [line for line in logs if line["event"] == "loop.blocked"]
    assert [line["job"] for line in told] == ["the-job"]
    assert "test_blocked.busy" in told[0]["where"]


@pytest.mark.parametrize(("ends", "job"), [(False, {"job": "the-job"}), (True, {})])
async def test_what_may_not_be_ended_or_is_no_jobs_is_only_told(ends: bool, job: dict[str, str]) -> None:
    with capture_logs() as logs:
        async with watching(ends=ends):
            with bound_contextvars(**job):
                assert await asyncio.create_task(busy(0.5)) == "done"
    assert [line["event"] for line in logs] == ["loop.blocked"]


async def test_a_process_that_slept_is_not_blocked() -> None:
    """What a machine's sleep is to a loop: one alarm, and then it comes back."""
    with capture_logs() as logs:
        async with watching():
            with bound_contextvars(job="the-job"):
                await asyncio.create_task(busy(0.25))
            await asyncio.sleep(0.3)
    assert not logs
