"""Watched jobs over real sockets: one event stream each at most, for all their viewers, and nothing that the queue's own two need."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import grpc
import pytest
from eventstorming.v1 import job_pb2, job_pb2_grpc

from devkit.rtdb.server import Emulator
from devkit.rtdb.watch import Ending
from poller.__main__ import SystemClock
from poller.job import Job, JobState, LogLevel, LogLine
from poller.metrics import Metrics
from poller.ports import JobNotFound, JobView
from poller.rtdb.credentials import EmulatorCredentials
from poller.rtdb.names import OUTPUTS, SERVER_TIME
from poller.rtdb.rest import Database
from poller.rtdb.run import RtdbRun
from poller.rtdb.stream import Backoff
from poller.rtdb.writer import Writer
from poller.server import serve_jobs
from poller.settings import Settings
from tests.fakes import eventually, scripted_executor, small_model
from tests.poller.lifecycle import NODES, World, new_id, world
from tests.poller.whole import Whole

QUEUES_OWN = 2


@dataclass
class Viewer:
    """What one who watches has been shown."""

    seen: list[JobView] = field(default_factory=list)
    over: bool = False

    @property
    def states(self) -> list[JobState]:
        return [view.state for view in self.seen]

    async def look(self, queue: Whole, job_id: str) -> None:
        async with aclosing(queue.watch(job_id)) as views:
            async for view in views:
                self.seen.append(view)
        self.over = True


@dataclass
class Listener:
    """A queue that is listened to, the jobs it knows, and whatever it gave as its problem while somebody looked."""

    queue: Whole
    database: Database
    jobs: dict[str, Job] = field(default_factory=dict)
    problems: set[str] = field(default_factory=set)

    async def listen(self) -> None:
        async with aclosing(self.queue.changes()) as changes:
            async for change in changes:
                for job_id, job in change.jobs.items():
                    self.jobs.pop(job_id, None)
                    if job is not None:
                        self.jobs[job_id] = job

    async def claimed(self, job_id: str) -> RtdbRun:
        job = await eventually(lambda: job if (job := self.jobs.get(job_id)) and job.waiting else None)
        run = await self.queue.claim(job)
        assert run is not None
        return run

    async def probe(self) -> None:
        while True:
            self.problems.add(self.queue.problem())
            await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(rtdb: Emulator, owner: str = "poller-a") -> AsyncIterator[Listener]:
    quick = Backoff(first=0.001, last=0.05)
    async with (
        Database.connect(
            base_url=rtdb.url,
            namespace="test",
            credentials=EmulatorCredentials(),
            backoff=quick,
            metrics=Metrics(),
        ) as database,
        Writer(database, NODES, SystemClock(), metrics=Metrics()) as writer,
    ):
        found = Listener(Whole(writer, owner=owner, lease_seconds=30), database)
        task = asyncio.create_task(found.listen())
        await eventually(lambda: not found.queue.problem())
        yield found
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def looking(queue: Whole, *job_ids: str) -> AsyncIterator[list[Viewer]]:
    """One viewer for each id, all of them with a first look."""
    viewers = [Viewer() for _ in job_ids]
    tasks = [
        asyncio.create_task(viewer.look(queue, job_id))
        for viewer, job_id in zip(viewers, job_ids, strict=True)
    ]
    try:
        await eventually(lambda: all(viewer.seen for viewer in viewers), seconds=30)
        yield viewers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def probing(listener: Listener) -> AsyncIterator[None]:
    listener.problems.clear()
    task = asyncio.create_task(listener.probe())
    yield
    task.cancel()


@pytest.fixture
async def rtdb() -> AsyncIterator[World]:
    async with world() as found:
        yield found


@pytest.fixture
async def here(rtdb: World) -> AsyncIterator[Listener]:
    async with listening(rtdb.rtdb) as found:
        yield found


@pytest.fixture
async def elsewhere(rtdb: World) -> AsyncIterator[Listener]:
    """Another poller on the same database."""
    async with listening(rtdb.rtdb, "poller-b") as found:
        yield found


def streams(rtdb: World) -> int:
    return len(rtdb.rtdb.store.namespace("test").watchers)


async def away(rtdb: World, *job_ids: str) -> None:
    """Jobs that run in a poller which says nothing."""
    lease = {"token": "t", "epoch": 1, "owner": "poller-c", "renewedAt": SERVER_TIME}
    for job_id in job_ids:
        await rtdb.create(job_id)
        await rtdb.database.put(f"{NODES.run(job_id)}/startedAt", SERVER_TIME)
    await asyncio.gather(*(rtdb.database.put(NODES.lease(job_id), lease) for job_id in job_ids))


def hello(text: str) -> LogLine:
    return LogLine(level=LogLevel.INFO, message=text)


@asynccontextmanager
async def storing(run: RtdbRun) -> AsyncIterator[RtdbRun]:
    """The run writes what it is told while inside."""

    async def nobody(_: object) -> None:
        return

    async with run, asyncio.TaskGroup() as group:
        task = group.create_task(run.store(nobody))
        yield run
        task.cancel()


@pytest.mark.parametrize("jobs", [26, 60, pytest.param(150, marks=pytest.mark.heavy)])
async def test_watched_jobs_have_a_stream_each_and_never_make_the_poller_unready(
    rtdb: World, here: Listener, jobs: int
) -> None:
    """Also when all streams are cut at once; then everybody is told what comes."""
    ids = [new_id() for _ in range(jobs)]
    await away(rtdb, *ids)
    async with probing(here), looking(here.queue, *(ids * 3)) as viewers:
        await eventually(lambda: streams(rtdb) == jobs + QUEUES_OWN)
        for _ in range(2):
            rtdb.rtdb.app.end_streams("cut")
            await eventually(lambda: not here.queue.problem())
            await eventually(lambda: streams(rtdb) == jobs + QUEUES_OWN, seconds=20)
        await asyncio.gather(
            *(rtdb.database.patch(NODES.leaf(job_id, OUTPUTS), {"isFailed": True}) for job_id in ids)
        )
        await eventually(lambda: all(viewer.over for viewer in viewers), seconds=20)
        assert {viewer.states[-1] for viewer in viewers} == {JobState.FAILED}
        await eventually(lambda: streams(rtdb) == QUEUES_OWN)


async def test_readiness_asks_the_queues_own_streams_alone(rtdb: World, here: Listener) -> None:
    ids = [new_id() for _ in range(30)]
    await away(rtdb, *ids)
    async with looking(here.queue, *ids):
        await eventually(lambda: streams(rtdb) == len(ids) + QUEUES_OWN)
        rtdb.rtdb.faults.change({"errors": -1, "path": "jobs", "method": "GET"})
        async with probing(here):
            for watcher in rtdb.rtdb.store.namespace("test").watchers:
                if watcher.path[0] == "jobs":
                    watcher.end(Ending.CUT)
            await eventually(lambda: streams(rtdb) == QUEUES_OWN)
            rtdb.rtdb.faults.change({"errors": 2 * len(ids)})
            await eventually(lambda: rtdb.rtdb.faults.settings.errors == 0)
        assert here.problems == {""}
        await eventually(lambda: streams(rtdb) == len(ids) + QUEUES_OWN, seconds=20)


async def test_the_stream_closes_when_the_last_viewer_leaves(rtdb: World, here: Listener) -> None:
    job = new_id()
    await away(rtdb, job)
    async with looking(here.queue, job) as (first,):
        async with looking(here.queue, job, job):
            await eventually(lambda: streams(rtdb) == 1 + QUEUES_OWN)
        assert streams(rtdb) == 1 + QUEUES_OWN
        await rtdb.database.put(f"{NODES.leaf(job, OUTPUTS)}/currentProgressCount", 5)
        await eventually(lambda: first.seen[-1].current_progress == 5)
    await eventually(lambda: streams(rtdb) == QUEUES_OWN)


async def test_who_comes_after_the_end_is_not_shown_what_somebody_slow_still_looks_at(
    rtdb: World, here: Listener
) -> None:
    job = new_id()
    await rtdb.create(job)
    async with looking(here.queue, job) as (quick,), aclosing(here.queue.watch(job)) as slow:
        await anext(slow)
        async with storing(await here.claimed(job)) as run:
            await run.settlement.fail("It ended so.")
            await eventually(lambda: quick.over)
        await here.queue.retry(job)
        async with aclosing(here.queue.watch(job)) as late:
            assert (await anext(late)).state is JobState.QUEUED
        assert (await anext(slow)).state is JobState.FAILED


async def test_another_viewer_costs_the_database_nothing(rtdb: World, here: Listener) -> None:
    job = new_id()
    await away(rtdb, job)
    async with looking(here.queue, job) as (first,):
        await eventually(lambda: streams(rtdb) == 1 + QUEUES_OWN)
        before = rtdb.rtdb.app.stats.requests
        async with looking(here.queue, *[job] * 50) as others:
            assert rtdb.rtdb.app.stats.requests == before
            assert {other.seen[0] for other in others if other.seen[0] is first.seen[-1]}


async def test_a_job_that_runs_here_needs_no_stream_and_is_told_by_its_run(
    rtdb: World, here: Listener
) -> None:
    job = new_id()
    await rtdb.create(job)
    async with looking(here.queue, job, job) as viewers, storing(await here.claimed(job)) as run:
        await eventually(lambda: all(viewer.seen[-1].started_at for viewer in viewers))
        await eventually(lambda: streams(rtdb) == QUEUES_OWN)
        before = rtdb.rtdb.app.stats.reads
        for number in range(5):
            run.display.show_progress(number + 2, 11)
            run.display.say(hello(f"line {number}"))
            await eventually(lambda: all(_said(viewer, f"line {number}") for viewer in viewers))  # noqa: B023
        assert rtdb.rtdb.app.stats.reads == before
        assert {viewer.seen[-1].current_progress for viewer in viewers} == {6}
        await run.settlement.complete(small_model(), tokens_used=1)
        await eventually(lambda: all(viewer.over for viewer in viewers))
    stored = await here.queue.get(job)
    for viewer in viewers:
        assert viewer.seen[-1] == stored
        assert viewer.states == sorted(viewer.states, key=list(JobState).index)


async def test_stickers_alone_are_shown_as_soon_as_they_are_stored(rtdb: World, here: Listener) -> None:
    """No line of the log and no progress comes with them: a board must not wait for the next of these."""
    job = new_id()
    await rtdb.create(job)
    async with looking(here.queue, job) as (viewer,), storing(await here.claimed(job)) as run:
        run.display.say(hello("first"))
        await eventually(lambda: _said(viewer, "first"))
        for name in ("Ordering", "Shipping", "Billing"):
            model = small_model()
            model.bounded_contexts[0].name = name
            run.display.show_model(model)
            await eventually(lambda: viewer.seen[-1].model == model, seconds=5)  # noqa: B023


async def test_what_a_run_here_has_named_is_seen_before_there_is_a_model(rtdb: World, here: Listener) -> None:
    job, named = new_id(), small_model()
    await rtdb.create(job)
    async with looking(here.queue, job) as (viewer,), storing(await here.claimed(job)) as run:
        run.display.preview(named)
        await eventually(lambda: viewer.seen[-1].preview == named)
        assert viewer.seen[-1].model is None
        run.display.show_model(small_model(aggregates=2))
        await eventually(lambda: viewer.seen[-1].model == small_model(aggregates=2))
        assert viewer.seen[-1].preview is None
        assert "Ordering" not in str((await here.queue.get(job)).preview)


def _said(viewer: Viewer, text: str) -> bool:
    return [line.message for line in viewer.seen[-1].log][-1:] == [text]


async def test_a_job_that_runs_elsewhere_is_told_by_the_database(
    rtdb: World, here: Listener, elsewhere: Listener
) -> None:
    job = new_id()
    await rtdb.create(job)
    async with looking(here.queue, job) as (viewer,), storing(await elsewhere.claimed(job)) as run:
        await eventually(lambda: viewer.seen[-1].started_at)
        await eventually(lambda: streams(rtdb) == 1 + 2 * QUEUES_OWN)
        run.display.show_model(small_model())
        run.display.show_progress(4, 11)
        await eventually(lambda: viewer.seen[-1].current_progress == 4)
        run.display.say(hello("found it"))
        await eventually(lambda: _said(viewer, "found it"))
        await run.settlement.fail("It did not work.")
        await eventually(lambda: viewer.over)
    assert viewer.seen[-1] == await here.queue.get(job)
    assert viewer.seen[-1].failure == "It did not work."
    assert viewer.states == sorted(viewer.states, key=list(JobState).index)


async def test_a_job_that_changes_hands_is_followed_all_the_way(
    rtdb: World, here: Listener, elsewhere: Listener
) -> None:
    job = new_id()
    await rtdb.create(job)
    async with looking(here.queue, job) as (viewer,):
        async with storing(await here.claimed(job)) as run:
            run.display.say(hello("here"))
            await eventually(lambda: _said(viewer, "here"))
            await run.settlement.release(run.job.interrupted())
        await eventually(lambda: viewer.states[-1] is JobState.QUEUED)
        async with storing(await elsewhere.claimed(job)) as run:
            run.display.say(hello("there"))
            await eventually(lambda: _said(viewer, "there"))
            await eventually(lambda: viewer.states[-1] is JobState.RUNNING)
            await run.settlement.complete(small_model(), tokens_used=1)
        await eventually(lambda: viewer.over)
    assert [line.message for line in viewer.seen[-1].log] == ["here", "there"]


async def test_a_job_that_waits_needs_no_stream_its_place_is_told_by_the_queue(
    rtdb: World, here: Listener
) -> None:
    job = new_id()
    await rtdb.create(job)
    await eventually(lambda: here.jobs.get(job))
    async with looking(here.queue, job) as (viewer,):
        before = rtdb.rtdb.app.stats.reads
        await rtdb.database.patch(NODES.entry(job), {"waitingJobCount": 7})
        await eventually(lambda: viewer.seen[-1].position == 7)
        assert rtdb.rtdb.app.stats.reads == before
        assert rtdb.rtdb.app.stats.streams == QUEUES_OWN


async def test_who_is_slow_is_shown_the_newest_and_always_the_end(rtdb: World, here: Listener) -> None:
    job = new_id()
    await rtdb.create(job)
    async with (
        looking(here.queue, job) as (quick,),
        aclosing(here.queue.watch(job)) as views,
        storing(await here.claimed(job)) as run,
    ):
        await anext(views)
        for number in range(4):
            run.display.say(hello(f"line {number}"))
            await eventually(lambda: _said(quick, f"line {number}"))  # noqa: B023
        assert [line.message for line in (await anext(views)).log][-1] == "line 3"
        await run.settlement.fail("over")
        await eventually(lambda: quick.over)
        rest = [view.state async for view in views]
    assert rest == [JobState.FAILED]


async def test_a_removed_job_is_the_end_and_an_unknown_one_is_not_found(rtdb: World, here: Listener) -> None:
    job = new_id()
    await rtdb.create(job)
    async with looking(here.queue, job) as (viewer,):
        assert await here.queue.remove(job)
        await eventually(lambda: viewer.over)
    assert viewer.seen[-1] == JobView(job_id=job, state=JobState.REMOVED)
    for missing in (job, new_id()):
        with pytest.raises(JobNotFound, match=f"There is no job {missing}"):
            await anext(here.queue.watch(missing))


async def test_a_restarted_database_is_found_again_by_every_viewer() -> None:
    job = new_id()
    async with AsyncExitStack() as stack:
        async with world() as before:
            await away(before, job)
            kept = await before.database.get("")
            port = int(before.rtdb.address.rpartition(":")[2])
            here = await stack.enter_async_context(listening(before.rtdb))
            viewers = await stack.enter_async_context(looking(here.queue, *[job] * 5))
            await eventually(lambda: streams(before) == 1 + QUEUES_OWN)
        async with Emulator(port=port) as rtdb:
            root = {**kept, "jobs": {**kept["jobs"]}}
            async with Database.connect(
                base_url=rtdb.url,
                namespace="test",
                credentials=EmulatorCredentials(),
                metrics=Metrics(),
            ) as database:
                await database.put("", root)
                await eventually(lambda: not here.queue.problem(), seconds=20)
                view = await here.queue.cancel(job, by="Kim")
                await eventually(lambda: all(viewer.over for viewer in viewers), seconds=20)
                assert {viewer.states[-1] for viewer in viewers} == {view.state}
            await stack.aclose()


@contextmanager
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def test_a_client_that_leaves_while_it_is_slow_is_let_go_whatever_the_collector_does(
    rtdb: World, here: Listener
) -> None:
    """It takes nothing: the answer to it hangs where it hands over a view."""
    job = new_id()
    await rtdb.create(job)
    server = await serve_jobs(
        here.queue, Settings(firebase_database_emulator_host="127.0.0.1:1", grpc_port=0)
    )
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
        storing(await here.claimed(job)) as run,
    ):
        with no_collector():
            call = job_pb2_grpc.JobServiceStub(channel).WatchJob(job_pb2.WatchJobRequest(job_id=job))
            await call.read()
            for number in range(20):
                run.display.say(hello(f"{number}" + "x" * 100_000))
                await asyncio.sleep(0.02)
            assert here.queue.jobs._watching._watched
            call.cancel()
            await eventually(lambda: not here.queue.jobs._watching._watched)
    await server.stop(None)


async def test_however_many_look_at_once_writes_find_their_way(rtdb: World, here: Listener) -> None:
    """The database is slow with reads: they must not hold every connection."""
    job = new_id()
    await rtdb.create(job)
    rtdb.rtdb.faults.change({"frozen": True, "path": "jobs", "method": "GET"})
    before = rtdb.rtdb.app.stats.requests
    looks = [asyncio.create_task(here.queue.get(job)) for _ in range(300)]
    await eventually(lambda: rtdb.rtdb.app.stats.requests > before + 300)
    await asyncio.wait_for(here.database.put("floor", 1), 3)
    rtdb.rtdb.faults.reset()
    assert {view.job_id for view in await asyncio.gather(*looks)} == {job}


# ── which runs are known ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_is_known_while_it_is_held_whatever_the_collector_does(
    rtdb: World, here: Listener
) -> None:
    job = new_id()
    await rtdb.create(job)
    with no_collector():
        async with storing(await here.claimed(job)) as run:
            run.display.show_model(small_model())
            assert (await here.queue.get(job)).model == small_model()
            assert set(here.queue._runs) == {job}
            await run.settlement.release(run.job.interrupted())
        assert not here.queue._runs
        assert (await here.queue.get(job)).model is None


async def test_a_claim_that_only_settles_leaves_no_run_behind(rtdb: World, here: Listener) -> None:
    job = new_id()
    with no_collector():
        await rtdb.create(job, requirements=" ")
        waiting = await eventually(lambda: here.jobs.get(job))
        assert await here.queue.claim(waiting) is None
        assert not here.queue._runs
    assert (await here.queue.get(job)).state is JobState.FAILED


async def test_ended_jobs_leave_no_run_behind(rtdb: World) -> None:
    ids = [new_id() for _ in range(20)]
    async with scripted_executor(slots=20) as executor, rtdb.poller(executor.port) as poller:
        await poller.attached(20)
        with no_collector():
            await asyncio.gather(*(rtdb.create(job_id) for job_id in ids))
            for job_id in ids:
                await rtdb.ended(job_id)
            await eventually(lambda: not poller.dispatcher.running)
            assert not poller.queue._runs
