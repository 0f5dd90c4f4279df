"""A second signal ends the poller at once, whatever it is waiting for."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator

import pytest

from tests.fakes import scripted_executor
from tests.poller.lifecycle import World, world
from tests.poller.test_lifecycle_processes import ended, poller, started, stuck

pytestmark = pytest.mark.heavy


@pytest.fixture
async def rtdb() -> AsyncIterator[World]:
    async with world() as found:
        yield found


async def test_a_second_signal_ends_a_poller_that_cannot_hand_its_job_over(rtdb: World) -> None:
    async with scripted_executor(stuck) as executor:
        with poller(rtdb, executor, POD_ID="poller-0", SHUTDOWN_GRACE_SECONDS="60") as process:
            job = await started(rtdb, executor)
            rtdb.rtdb.faults.change({"frozen": True, "agent": "(poller-0)"})
            process.send_signal(signal.SIGTERM)
            with pytest.raises(TimeoutError):
                await ended(process, seconds=1)
            process.send_signal(signal.SIGTERM)
            assert await ended(process, seconds=30) == 1
            rtdb.rtdb.faults.reset()
            lease = (await rtdb.entry(job))["lease"]
        assert lease["owner"] == "poller-0", "its successor of the same name takes it over at once"
