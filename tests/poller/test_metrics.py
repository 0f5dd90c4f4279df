"""What the poller counts of what goes wrong, and how its page is read. Whole jobs: tests/e2e/test_metrics.py."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import grpc
import httpx
import pytest

from poller.errors import Conflict, Transient
from poller.metrics import Gauges, Metrics
from poller.rtdb.names import read_entry
from poller.rtdb.writer import Writer
from process import health, metrics
from tests.fakes import Conversation, FakeClock, Refusal, eventually, plain_script, scripted_executor
from tests.poller.lifecycle import NODES, World, connect, new_id, world
from tests.poller.whole import Whole
from tests.scrape import Scrape


@pytest.fixture
async def rtdb() -> AsyncIterator[World]:
    async with world() as found:
        yield found


def seen(counted: Metrics) -> Scrape:
    return Scrape.counted(counted.registry)


async def stuck(talk: Conversation) -> None:
    await talk.ask("q1")
    await asyncio.Event().wait()


async def test_requests_are_told_apart_by_what_became_of_them(rtdb: World) -> None:
    counted = Metrics()
    async with connect(rtdb.rtdb, metrics=counted) as database:
        await database.put("a", 1)
        with pytest.raises(Conflict):
            await database.put("a", 2, if_match="stale")
        rtdb.rtdb.faults.change({"errors": 1})
        with pytest.raises(Transient):
            await database.get("a")
        assert await database.get("a") == 1
    found = seen(counted)
    outcomes = {
        (method, outcome): found.sum("rtdb_operations_total", method=method, outcome=outcome)
        for method in ("PUT", "GET")
        for outcome in ("ok", "conflict", "error")
    }
    assert outcomes == {
        ("PUT", "ok"): 1,
        ("PUT", "conflict"): 1,
        ("PUT", "error"): 0,
        ("GET", "ok"): 1,
        ("GET", "conflict"): 0,
        ("GET", "error"): 1,
    }
    assert found.sum("rtdb_seconds_count") == 4
    assert found.sum("rtdb_bytes_total", direction="written") == 2


@pytest.mark.parametrize(
    ("path", "stream"),
    [(NODES.entries, "queue"), (NODES.removals, "removals"), (NODES.job("j"), "job"), ("configs", "other")],
)
async def test_a_stream_that_comes_back_is_counted_by_what_it_follows(
    rtdb: World, path: str, stream: str
) -> None:
    counted = Metrics()
    async with (
        connect(rtdb.rtdb, metrics=counted) as database,
        aclosing(database.streams.watch(path)) as changes,
    ):
        await anext(changes)
        assert seen(counted).sum("rtdb_reconnects_total") == 0
        rtdb.rtdb.app.end_streams("cut")
        await anext(changes)
    assert seen(counted).sum("rtdb_reconnects_total", stream=stream) == 1
    assert seen(counted).sum("rtdb_reconnects_total") == 1


async def test_a_renewed_lease_is_counted(rtdb: World) -> None:
    counted, clock, job = Metrics(), FakeClock(), new_id()
    await rtdb.create(job)
    async with Writer(rtdb.database, NODES, clock, chance=lambda: 0.5, metrics=counted) as writer:
        queue = Whole(writer, owner="poller-a", lease_seconds=30)
        run = await queue.claim(read_entry(job, await rtdb.entry(job)))
        assert run is not None
        keeping = asyncio.create_task(run.lease.keep())
        await clock.advance(8)
        await eventually(lambda: seen(counted).sum("leases_total", outcome="renewed") == 1)
        keeping.cancel()
    assert seen(counted).sum("claims_total", outcome="won") == 1


async def test_a_claim_that_came_too_late_is_lost(rtdb: World) -> None:
    counted, job = Metrics(), new_id()
    await rtdb.create(job)
    async with Writer(rtdb.database, NODES, FakeClock(), metrics=counted) as writer:
        mine = Whole(writer, owner="poller-a", lease_seconds=30)
        other = Whole(writer, owner="poller-b", lease_seconds=30)
        entry = read_entry(job, await rtdb.entry(job))
        assert await mine.claim(entry) is not None
        assert await other.claim(entry) is None
    assert (
        seen(counted).sum("claims_total", outcome="won"),
        seen(counted).sum("claims_total", outcome="lost"),
    ) == (1, 1)


@pytest.mark.heavy
async def test_a_silent_database_suspends_and_a_drain_releases(rtdb: World) -> None:
    counted, job = Metrics(), new_id()
    async with scripted_executor(stuck) as executor, rtdb.poller(executor.port, metrics=counted) as poller:
        await rtdb.create(job)
        await eventually(lambda: executor.runs and executor.runs[0].acked)
        talk = executor.runs[0]
        rtdb.rtdb.faults.change({"errors": -1, "path": NODES.job(job)})
        await talk.progress(3)
        await eventually(lambda: seen(counted).sum("leases_total", outcome="suspended") == 1)
        rtdb.rtdb.faults.reset()
        await poller.drain()
    found = seen(counted)
    assert found.sum("leases_total", outcome="released") == 1
    assert found.sum("jobs_ended_total", outcome="released") == found.sum("jobs_ended_total") == 1
    assert found.sum("attempts_total", kind="interruption") == found.sum("attempts_total") == 1


async def test_a_run_that_raises_counts_as_an_attempt_and_an_answer_asked_for_again_as_repeated(
    rtdb: World,
) -> None:
    counted, job = Metrics(), new_id()

    async def forgetful(talk: Conversation) -> None:
        await talk.answer("q1")
        if talk.epoch == 1:
            raise Refusal(grpc.StatusCode.UNAVAILABLE, "LLM_UNAVAILABLE")
        await plain_script(talk)

    async with scripted_executor(forgetful) as executor, rtdb.poller(executor.port, metrics=counted):
        await rtdb.create(job)
        await rtdb.ended(job)
    found = seen(counted)
    assert found.sum("attempts_total", kind="attempt") == found.sum("attempts_total") == 1
    assert found.sum("repeated_calls_total") >= 1
    assert found.sum("jobs_ended_total", outcome="completed") == 1


async def test_a_queue_that_is_not_known_has_no_figure_which_is_not_0() -> None:
    counted = Metrics()
    counted.registry.register(Gauges(_Work(), _Pods(), _Buffer()))
    names = {name for name, _ in seen(counted).samples}
    assert "jobs" not in names
    assert "slots" in names


class _Work:
    jobs, queued, oldest_age = None, 0, 0.0


class _Pods:
    free_slots, total_slots, count = 0, 0, 0


class _Buffer:
    buffered_bytes = 0


@pytest.mark.parametrize(
    ("accept", "kind", "last"),
    [
        ("", "text/plain; version=0.0.4", ""),
        ("*/*", "text/plain; version=0.0.4", ""),
        (
            "application/openmetrics-text; version=1.0.0,text/plain;q=0.5",
            "application/openmetrics-text",
            "# EOF",
        ),
    ],
)
async def test_the_page_comes_in_the_form_that_is_asked_for(accept: str, kind: str, last: str) -> None:
    app = health.admin(lambda: "", lambda: "", [metrics.route(Metrics().registry)])
    async with (
        health.serving(app, 0, name="ADMIN_PORT") as port,
        httpx.AsyncClient(trust_env=False, verify=False) as http,
    ):
        answer = await http.get(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
    assert answer.headers["Content-Type"].startswith(kind)
    assert answer.text.rstrip().endswith(last)
    assert "eventstorming_claims_total" in answer.text


async def test_two_in_one_process_do_not_know_one_another() -> None:
    one, other = Metrics(), Metrics()
    one.claim("won")
    assert (seen(one).sum("claims_total"), seen(other).sum("claims_total")) == (1, 0)


async def test_a_blocked_event_loop_is_seen() -> None:
    late: list[float] = []
    sampling = asyncio.create_task(metrics.sample_lag(late.append, every=0.01))
    await eventually(lambda: late)
    late.clear()
    time.sleep(0.02)  # noqa: ASYNC251 (the fault itself)
    await eventually(lambda: late)
    sampling.cancel()
    assert max(late) > 0.015
