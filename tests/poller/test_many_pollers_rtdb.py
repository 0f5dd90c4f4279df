"""Several pollers and one queue, in any order: the program's own queue, runs and client over the embedded database.

Each poller has a client of its own, whose unconditional writes are held up on their way until a rule lets them arrive
or their five seconds are over; some replies get lost. Nobody's clock moves but by a rule. A few examples here;
`STATE_MACHINE_EXAMPLES=2000 pytest tests/poller/test_many_pollers_rtdb.py` tries more.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import os
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

import pytest
from eventstorming.v1 import executor_pb2
from hypothesis import settings

from devkit.rtdb import tree
from devkit.rtdb.server import Emulator
from poller.errors import LeaseLost
from poller.job import Job
from poller.metrics import Metrics
from poller.rtdb.credentials import EmulatorCredentials
from poller.rtdb.fence import WRITE_SECONDS
from poller.rtdb.http import Answer, Before, Http, nothing
from poller.rtdb.names import Garbage, Json, members, read_entry
from poller.rtdb.rest import Database
from poller.rtdb.run import RtdbRun
from poller.rtdb.writer import Writer
from tests.fakes import settle, small_model
from tests.poller.lifecycle import NODES, inputs
from tests.poller.queue_rules import LEASE_SECONDS, LENGTH, OWNERS, QueueRules, State
from tests.poller.whole import Whole

T = TypeVar("T")
SPACE = "test"


class Time:
    """One time for the database and all pollers; who sleeps wakes when a rule has moved it far enough."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.seconds + seconds, next(self._numbers), wake))
        await wake

    def wake(self) -> None:
        while self._sleepers and self._sleepers[0][0] <= self.seconds:
            _, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                wake.set_result(None)

    def skip_to_next(self) -> None:
        """On to the moment at which somebody wakes."""
        self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[2].done()]
        heapq.heapify(self._sleepers)
        if self._sleepers:
            self.seconds = max(self.seconds, self._sleepers[0][0])
        self.wake()


class Sent(NamedTuple):
    """A write as the network sees it."""

    method: str
    path: str
    content: bytes


class Held:
    """A write on its way."""

    def __init__(self, request: Sent, gives_up_at: float) -> None:
        self.request, self.gives_up_at = request, gives_up_at
        self.goes: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_over = asyncio.Event()


class Way(Http):
    """The network of one poller."""

    def __init__(self, pollers: Pollers, owner: str) -> None:
        super().__init__(agent=owner)
        self._pollers, self._owner = pollers, owner
        self.held: list[Held] = []
        self.holds = True
        self.delay = 0.0
        self.loses_reply = False

    async def send(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None,
        headers: Mapping[str, str],
        before: Before = nothing,
    ) -> Answer:
        if "if-match" in headers:
            self._pollers.time.seconds += self.delay
            self.delay = 0.0
        elif method != "GET":
            before()
            await self._unconditional(Sent(method, unquote(urlsplit(url).path), content or b"null"))
        answer = await super().send(method, url, content=content, headers=headers)
        if "if-match" in headers and method == "PUT" and self.loses_reply:
            self.loses_reply = False
            raise ConnectionError("the reply was lost")
        return answer

    async def _unconditional(self, request: Sent) -> None:
        if self.holds:
            held = Held(request, self._pollers.time.seconds + WRITE_SECONDS)
            self.held.append(held)
            try:
                await held.goes
            finally:
                held.is_over.set()
                if held in self.held:
                    self.held.remove(held)
            if self._pollers.time.seconds > held.gives_up_at:
                raise ConnectionError("gave up")
        self._pollers.check_write(self._owner, request)


class Poller:
    """One process: a client, a writer, a queue, and what its runs do in the background."""

    def __init__(self, way: Way, queue: Whole) -> None:
        self.way, self.queue = way, queue


class Pollers(QueueRules):
    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.loop = asyncio.new_event_loop()
        self.pollers: dict[str, Poller] = {}
        self.storing: dict[RtdbRun, asyncio.Task[None]] = {}
        self.answers = itertools.count(1)
        self.wrong: list[str] = []
        self._over = asyncio.Event()
        ready = asyncio.Event()
        self._life = self.loop.create_task(self._live(ready))
        self._do(ready.wait())

    # ── the world ────────────────────────────────────────────────────────────────────────────────────────────

    async def _live(self, ready: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            self.rtdb = await stack.enter_async_context(Emulator(now_ms=lambda: self.now))
            for owner in OWNERS:
                self.pollers[owner] = await self._poller(owner, stack)
            way = Way(self, "user")
            way.holds = False
            writer = await self._writer(way, stack)
            self.browser = writer.database
            self.user = Whole(writer, owner="user", lease_seconds=LEASE_SECONDS)
            ready.set()
            await self._over.wait()
            for task in self.storing.values():
                task.cancel()
            for poller in self.pollers.values():
                for held in list(poller.way.held):
                    held.goes.cancel()

    async def _poller(self, owner: str, stack: AsyncExitStack) -> Poller:
        way = Way(self, owner)
        writer = await self._writer(way, stack)
        return Poller(way, Whole(writer, owner=owner, lease_seconds=LEASE_SECONDS))

    async def _writer(self, way: Way, stack: AsyncExitStack) -> Writer:
        database = Database.connect(
            http=way,
            base_url=self.rtdb.url,
            namespace=SPACE,
            credentials=EmulatorCredentials(),
            clock=self.time.monotonic,
            wall=self.time.monotonic,
            chance=lambda: 0.5,
            metrics=Metrics(),
        )
        await stack.enter_async_context(database)
        return await stack.enter_async_context(
            Writer(database, NODES, self.time, chance=lambda: 0.5, metrics=Metrics())
        )

    def _do(self, action: Coroutine[Any, Any, T]) -> T:
        async def bounded() -> T:
            async with asyncio.timeout(30):
                found = await action
                await settle()
                return found

        found = self.loop.run_until_complete(bounded())
        assert not self.wrong, self.wrong
        return found

    def _drive(self, action: Coroutine[Any, Any, T], poller: Poller, run: RtdbRun | None = None) -> T:
        """To its end, as its poller would: the network is quick, the lease is kept, and pauses pass."""

        async def driven() -> T:
            task = asyncio.create_task(action)
            keeping = asyncio.create_task(run.lease.keep()) if run else None
            try:
                while not task.done():
                    await asyncio.wait({task, *([keeping] if keeping else [])}, timeout=0.05)
                    if keeping and keeping.done() and not task.done():
                        task.cancel()
                        await keeping
                    if not task.done():
                        self.time.skip_to_next()
                return await task
            finally:
                if keeping:
                    keeping.cancel()
                    await asyncio.gather(keeping, return_exceptions=True)

        poller.way.holds = False
        try:
            return self._do(driven())
        finally:
            poller.way.holds = True

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self._over.set()
            self.loop.run_until_complete(self._life)
            self.loop.close()

    # ── what the database has ────────────────────────────────────────────────────────────────────────────────

    def _stored(self, path: str) -> Json:
        root = self.rtdb.store.namespace(SPACE).root
        return tree.to_json(tree.get(root, tree.parse_path(path)))

    def check_write(self, owner: str, request: Sent) -> None:
        """Asked of every unconditional write of a poller in the moment in which it arrives."""
        base = request.path.removesuffix(".json").strip("/")
        body = json.loads(request.content)
        paths = (
            {f"{base}/{key}".strip("/"): value for key, value in body.items()}
            if request.method == "PATCH"
            else {base: body}
        )
        for path, value in paths.items():
            if path.startswith(NODES.jobs + "/") and owner != "user":
                self._check_path(owner, path, value)

    def _check_path(self, owner: str, path: str, value: Json) -> None:
        job_id = path.split("/")[2]
        entry = self.entry(job_id)
        if path == NODES.job(job_id) and value is None:
            if entry is not None:
                self.wrong.append(f"{owner} deletes {job_id}, which is queued")
        elif entry is None or entry.lease.owner != owner:
            self.wrong.append(f"{owner} writes {path}, which is {entry.lease if entry else 'gone'}")

    @property
    def now(self) -> int:
        return int(self.time.seconds * 1000)

    def entry(self, job_id: str) -> Job | None:
        raw = self._stored(NODES.entry(job_id))
        try:
            return None if raw is None else read_entry(job_id, raw)
        except Garbage as reason:
            raise AssertionError(f"{job_id} became no job: {reason}") from reason

    def state(self, job_id: str) -> State:
        if self.entry(job_id) is not None:
            return "queued"
        node = self._stored(NODES.job(job_id))
        if node is None:
            return "removed"
        outputs = members(members(node["state"]).get("outputs"))
        assert outputs.get("isCompleted") is not outputs.get("isFailed"), (job_id, outputs)
        return "completed" if outputs["isCompleted"] else "failed"

    def is_open(self, run: RtdbRun) -> bool:
        return run.lease.may_ask

    # ── what is done ─────────────────────────────────────────────────────────────────────────────────────────

    def let_pass(self, seconds: float) -> None:
        self.time.seconds += seconds
        self.time.wake()
        self._do(settle())
        self._look_at_writes()

    def put_entry(self, job_id: str) -> None:
        if self._stored(NODES.job(job_id)) is not None:
            self._do(self.user.retry(job_id))
            return
        self._do(self.browser.put(NODES.job(job_id), {"state": {"inputs": inputs(job_id)}}))
        self._do(self.browser.put(NODES.entry(job_id), {"createdAt": {".sv": "timestamp"}}))

    def do_claim(self, owner: str, seen: Job, *, lost_reply: bool) -> RtdbRun | None:
        poller = self.pollers[owner]
        poller.way.loses_reply = lost_reply
        run = self._drive(poller.queue.claim(seen), poller)
        poller.way.loses_reply = False
        if run is not None:
            self._do(run.__aenter__())  # as whoever works on it does at once
            self.storing[run] = self.loop.create_task(self._store(run))
            self._do(settle())
            self._look_at_writes()
        return run

    async def _store(self, run: RtdbRun) -> None:
        async def durable(_: object) -> None:
            return

        try:
            await run.store(durable)
        except LeaseLost:
            return

    def _look_at_writes(self) -> None:
        self.writes = [held for poller in self.pollers.values() for held in poller.way.held]

    def do_renew(self, run: RtdbRun, delay: float) -> bool:
        poller = self._of_run(run)
        poller.way.delay = delay
        try:
            self._drive(run.lease.renew(), poller)
        except LeaseLost:
            return False
        finally:
            poller.way.delay = 0.0
            self._look_at_writes()
        return True

    def _of_run(self, run: RtdbRun) -> Poller:
        return self.pollers[run.job.lease.owner]

    def do_write(self, run: RtdbRun) -> None:
        number = next(self.answers)
        run.journal.remember(number, executor_pb2.JournalEntry(key=f"q{number}", value="{}", tokens=1))
        self._do(settle())
        self._look_at_writes()

    def do_arrive(self, write: Held) -> None:
        if not write.goes.done():
            write.goes.set_result(None)
        self._do(write.is_over.wait())
        self._do(self._answered())
        self._look_at_writes()

    async def _answered(self) -> None:
        """The answer of a write that has just gone its way."""
        await asyncio.sleep(0.002)

    def writes_of(self, owner: str, job_id: str) -> list[Held]:
        return [
            held
            for held in self.pollers[owner].way.held
            if job_id in f"{held.request.path} {held.request.content!r}"
        ]

    def close(self, run: RtdbRun) -> None:
        """Nothing new is begun; what is on its way arrives or gives up."""
        self._stop(run)
        for held in self.writes_of(run.job.lease.owner, run.job.id):
            self.do_arrive(held)

    def _stop(self, run: RtdbRun) -> None:
        if task := self.storing.pop(run, None):
            task.cancel()
            self._do(settle())

    def do_begin_again(self, run: RtdbRun) -> bool:
        job = run.job.crashed(answered=run.journal.answered)
        try:
            self._drive(run.begin_again(job), self._of_run(run), run)
        except LeaseLost:
            return False
        self.storing[run] = self.loop.create_task(self._store(run))
        self._do(settle())
        self._look_at_writes()
        return True

    def do_settle(self, run: RtdbRun, how: str) -> None:
        end = (
            run.settlement.complete(small_model(), tokens_used=1)
            if how == "completed"
            else run.settlement.fail("It ended so.")
        )
        self._drive(end, self._of_run(run), run)

    def do_release(self, run: RtdbRun, not_before: int) -> None:
        job = replace(run.job.interrupted(), not_before=not_before)
        try:
            self._drive(run.settlement.release(job), self._of_run(run))
        except LeaseLost:
            return

    def do_crash(self, run: RtdbRun) -> None:
        self._stop(run)

    def is_doubtful(self, entry: Job) -> bool:
        """The database's clock is known to within a second."""
        return abs(self.now - entry.ready_at(lease_length=LENGTH)) < 1000

    def do_remove(self, owner: str, job_id: str) -> bool:
        poller = self.pollers[owner]
        return self._drive(poller.queue.remove(job_id), poller)


EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "12"))
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(120 + 10 * EXAMPLES)]

TestManyPollersOverTheDatabase = Pollers.TestCase
TestManyPollersOverTheDatabase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
)
