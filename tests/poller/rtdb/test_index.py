"""The index of ended jobs: a row with the end of a job, none after it, and pages that cost what they show."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from eventstorming.v1 import job_pb2

from poller.errors import Transient
from poller.job import JobState
from poller.metrics import Metrics
from poller.ports import JobFilter, JobPage
from poller.rtdb.credentials import EmulatorCredentials
from poller.rtdb.index import ended_row, row_key, title_of
from poller.rtdb.listing import Listing
from poller.rtdb.queue_copy import QueueCopy
from poller.rtdb.rest import Database
from poller.rtdb.run import Runs
from poller.rtdb.writer import Writer
from tests.fakes import Conversation, FakeClock, Refusal, eventually, plain_script, scripted_executor
from tests.poller.lifecycle import NODES, World, new_id, world
from tests.poller.rtdb.wire import bytes_read


async def _rows(rtdb: World) -> dict[str, Any]:
    return await rtdb.database.get(NODES.index) or {}


async def _all(queue: Any, wanted: JobFilter, size: int) -> list[str]:
    page: JobPage = await queue.list_jobs(wanted, size=size)
    found = [view.job_id for view in page.jobs]
    while page.next:
        page = await queue.list_jobs(wanted, size=size, after=page.next)
        found += [view.job_id for view in page.jobs]
    return found


async def test_a_job_of_the_web_client_gets_a_row_and_its_removal_takes_the_row_along() -> None:
    job_id = new_id()
    async with world() as rtdb, scripted_executor() as executor, rtdb.poller(executor.port):
        await rtdb.create(job_id)
        await rtdb.ended(job_id)
        rows = await _rows(rtdb)
        await rtdb.ask_removal(job_id)
        await rtdb.gone(job_id)
        left = await rtdb.database.get("")
    (row,) = rows.values()
    assert row["state"] == "completed"
    assert row["title"] == "A customer places an order."
    assert list(rows) == [key for key in rows if key.endswith(f"-{job_id}")]
    assert not left


async def test_trying_a_failed_job_again_takes_its_row_until_it_ends_anew() -> None:
    tries: list[int] = []

    async def script(talk: Conversation) -> None:
        tries.append(1)
        if len(tries) == 1:
            await talk.progress(2)
            raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT")
        await plain_script(talk)

    job_id = new_id()
    async with world() as rtdb, scripted_executor(script) as executor, rtdb.poller(executor.port) as poller:
        await rtdb.create(job_id)
        await rtdb.ended(job_id, "isFailed")
        failed = await _rows(rtdb)
        await poller.queue.retry(job_id)
        await rtdb.ended(job_id)
        completed = await _rows(rtdb)
    assert [row["state"] for row in failed.values()] == ["failed"]
    assert next(iter(failed.values()))["failure"]
    assert [row["state"] for row in completed.values()] == ["completed"]
    assert failed.keys() == completed.keys()


async def _filled(rtdb: World, ended: int, queued: int) -> None:
    """Ended jobs at even moments, queued ones at odd ones, far enough back that no clock adds to them."""
    rows = {
        row_key(1_000_000_000_000 + 2 * n, new_id()): ended_row(
            JobState.FAILED if n % 10 == 0 else JobState.COMPLETED, title=f"Job {n}", ended_at=2 * n + 1
        )
        for n in range(ended)
    }
    entries = {new_id(): {"createdAt": 1_000_000_000_001 + 2 * n} for n in range(queued)}
    await rtdb.database.put(NODES.index, rows)
    jobs = {job: {"state": {"inputs": {"requestType": "fromRequirements"}}} for job in entries}
    await rtdb.database.put(NODES.jobs, jobs)
    await rtdb.database.put(NODES.entries, entries)


async def test_with_5000_jobs_a_page_costs_a_page_and_all_pages_show_every_job_once() -> None:
    async with world() as rtdb, rtdb.poller(1) as poller:
        await _filled(rtdb, ended=2500, queued=2500)

        async def known() -> bool:
            page: JobPage = await poller.queue.list_jobs(
                JobFilter(states=frozenset({JobState.QUEUED})), size=500
            )
            return len(page.jobs) == 500

        await eventually(known)
        before = bytes_read(rtdb.database)
        page = await poller.queue.list_jobs(JobFilter(), size=50)
        cost = bytes_read(rtdb.database) - before
        found = await _all(poller.queue, JobFilter(), 500)
        failed = await _all(poller.queue, JobFilter(states=frozenset({JobState.FAILED})), 100)
    created = [view.created_at for view in page.jobs]
    assert created == sorted(created, reverse=True)
    assert len(page.jobs) == 50
    assert cost < 30_000
    assert len(found) == len(set(found)) == 5000
    assert len(failed) == 250


async def test_nothing_is_listed_before_the_queue_is_known() -> None:
    database = Database.connect(
        base_url="http://127.0.0.1:1",
        namespace="x",
        credentials=EmulatorCredentials(),
        metrics=Metrics(),
    )
    async with database, Writer(database, NODES, FakeClock(), metrics=Metrics()) as writer:
        with pytest.raises(Transient):
            await Listing(writer, QueueCopy(), Runs()).page(JobFilter(), size=1, after="")


def test_a_title_is_the_first_line_that_says_something() -> None:
    text = job_pb2.JobInput(requirements="\n---\n# Town library\nMore.")
    long = job_pb2.JobInput(requirements="x" * 100)
    draft = job_pb2.JobInput()
    draft.draft.contexts.add(name="Lending")
    draft.draft.contexts.add(name="Catalog", alias="Bücher")
    assert title_of(text) == "Town library"
    assert len(title_of(long)) == 80
    assert title_of(draft) == "Lending, Bücher"
