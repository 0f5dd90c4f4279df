"""A second signal ends the executor at once."""

from __future__ import annotations

import asyncio
import signal

import httpx
import pytest

from tests.executor.test_service_process import _begin, started
from tests.fakes import eventually
from workbench.openai_server import Behaviour, Fault, running

pytestmark = pytest.mark.heavy


async def test_a_second_signal_ends_an_executor_whose_runs_have_not_left() -> None:
    async with (
        running(Behaviour(script=lambda _: Fault(kind="timeout"))) as (provider, url),
        started(
            AI_MODEL="openai:test-model",
            OPENAI_BASE_URL=url,
            OPENAI_API_KEY="none",
            SHUTDOWN_GRACE_SECONDS="60",
        ) as process,
        httpx.AsyncClient() as http,
    ):
        reading = asyncio.create_task((await _begin(process)).error())
        await asyncio.wait_for(provider.arrived.wait(), 30)
        process.process.send_signal(signal.SIGTERM)

        async def draining() -> bool:
            return (await http.get(process.url("admin", "/readyz"))).text == "draining"

        await eventually(draining)
        process.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.process.wait(), 30) == 1
        await reading
