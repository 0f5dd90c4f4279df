"""What somebody asks for and waits for while the database does not answer: five tries, then the caller hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from eventstorming.v1 import job_pb2

from poller.errors import Transient
from poller.metrics import Metrics
from poller.rtdb.writer import Writer
from tests.fakes import FakeClock
from tests.poller.lifecycle import NODES, World, new_id, world
from tests.poller.whole import Whole

TRIES = 5


class Hasty(FakeClock):
    """Its sleepers do not sleep; it knows for how long they would have."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@dataclass
class Here:
    rtdb: World
    queue: Whole
    clock: Hasty
    job: str


@pytest.fixture
async def here() -> AsyncIterator[Here]:
    clock = Hasty()
    async with (
        world() as rtdb,
        Writer(rtdb.database, NODES, clock, chance=lambda: 1.0, metrics=Metrics()) as writer,
    ):
        yield Here(rtdb, Whole(writer, owner="poller-a", lease_seconds=30), clock, new_id())


async def submit(here: Here) -> None:
    await here.queue.submit(job_pb2.JobInput(job_id=here.job, requirements="A customer places an order."))


async def cancel(here: Here) -> None:
    await here.queue.cancel(here.job, by="Kim")


async def retry(here: Here) -> None:
    await here.queue.retry(here.job)


@pytest.mark.parametrize(
    ("action", "stored", "refused"),
    [
        (submit, {}, NODES.job("{}")),
        (submit, {}, NODES.entry("{}")),
        (cancel, {}, NODES.entry("{}")),
        (retry, {"state/outputs/isFailed": True}, NODES.entry("{}")),
    ],
    ids=["submit", "its entry", "cancel", "retry"],
)
async def test_it_is_tried_five_times_with_longer_and_longer_pauses(
    here: Here, action: Callable[[Here], Awaitable[None]], stored: dict[str, Any], refused: str
) -> None:
    if action is not submit:
        await here.rtdb.create(here.job)
    if stored:
        await here.rtdb.database.patch(NODES.job(here.job), stored)
    faults = here.rtdb.rtdb.faults
    faults.change({"errors": 100, "method": "PUT", "path": refused.format(here.job)})
    with pytest.raises(Transient):
        await action(here)
    assert 100 - faults.settings.errors == TRIES
    assert here.clock.slept == [0.2, 0.4, 0.8, 1.6]
    faults.reset()
    await action(here)
