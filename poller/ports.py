"""What the work on jobs needs from the outside, in its own words: a queue, its jobs, runs, executors, a clock.

The database, gRPC and the canvas format live behind these; dispatcher, attempt and JobService know nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias

from eventstorming.v1 import executor_pb2, job_pb2, model_pb2

from poller.errors import Permanent, PollerError
from poller.job import Job, JobState, LogLine

LARGEST_INPUT = 4 * 1024 * 1024
"""Bytes of a job's input (UTF-8). The typed model holds the text once more, and the database stores no string above 10 MB."""

Json: TypeAlias = Any
"""What `json.loads` returns; enters only where the database or a file does."""


class ExecutorGone(PollerError):
    """The executor vanished in the middle of a run: counts as a crash; place the job again at once."""


class HandedBack(PollerError):
    """The executor is full or draining: the job is unharmed and goes elsewhere."""


class JobNotFound(Permanent):
    """No job has this id."""


class JobExists(Permanent):
    """A job with this id and another input exists."""


class WrongState(Permanent):
    """The job's state does not allow this; the message says which state it is in."""


class Clock(Protocol):
    """Time of this process. Only ever for durations: what is stored carries the database's time."""

    def monotonic(self) -> float:
        """Seconds since a moment of its own."""

    async def sleep(self, seconds: float) -> None:
        """Returns after so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as the outside sees it. Times are milliseconds of the database's clock, 0 when they do not apply.

    `model` is the last one known in this process or stored at the end; it has no source text. `title` is known
    of ended jobs and of those that run here. `preview` is what a run here has named before there is a model.
    `cancelled`: it failed because somebody asked for that.
    """

    job_id: str
    state: JobState
    position: int = 0
    current_progress: int = 0
    total_progress: int = 0
    created_at: int = 0
    started_at: int = 0
    ended_at: int = 0
    attempts: int = 0
    failure: str = ""
    cancelled: bool = False
    log: tuple[LogLine, ...] = ()
    model: model_pb2.EventStormingModel | None = None
    preview: model_pb2.EventStormingModel | None = None
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs to list: these states (none: all), created in [from, until) ms of the database's clock, 0 = open."""

    states: frozenset[JobState] = frozenset()
    created_from: int = 0
    created_until: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """Jobs without log and model, newest first. `next` continues after them; empty on the last page."""

    jobs: tuple[JobView, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where a caller wants to be told of its job. `token`, `credentials` are secrets of its own; `protocol`: the version it speaks.

    `told`: the end that it has acknowledged, by its time in ms; 0 for none.
    """

    id: str
    url: str
    token: str = ""
    scheme: str = ""
    credentials: str = ""
    protocol: str = "1.0"
    told: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What an agent that asks for a job wants kept with it: `context` is its name for the conversation."""

    context: str = ""
    webhooks: tuple[Webhook, ...] = ()


NOBODY = Caller()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueChange:
    """What became different in the queue. After a `whole` one, what it does not name is gone.

    `jobs` maps to None what left the queue; `garbage` says why an entry is no job; `removals` says whether the
    user wants a job removed.
    """

    whole: bool = False
    jobs: Mapping[str, Job | None] = field(default_factory=dict)
    garbage: Mapping[str, str] = field(default_factory=dict)
    removals: Mapping[str, bool] = field(default_factory=dict)


class HeldLease(Protocol):
    """The right to spend for a job, and to write it, while it lasts."""

    @property
    def may_ask(self) -> bool:
        """Whether new questions may be asked: the lease is ours and the database answers."""

    async def keep(self) -> None:
        """Renews it until cancelled; raises LeaseLost when it is another's or the entry is gone."""


class Journal(Protocol):
    """The answers to a job's questions: those of earlier runs, and this run's on their way into the database."""

    @property
    def answered(self) -> bool:
        """Whether an answer became durable since this run, or its last new epoch, began."""

    async def recall(self) -> Sequence[executor_pb2.JournalEntry]:
        """Answers already paid for; the newest epoch's wins."""

    def remember(self, seq: int, entry: executor_pb2.JournalEntry) -> None:
        """Hands over an answer; `Run.store` reports its number once it is durable."""

    async def room(self) -> None:
        """Returns when another answer can be taken: what waits for the database is bounded in bytes."""


class Display(Protocol):
    """What a run has to show its user; `Run.store` writes it."""

    def show_progress(self, current: int, total: int) -> None:
        """Stages done, of all; what is shown never falls."""

    def show_model(self, model: model_pb2.EventStormingModel) -> None:
        """The model as it stands; each takes the place of the one before."""

    def preview(self, model: model_pb2.EventStormingModel) -> None:
        """Contexts and what each owns, before all names are known: for boards of this process; stored nowhere."""

    def say(self, line: LogLine) -> None:
        """A line in the user's log; one whose key was told is left out."""

    def said(self, key: str) -> bool:
        """Whether the user has been told the line of this key, by an earlier run too."""


class Settlement(Protocol):
    """How a run ends; nothing of it is written afterwards."""

    async def complete(self, model: model_pb2.EventStormingModel, *, tokens_used: int) -> None:
        """Everything still to be shown, then `isCompleted` last and alone, then the entry goes."""

    async def fail(self, sentence: str) -> None:
        """Log line, `isFailed`, end time, then the entry goes."""

    async def release(self, job: Job) -> None:
        """Back to its place in the queue with these counters."""


class Run(Protocol):
    """One claimed job, from the claim to the settlement; held by `async with`.

    Unconditional writes wait while the lease is too short, and raise LeaseLost once it is another's.
    """

    input: job_pb2.JobInput
    started_at: int

    @property
    def job(self) -> Job:
        """With its present lease and counters."""

    @property
    def lease(self) -> HeldLease:
        """To be kept by `keep` for as long as the run is worked on."""

    @property
    def journal(self) -> Journal:
        """The answers that need not be asked for again, and this run's own."""

    @property
    def display(self) -> Display:
        """Takes what the executor has to show."""

    @property
    def settlement(self) -> Settlement:
        """One of its endings is the last of a run."""

    async def begin_again(self, job: Job) -> None:
        """The next epoch under the same lease, with these counters, by one conditional write."""

    async def store(self, durable: Callable[[Sequence[int]], Awaitable[None]]) -> None:
        """Writes what was handed over, until cancelled. `durable` is told which answers the database has."""

    async def __aenter__(self) -> Self:
        """From here on the queue knows of it: it is told when the lease is another's, and who watches sees its model."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits until every write in flight has answered or given up; none starts afterwards."""


class Queue(Protocol):
    """The queue as the work on it needs it: what waits, and taking it."""

    def now(self) -> int:
        """The database's time in milliseconds."""

    def changes(self) -> AsyncGenerator[QueueChange, None]:
        """Starts with a whole one; never ends by itself."""

    async def claim(self, job: Job) -> Run | None:
        """Takes the job over, or None: another was faster, it is gone, or it only had to be settled."""

    async def show_position(self, job: Job, place: int) -> None:
        """Tells a waiting job its place, unless its entry changed meanwhile."""

    async def drop(self, job_id: str, reason: str) -> None:
        """Takes away an entry that is no job, unless it became one meanwhile."""

    async def remove(self, job_id: str) -> bool:
        """Deletes everything of a job, the request itself last; False while a live run elsewhere owns it."""

    def problem(self) -> str:
        """Why the queue cannot work just now; empty when it can. Never waits."""


class Jobs(Protocol):
    """The jobs as their users see and change them, whoever runs them."""

    def now(self) -> int:
        """The database's time in milliseconds."""

    async def submit(self, input: job_pb2.JobInput, *, like: str = "", caller: Caller = NOBODY) -> JobView:
        """Stores a new job and its entry. Idempotent for a chosen id with the same input; else JobExists.

        `like` names an earlier job whose usable answers come along: JobNotFound if it is gone, WrongState if it has none.
        """

    async def get(self, job_id: str) -> JobView:
        """Raises JobNotFound."""

    async def list_jobs(self, wanted: JobFilter, *, size: int, after: str = "") -> JobPage:
        """At most `size` jobs, newest first; `after` is the `next` of the page before, "" starts anew.

        Costs what the page costs, whatever waits or has ended. A page may be short and still not the last.
        Raises Transient before the queue is known.
        """

    async def input(self, job_id: str) -> job_pb2.JobInput:
        """What it is generated from; raises JobNotFound."""

    async def caller(self, job_id: str) -> Caller:
        """NOBODY where nothing was kept, and of an unknown job."""

    async def msaez(self, job_id: str) -> Json:
        """The esValue as it stands, decoded; None before anything is shown."""

    def watch(self, job_id: str) -> AsyncGenerator[JobView, None]:
        """The present, then every change; ends after the terminal state. Raises JobNotFound."""

    async def cancel(self, job_id: str, *, by: str) -> JobView:
        """Ends a queued or running job as failed; its data stays. Raises JobNotFound, WrongState."""

    async def retry(self, job_id: str) -> JobView:
        """Queues a failed job again; usable answers are used again. Raises JobNotFound, WrongState."""

    async def delete(self, job_id: str) -> None:
        """Asks for the removal of everything of a job, as the web client does."""


class Webhooks(Protocol):
    """Whom to tell of which jobs, and which poller does: what is owed survives every poller, and goes with its job."""

    async def add(self, job_id: str, webhook: Webhook) -> None:
        """In place of one with the same id. Raises JobNotFound."""

    async def remove(self, job_id: str, webhook_id: str) -> None:
        """Also of one that is not there."""

    async def owed(self, held: Collection[str]) -> Sequence[str]:
        """Jobs of which somebody is still to be told and that no living poller holds; `held` are this one's."""

    async def hold(self, job_id: str) -> bool:
        """Whether telling of it is up to this poller from now on; lapses unless kept."""

    async def keep(self, held: Collection[str]) -> None:
        """Renews the hold on these; to be called well within the time in which one lapses."""

    async def let_go(self, held: Collection[str]) -> None:
        """Others may hold these."""

    async def told(self, job_id: str, webhook_id: str, end: int) -> None:
        """It has acknowledged this end, and need not hear of it again."""

    async def since(self, job_id: str) -> int:
        """When something last came to be owed, in ms of the database's clock."""

    async def settle(self, job_id: str, since: int) -> bool:
        """Nothing is owed any more, unless something came to be since then; whether that is so."""

    async def stirred(self, seconds: float) -> None:
        """Returns when something new is owed by this process's doing, at the latest after so long."""


class Placement(Protocol):
    """A slot set aside on one executor, until released."""

    @property
    def instance_id(self) -> str:
        """Which executor process it is, for the log."""

    def execute(
        self, frames: AsyncIterator[executor_pb2.ExecuteRequest]
    ) -> AsyncGenerator[executor_pb2.ExecuteResponse, None]:
        """The stream of one run; leaving it early cancels it.

        Raises HandedBack, ExecutorGone, Transient, Permanent or LeaseLost, as the executor's status says.
        """

    def release(self) -> None:
        """Gives the slot back; may be called again."""


class Executors(Protocol):
    """The executors that answer now."""

    @property
    def free_slots(self) -> int:
        """What `place` can set aside now."""

    @property
    def total_slots(self) -> int:
        """Free and taken, of executors that are not draining."""

    def place(self, *, apart: bool = False) -> Placement | None:
        """Sets a slot aside on the executor with most free ones, at once; None when all are taken.

        `apart`: only where no other job runs that was placed so.
        """

    async def changed(self) -> None:
        """Returns at the next change of slots or executors."""

    def problem(self) -> str:
        """Why no job can be placed; empty when one could be. A full executor is no problem."""
