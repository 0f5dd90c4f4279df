"""Many jobs through few slots: the dispatcher and a real executor in one process, over real gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from eventstorming.v1 import job_pb2

from poller.__main__ import SystemClock
from poller.dispatcher import Dispatcher
from poller.executors import GrpcExecutors
from poller.job import JobState, Limits, RetryPolicy
from poller.metrics import Metrics
from tests.executor.service_client import fruits, served
from tests.fakes import FakeQueue, FakeStore, eventually

JOBS = 100


@asynccontextmanager
async def poller(store: FakeStore, port: int, owner: str) -> AsyncIterator[None]:
    executors = GrpcExecutors((f"127.0.0.1:{port}",), poller_id=owner)
    dispatcher = Dispatcher(
        FakeQueue(store, owner=owner),
        executors,
        SystemClock(),
        owner=owner,
        inherits=False,
        lease_seconds=30,
        retry=RetryPolicy(),
        limits=Limits(),
        metrics=Metrics(),
    )
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(executors.run()), group.create_task(dispatcher.run())]
        yield
        for task in tasks:
            task.cancel()


@pytest.mark.parametrize("slots", [2, 8, 32])
async def test_no_job_begins_twice_for_want_of_a_slot(slots: int) -> None:
    store = FakeStore()
    queue = FakeQueue(store)
    for number in range(JOBS):
        await queue.submit(job_pb2.JobInput(job_id=f"job-{number:03}", requirements="Fruits."))
    async with served(fruits("q"), slots=slots) as executor, poller(store, executor.server.port, "poller-a"):
        await eventually(
            lambda: all(job.state is JobState.COMPLETED for job in store.jobs.values()), seconds=60
        )
    assert {job_id: job.highest_epoch for job_id, job in store.jobs.items() if job.highest_epoch > 1} == {}
