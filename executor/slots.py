"""The slots of this process: which runs hold them, who must end to make room, and the drain. Knows nothing of gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from executor.errors import ExecutorError
from executor.status import Draining, NoFreeSlot, Overtaken


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """The `number`-th run to take a slot.

    `ended` is done, with the reason, when it must stop at once; `leaving`: it asks nothing new and ends when it has brought home
    what it has asked; `completed`: its model is on the way.
    """

    number: int
    job_id: str
    epoch: int
    completed: bool = False
    ended: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, error: ExecutorError) -> None:
        """Tells the run to stop."""
        if not self.ended.done():
            self.ended.set_exception(error)
            self.ended.exception()  # a run that stops by itself never looks


class Slots:
    """At most `total` runs at once; none while draining."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.draining = False
        self.begun = 0
        self._runs: list[Run] = []
        self._changed = asyncio.Event()

    @property
    def free(self) -> int:
        """Slots that a new run could take now."""
        return 0 if self.draining else self.total - len(self._runs)

    @asynccontextmanager
    async def take(self, job_id: str = "", epoch: int = 0) -> AsyncIterator[Run]:
        """A slot for one run; without an id it is nobody else's. A newer run of the same job ends the older one first, so that only one spends."""
        await self._overtake(job_id, epoch)
        with self._held(job_id, epoch) as run:
            yield run

    @property
    def runs(self) -> int:
        """Runs that hold a slot now."""
        return len(self._runs)

    def drain(self) -> None:
        """No new runs; those that run leave, to be continued elsewhere."""
        self.draining = True
        for run in self._runs:
            run.leaving.set()
        self._tell()

    async def drained(self, patience: float) -> int:
        """Drains, and returns when no run is left: the number of those that had to be broken off after `patience` seconds."""
        self.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self.empty()
        for run in (late := list(self._runs)):
            run.end(Draining("this executor is shutting down, and its time is up"))
        await self.empty()
        return len(late)

    async def changes(self, every: float) -> AsyncGenerator[None, None]:
        """Now, at every change, and at least so often (seconds)."""
        while True:
            changed = self._changed
            yield
            try:
                async with asyncio.timeout(every):
                    await changed.wait()
            except TimeoutError:
                continue

    async def empty(self) -> None:
        """Returns when no run is left."""
        while self._runs:
            await self._runs[0].left.wait()

    async def _overtake(self, job_id: str, epoch: int) -> None:
        while older := self._run_of(job_id):
            if older.epoch >= epoch:
                raise Overtaken(f"epoch {older.epoch} of this job runs here already")
            older.end(Overtaken(f"epoch {epoch} of this job has come"))
            await older.left.wait()

    def _run_of(self, job_id: str) -> Run | None:
        return next((run for run in self._runs if job_id and run.job_id == job_id), None)

    @contextmanager
    def _held(self, job_id: str, epoch: int) -> Iterator[Run]:
        if self.draining:
            raise Draining("this executor is shutting down")
        if not self.free:
            raise NoFreeSlot(f"all {self.total} slots are taken")
        self.begun += 1
        run = Run(number=self.begun, job_id=job_id, epoch=epoch)
        self._runs.append(run)
        self._tell()
        try:
            yield run
        finally:
            self._runs.remove(run)
            run.left.set()
            self._tell()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
