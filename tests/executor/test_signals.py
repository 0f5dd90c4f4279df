"""A second signal ends the executor at once."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.executor.test_service_process import _begin, started

pytestmark = pytest.mark.heavy


async def test_a_second_signal_ends_an_executor_whose_runs_have_not_left() -> None:
    async with started(SHUTDOWN_GRACE_SECONDS="60") as process:
        await _begin(
            process
        )  # this client answers no beat: the run's stream is kept a second for its answers
        while process.process.returncode is None:
            process.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.05)
        assert process.process.returncode == 1
