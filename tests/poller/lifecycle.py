"""A poller in this process over the embedded database, and the hands of the web client."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from devkit.rtdb.server import Emulator
from poller.__main__ import SystemClock
from poller.dispatcher import Dispatcher
from poller.executors import GrpcExecutors
from poller.job import Limits, RetryPolicy
from poller.metrics import Metrics
from poller.rtdb.credentials import EmulatorCredentials
from poller.rtdb.names import OUTPUTS, Nodes
from poller.rtdb.rest import Database
from poller.rtdb.writer import IDENTITY, Writer
from tests.fakes import eventually, settle
from tests.poller.whole import Whole

NAMESPACE = "eventstorming_generator"
NODES = Nodes(NAMESPACE)


def new_id() -> str:
    return str(uuid.uuid4())


def inputs(job_id: str, **changed: Any) -> dict[str, Any]:
    given = {
        "jobId": job_id,
        "requestType": "fromRequirements",
        "requirements": "A customer places an order.\nThe shop ships it.",
        "preferedLanguage": "English",
        "ids": {"uid": "user-1", "projectId": "project-1"},
    }
    return given | changed


@dataclass
class Poller:
    queue: Whole
    dispatcher: Dispatcher
    writer: Writer
    executors: GrpcExecutors
    work: asyncio.Task[None]

    async def attached(self, slots: int) -> None:
        """Returns when executors with so many slots in all have been found."""
        await eventually(lambda: self.executors.total_slots == slots)

    async def drain(self) -> None:
        self.dispatcher.drain()
        await self.work


@dataclass
class World:
    """The embedded database with whoever uses it."""

    rtdb: Emulator
    database: Database
    _stack: AsyncExitStack
    log: list[tuple[str, Any]] = field(default_factory=list)

    # ── the web client ───────────────────────────────────────────────────────────────────────────────────────

    async def create(self, job_id: str, **changed: Any) -> None:
        await self.database.put(NODES.job(job_id), {"state": {"inputs": inputs(job_id, **changed)}})
        await self.request(job_id)

    async def request(self, job_id: str) -> None:
        await self.database.put(NODES.entry(job_id), {"createdAt": {".sv": "timestamp"}})

    async def ask_removal(self, job_id: str) -> None:
        await self.database.put(NODES.removal(job_id), {"isRemoveRequested": True})

    async def outputs(self, job_id: str) -> dict[str, Any]:
        return await self.database.get(NODES.leaf(job_id, OUTPUTS)) or {}

    async def entry(self, job_id: str) -> Any:
        return await self.database.get(NODES.entry(job_id))

    async def ended(self, job_id: str, flag: str = "isCompleted", *, seconds: float = 30) -> dict[str, Any]:
        """The outputs, once the flag is set and the entry gone."""

        async def over() -> dict[str, Any] | None:
            outputs = await self.outputs(job_id)
            return outputs if outputs.get(flag) and await self.entry(job_id) is None else None

        found: dict[str, Any] = await eventually(over, seconds=seconds)
        return found

    async def gone(self, job_id: str) -> None:
        async def nothing() -> bool:
            paths = (NODES.entry(job_id), NODES.job(job_id), NODES.removal(job_id))
            return all([await self.database.get(path) is None for path in paths])

        await eventually(nothing)

    async def record(self, job_id: str) -> None:
        """Keeps every change below the job, in order, until the end of the test."""
        await self._stack.enter_async_context(self._recording(NODES.job(job_id)))

    async def record_everything(self) -> None:
        await self._stack.enter_async_context(self._recording(""))

    @asynccontextmanager
    async def _recording(self, path: str) -> AsyncIterator[None]:
        started = asyncio.Event()

        async def record() -> None:
            async with aclosing(self.database.streams.watch(path)) as changes:
                async for change in changes:
                    started.set()
                    self.log.append(("/".join(change.path), change.value))

        async with asyncio.TaskGroup() as group:
            recording = group.create_task(record())
            await started.wait()
            yield
            recording.cancel()

    # ── pollers ──────────────────────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def poller(
        self,
        *ports: int,
        owner: str = "poller-a",
        inherits: bool = False,
        lease_seconds: float = 30,
        retry: RetryPolicy | None = None,
        limits: Limits | None = None,
        database: Database | None = None,
        lease_rules: bool = False,
        metrics: Metrics | None = None,
    ) -> AsyncIterator[Poller]:
        metrics = metrics or Metrics()
        clock = SystemClock()
        targets = tuple(f"127.0.0.1:{port}" for port in ports)
        async with AsyncExitStack() as stack:
            client = database or await stack.enter_async_context(connect(self.rtdb, owner, metrics))
            client = client.acting_as(IDENTITY) if lease_rules else client
            writer = await stack.enter_async_context(
                Writer(client, NODES, clock, lease_rules=lease_rules, metrics=metrics)
            )
            queue = Whole(writer, owner=owner, lease_seconds=lease_seconds)
            executors = GrpcExecutors(targets, poller_id=owner)
            dispatcher = Dispatcher(
                queue,
                executors,
                clock,
                owner=owner,
                inherits=inherits,
                lease_seconds=lease_seconds,
                retry=retry or RetryPolicy(first_seconds=0.05),
                limits=limits or Limits(),
                metrics=metrics,
            )
            async with asyncio.TaskGroup() as group:
                attached = group.create_task(executors.run())
                work = group.create_task(dispatcher.run())
                yield Poller(queue, dispatcher, writer, executors, work)
                work.cancel()
                attached.cancel()


async def round_trips(database: Database) -> None:
    """What was about to be written has been, and has had its consequences: all of it happens in this process."""
    for _ in range(20):
        await database.get("nothing")
        await settle()


def connect(rtdb: Emulator, owner: str = "", metrics: Metrics | None = None) -> Database:
    agent = f"eventstorming ({owner})"
    return Database.connect(
        base_url=rtdb.url,
        namespace="test",
        credentials=EmulatorCredentials(),
        agent=agent,
        metrics=metrics or Metrics(),
    )


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    async with Emulator(faults=True) as rtdb, connect(rtdb) as database, AsyncExitStack() as stack:
        yield World(rtdb, database, stack)
