"""Who plays: pollers and executors as the product's `__main__` wires them, users and viewers; each life is a new process."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Any

from executor.__main__ import SPARE_SECONDS as EXECUTOR_SPARE
from executor.llm.language_models import ProcessLanguageModels
from executor.service import Bounds, ExecutorService, Identity
from executor.slots import Slots
from poller.__main__ import SPARE_SECONDS as POLLER_SPARE
from poller.dispatcher import Dispatcher
from poller.errors import PollerError
from poller.executors import GrpcExecutors
from poller.job import Limits, RetryPolicy
from poller.ports import JobNotFound
from poller.rtdb.fence import Claimant
from poller.rtdb.jobs import RtdbJobs
from poller.rtdb.names import Nodes
from poller.rtdb.queue import Opened
from poller.rtdb.writer import Writer
from process.signals import patience
from workbench.simulation.database import Server, SimulatedDatabase
from workbench.simulation.generation import TIMEOUT_SECONDS, LanguageModel, generation
from workbench.simulation.loop import Process
from workbench.simulation.rules import NAMESPACE, Rules
from workbench.simulation.wire import Access, Find
from workbench.simulation.world import World

SLOTS = 2
LEASE_SECONDS = 30.0
GRACE_SECONDS = 20.0
EXECUTORS = ("executor-1", "executor-2")
POLLERS = ("poller-a", "poller-b")


class _Unmeasured:
    """Takes the place of a process's metrics: no promise is about them."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return _nothing


def _nothing(*_: Any, **__: Any) -> None:
    return None


_METRICS: Any = _Unmeasured()


class Clock:
    """The port `Clock` on the loop's time."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _CountingDispatcher(Dispatcher):
    """Tells the rules of each turn."""

    rules: Rules
    name: str

    def _place(self, work: asyncio.TaskGroup) -> None:
        self.rules.turned(self.name)
        super()._place(work)


class Stage:
    """All processes of one world by name, and what they share."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.server = Server(world)
        self.rules = Rules(world, self.server)
        self.language_model = LanguageModel(world, self.rules)
        self.processes: dict[str, Process] = {}
        self.dispatchers: dict[str, Dispatcher] = {}
        self.jobs: dict[str, RtdbJobs] = {}
        self.services: dict[str, ExecutorService] = {}
        self.slots: dict[str, Slots] = {}
        self._tokens = 0

    def start(self, name: str) -> None:
        process = self.processes[name] = Process(name)
        if name in EXECUTORS:
            process.context.run(self._executor, name)
        else:
            self.world.start(process, self._poller(name, process))
        self.world.say("starts", who=name)

    def kill(self, name: str, *, silently: bool = False) -> None:
        self.world.kill(self.processes[name], silently=silently)
        for kept in (self.dispatchers, self.jobs, self.services, self.slots):
            kept.pop(name, None)

    # ── executors ────────────────────────────────────────────────────────────────────────────────────────────

    def _executor(self, name: str) -> None:
        slots = self.slots[name] = Slots(SLOTS)
        chance = self.world.chance.random
        models = ProcessLanguageModels(
            self.language_model,
            self.language_model,
            concurrency=4,
            timeout=TIMEOUT_SECONDS,
            chance=chance,
            metrics=_METRICS,
        )
        self.services[name] = ExecutorService(
            slots=slots,
            language_models=models,
            pipeline=generation,
            bounds=Bounds(job_seconds=900, step_seconds=90),
            identity=Identity(instance_id=f"{name}/{self.world.now:.3f}", build_id="simulated"),
            clock=self.world.loop.time,
            metrics=_METRICS,
        )

    def drain_executor(self, name: str) -> None:
        """SIGTERM, and a new life when its runs have left."""
        process, slots = self.processes[name], self.slots[name]

        async def leave() -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience(GRACE_SECONDS, spare=POLLER_SPARE)):
                    await slots.drained(patience(GRACE_SECONDS, spare=EXECUTOR_SPARE))
            self.world.later(1.0, self._reborn, name, process)

        if not slots.draining:
            self.rules.drains(name)
            self.world.start(process, leave())

    def _find(self, address: str) -> Find:
        name = {"10.0.0.1:50051": EXECUTORS[0], "10.0.0.2:50051": EXECUTORS[1]}[address]

        def found() -> tuple[Process, Any] | None:
            process = self.processes.get(name)
            return (
                (process, self.services[name])
                if process and process.alive and name in self.services
                else None
            )

        return found

    # ── pollers ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _poller(self, name: str, process: Process) -> None:
        clock, chance = Clock(), self.world.chance.random
        database: Any = SimulatedDatabase(self.server, process, agent=name)
        async with Writer(database, Nodes(NAMESPACE), clock, chance=chance, metrics=_METRICS) as writer:
            claimant = Claimant(owner=name, lease_seconds=LEASE_SECONDS, new_token=self._new_token)
            opened = Opened.over(writer, claimant)
            executors = GrpcExecutors(
                ("executors:50051",),
                poller_id=name,
                access=Access(self.world, process, self._find),  # type: ignore[arg-type]
                resolve=_resolve,
                chance=chance,
            )
            dispatcher = _CountingDispatcher(
                opened.queue,
                executors,
                clock,
                owner=name,
                inherits=True,
                lease_seconds=LEASE_SECONDS,
                retry=RetryPolicy(max_attempts=3),
                limits=Limits(job_seconds=900, step_seconds=90),
                patience=patience(GRACE_SECONDS, spare=POLLER_SPARE),
                chance=chance,
                metrics=_METRICS,
            )
            dispatcher.rules, dispatcher.name = self.rules, name
            self.jobs[name], self.dispatchers[name] = opened.jobs, dispatcher
            async with asyncio.TaskGroup() as group:
                running = group.create_task(executors.run())
                await dispatcher.run()
                running.cancel()
        self.world.say("has drained", who=name)
        self.world.later(0.5, self._reborn, name, process)

    def _new_token(self) -> str:
        self._tokens += 1
        return f"token{self._tokens}"

    def drain_poller(self, name: str) -> None:
        """SIGTERM, and a new life when it has handed over what ran, after the grace at the latest."""
        dispatcher, process = self.dispatchers.get(name), self.processes[name]
        if dispatcher and not dispatcher.draining:
            self.rules.drains(name)
            process.context.run(dispatcher.drain)
            self.world.later(GRACE_SECONDS, self._reborn, name, process)

    def _reborn(self, name: str, process: Process) -> None:
        if self.processes[name] is process and process.alive:
            self.kill(name)
            self.world.later(1.0, self.start, name)

    # ── users ────────────────────────────────────────────────────────────────────────────────────────────────

    def submit(self, job: str) -> None:
        """As the web client does: the job, then its entry."""
        inputs = {
            "requestType": "fromRequirements",
            "jobId": job,
            "ids": {"uid": "u", "projectId": "p"},
            "requirements": "An order is placed." + "." * int(self.world.chance.random() * 3),
            "preferedLanguage": "English",
        }
        self.rules.jobs[job].highest = 0
        self.server.put("client", f"jobs/{NAMESPACE}/{job}", {"state": {"inputs": inputs}}, None)
        self.server.put("client", f"requestedJobs/{NAMESPACE}/{job}", {"createdAt": self.server.now_ms}, None)

    def remove(self, job: str) -> None:
        self.server.put("client", f"jobStates/{NAMESPACE}/{job}", {"isRemoveRequested": True}, None)

    def as_operator(self, poller: str, act: Callable[[RtdbJobs], Any], *, says: str) -> None:
        """Asks one poller, whose answer may be an error."""
        jobs = self.jobs.get(poller)
        if jobs is None:
            return

        async def asking() -> None:
            try:
                await act(jobs)
            except PollerError as error:
                self.world.say(f"{says} refused: {error}")
            else:
                self.world.say(f"{says} done")

        self.world.say(says, who="operator")
        self.world.start(self.processes[poller], asking())

    def view(self, poller: str, job: str) -> None:
        jobs = self.jobs.get(poller)
        if jobs is None:
            return

        async def looking() -> None:
            try:
                async with aclosing(jobs.watch(job)) as views:
                    async for _ in views:
                        self.rules.watched()
            except (JobNotFound, PollerError) as error:
                self.world.say(f"view of {job[:4]} ends: {error}")

        self.world.start(self.processes[poller], looking())


async def _resolve(host: str, port: int) -> list[str]:
    return ["10.0.0.1:50051", "10.0.0.2:50051"]


def job_id(number: int, seed: int) -> str:
    return str(uuid.UUID(int=(number << 112) | seed))
