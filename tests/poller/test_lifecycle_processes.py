"""The poller as a process of its own: killed, frozen, told to stop, while a job runs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from tests.fakes import Conversation, ScriptedExecutor, eventually, plain_script, scripted_executor
from tests.poller.lifecycle import NODES, World, new_id, world

pytestmark = pytest.mark.heavy

LONG_LEASE = {"LEASE_SECONDS": "300"}
"""Whoever waits for a lease to run out does not get there within a test."""


@pytest.fixture
async def rtdb() -> AsyncIterator[World]:
    async with world() as found:
        yield found


@contextmanager
def poller(rtdb: World, executor: ScriptedExecutor, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    ours = {
        "FIREBASE_DATABASE_EMULATOR_HOST": rtdb.rtdb.address,
        "FIREBASE_DATABASE_URL": "http://localhost?ns=test",
        "EXECUTOR_TARGET": f"127.0.0.1:{executor.port}",
        **dict.fromkeys(("HTTP_PORT", "ADMIN_PORT", "GRPC_PORT"), "0"),
    }
    environment = os.environ | ours | more
    process = subprocess.Popen(
        [sys.executable, "-m", "poller"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def stuck(talk: Conversation) -> None:
    await talk.ask("q1")
    await asyncio.Event().wait()


async def started(rtdb: World, executor: ScriptedExecutor) -> str:
    """A job that runs and has one durable answer."""
    job = new_id()
    await rtdb.create(job)
    await eventually(lambda: executor.runs and executor.runs[0].acked)
    return job


async def ended(process: subprocess.Popen[bytes], *, seconds: float = 30) -> int:
    await eventually(lambda: process.poll() is not None, seconds=seconds)
    return process.returncode


async def test_a_killed_poller_that_comes_back_under_its_name_goes_on_at_once(rtdb: World) -> None:
    async with scripted_executor(stuck) as executor:
        with poller(rtdb, executor, POD_ID="poller-0") as first:
            job = await started(rtdb, executor)
            first.kill()
            await ended(first)
        executor.script = plain_script
        with poller(rtdb, executor, POD_ID="poller-0", **LONG_LEASE):
            await rtdb.ended(job)
    assert [talk.epoch for talk in executor.runs] == [1, 2]
    assert "q1" in executor.runs[1].recalled


async def test_sigterm_hands_the_job_to_another_poller_at_once(rtdb: World) -> None:
    async with scripted_executor(stuck) as executor:
        with poller(rtdb, executor, POD_ID="poller-0") as first:
            job = await started(rtdb, executor)
            executor.script = plain_script
            with poller(rtdb, executor, POD_ID="poller-1", **LONG_LEASE):
                first.send_signal(signal.SIGTERM)
                assert await ended(first) == 0
                await rtdb.ended(job)
    assert [(talk.epoch, talk.draining.is_set()) for talk in executor.runs] == [(1, True), (2, False)]
    assert executor.cancelled == []


async def test_a_poller_that_slept_while_its_job_went_elsewhere_publishes_nothing(rtdb: World) -> None:
    async def endless(talk: Conversation) -> None:
        for number in range(100_000):
            await talk.progress(2 + number % 8)
            await asyncio.sleep(0.02)

    async with scripted_executor(endless) as executor:
        with poller(rtdb, executor, POD_ID="poller-0") as sleeper:
            job = new_id()
            await rtdb.create(job)
            await eventually(lambda: executor.runs)
            sleeper.send_signal(signal.SIGSTOP)
            await asyncio.sleep(0.3)
            other = {"token": "other", "epoch": 2, "owner": "poller-1", "renewedAt": {".sv": "timestamp"}}
            await rtdb.database.put(NODES.lease(job), other)
            await asyncio.sleep(0.3)
            await rtdb.record(job)
            sleeper.send_signal(signal.SIGCONT)
            await eventually(lambda: executor.cancelled == [job])
            await asyncio.sleep(0.3)
    assert len(rtdb.log) <= 2, "more than the write that was under way"
