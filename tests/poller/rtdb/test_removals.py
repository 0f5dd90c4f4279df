"""Entries that are no jobs, and what becomes of the jobs that they hide."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs

from poller.metrics import Metrics
from poller.rtdb.writer import Writer
from tests.fakes import FakeClock
from tests.poller.lifecycle import NAMESPACE, NODES, World, new_id, world
from tests.poller.whole import Whole


class Counted(Metrics):
    def __init__(self) -> None:
        super().__init__()
        self.endings: list[str] = []

    def ended(self, ending: str) -> None:
        self.endings.append(ending)


@dataclass
class Here:
    rtdb: World
    queue: Whole
    counted: list[str]
    job: str

    async def at(self, path: str) -> Any:
        return await self.rtdb.database.get(path)


@pytest.fixture
async def here() -> AsyncIterator[Here]:
    metrics = Counted()
    async with (
        world() as rtdb,
        Writer(rtdb.database, NODES, FakeClock(), chance=lambda: 0.5, metrics=metrics) as writer,
    ):
        yield Here(rtdb, Whole(writer, owner="poller-a", lease_seconds=30), metrics.endings, new_id())


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        (
            "English",
            "The queue entry of this job was damaged, so it could not be run. Please start it again.",
        ),
        ("Korean", "작업의 대기열 항목이 손상되어 실행할 수 없습니다. 다시 시작해 주세요."),
    ],
)
async def test_a_job_behind_a_damaged_entry_fails_with_a_sentence_and_is_listed(
    here: Here, language: str, reason: str
) -> None:
    await here.rtdb.create(here.job, preferedLanguage=language)
    node = NODES.job(here.job)
    await here.rtdb.database.patch(
        node, {"state/outputs/logs/0": {"message": "an earlier line"}, "run/createdAt": 1_700_000_000_000}
    )
    await here.rtdb.database.put(NODES.entry(here.job), "rubbish")
    await here.queue.drop(here.job, "not an object")
    tree = await here.at("")
    stored = tree["jobs"][NAMESPACE][here.job]
    ended = stored["run"]["endedAt"]
    earlier, line = stored["state"]["outputs"].pop("logs")
    assert earlier == {"message": "an earlier line"}
    assert (line["level"], line["message"]) == ("error", reason)
    assert stored["state"]["outputs"] == {"isFailed": True}
    assert stored["run"] == {"createdAt": 1_700_000_000_000, "endedAt": ended, "failure": reason}
    row = {"endedAt": ended, "failure": reason, "state": "failed"}
    assert tree["jobIndex"] == {NAMESPACE: {f"1700000000000-{here.job}": row}}
    assert here.counted == ["failed"]
    assert await here.rtdb.entry(here.job) is None


async def test_a_job_that_never_said_when_it_was_made_is_listed_by_the_time_of_its_end(here: Here) -> None:
    await here.rtdb.create(here.job)
    await here.rtdb.database.put(NODES.entry(here.job), 1)
    before = here.queue.writer.now()
    await here.queue.drop(here.job, "not an object")
    (row,) = await here.at(f"jobIndex/{NAMESPACE}")
    made, _, job = row.partition("-")
    assert job == here.job
    assert (
        abs(int(made) - before) < 60_000
    )  # the difference of the two clocks is measured anew with every answer


async def test_an_ended_job_keeps_its_end_when_its_damaged_entry_goes(here: Here) -> None:
    await here.rtdb.create(here.job)
    await here.rtdb.database.patch(NODES.job(here.job), {"state/outputs/isCompleted": True})
    before = await here.at(NODES.job(here.job))
    await here.rtdb.database.put(NODES.entry(here.job), "rubbish")
    await here.queue.drop(here.job, "not an object")
    assert await here.rtdb.entry(here.job) is None
    assert await here.at(NODES.job(here.job)) == before
    assert here.counted == []


async def test_a_job_is_taken_away_with_its_row_whatever_its_entry_is(here: Here) -> None:
    await here.rtdb.create(here.job)
    await here.rtdb.database.put(f"{NODES.job(here.job)}/run/createdAt", 1_700_000_000_000)
    await here.rtdb.database.put(f"jobIndex/{NAMESPACE}/1700000000000-{here.job}", {"state": "failed"})
    await here.rtdb.database.put(NODES.entry(here.job), "rubbish")
    await here.rtdb.database.put(NODES.removal(here.job), {"isRemoveRequested": True})
    assert await here.queue.remove(here.job)
    assert await here.at("") is None
    assert here.counted == ["removed"]


async def test_a_job_that_never_said_when_it_was_made_is_taken_away_with_the_row_of_its_entry_s_time(
    here: Here,
) -> None:
    await here.rtdb.create(here.job)
    await here.rtdb.database.put(NODES.entry(here.job), {"createdAt": 1_700_000_000_000})
    await here.rtdb.database.put(f"jobIndex/{NAMESPACE}/1700000000000-{here.job}", {"state": "failed"})
    assert await here.queue.remove(here.job)
    assert await here.at("") is None


async def test_an_entry_that_became_a_job_meanwhile_stays(here: Here) -> None:
    await here.rtdb.request(here.job)
    before = await here.rtdb.entry(here.job)
    with capture_logs() as logs:
        await here.queue.drop(here.job, "not an object")
    assert await here.rtdb.entry(here.job) == before
    assert logs == []
