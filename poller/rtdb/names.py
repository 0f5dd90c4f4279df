"""Nodes of the database by name: the only place that knows a path. And queue entries to and from `Job`. Nothing is read or written here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from poller.job import Job, Lease, OldClaim, milliseconds

Json: TypeAlias = Any
Entry: TypeAlias = Mapping[str, Json]

SERVER_TIME = {".sv": "timestamp"}
_COUNTERS = ("attempts", "crashes", "interruptions")
_CLAIM = ("assignedPodId", "claimedAt", "lastHeartbeat", "waitingJobCount", "notBefore")


STATE, INPUTS, OUTPUTS, RUN = "state", "state/inputs", "state/outputs", "run"
JOURNAL, EPOCHS, SAID = f"{RUN}/journal", f"{RUN}/epochs", f"{RUN}/said"
CANVAS, LOGS = f"{OUTPUTS}/esValue", f"{OUTPUTS}/logs"
IS_COMPLETED, IS_FAILED = f"{OUTPUTS}/isCompleted", f"{OUTPUTS}/isFailed"
CURRENT_PROGRESS, TOTAL_PROGRESS = f"{OUTPUTS}/currentProgressCount", f"{OUTPUTS}/totalProgressCount"
LAST_ROOT_STEP, LAST_SUB_STEP = (f"{OUTPUTS}/lastCompleted{kind}GraphNode" for kind in ("Root", "Sub"))
CREATED_AT, STARTED_AT, ENDED_AT, SEEN_AT = (
    f"{RUN}/{each}At" for each in ("created", "started", "ended", "seen")
)
FAILURE, MODEL, TOKENS, LAST_UPDATED = f"{RUN}/failure", f"{RUN}/model", f"{RUN}/tokens", "lastUpdated"
CANCELLED, CALLER = f"{RUN}/cancelled", f"{RUN}/caller"
"""Below a job's node."""

UNSEEN = tuple(f"{path}/" for path in (JOURNAL, EPOCHS, SAID, CALLER))
"""Whatever becomes new below these, no view shows it."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """Paths in one queue namespace."""

    namespace: str

    @property
    def entries(self) -> str:
        """The queue: entries by job id."""
        return f"requestedJobs/{self.namespace}"

    @property
    def removals(self) -> str:
        """Which jobs their users want removed."""
        return f"jobStates/{self.namespace}"

    def entry(self, job_id: str) -> str:
        """A job's place in the queue; gone once the job has ended."""
        return f"{self.entries}/{job_id}"

    def lease(self, job_id: str) -> str:
        """Below its entry: who runs it."""
        return f"{self.entries}/{job_id}/lease"

    def removal(self, job_id: str) -> str:
        """Its user's wish to have it removed."""
        return f"{self.removals}/{job_id}"

    @property
    def jobs(self) -> str:
        """Large: never to be read as a whole."""
        return f"jobs/{self.namespace}"

    @property
    def index(self) -> str:
        """A row for each ended job, sorted by creation."""
        return f"jobIndex/{self.namespace}"

    @property
    def owed(self) -> str:
        """Jobs of which somebody is still to be told."""
        return f"jobWebhooks/{self.namespace}"

    def job(self, job_id: str) -> str:
        """Everything of a job but its entry."""
        return f"{self.jobs}/{job_id}"

    def run(self, job_id: str) -> str:
        """What is ours of a job, and dies with it."""
        return f"{self.jobs}/{job_id}/{RUN}"

    def journal(self, job_id: str) -> str:
        """Answers by epoch."""
        return f"{self.jobs}/{job_id}/{JOURNAL}"

    def leaf(self, job_id: str, path: str) -> str:
        """`path` is one of this module's."""
        return f"{self.jobs}/{job_id}/{path}"


class Garbage(ValueError):
    """The entry is no job; the message says why."""


def number(value: Json) -> float | None:
    """A boolean is none."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def text(value: Json) -> str:
    """A text; the sentinel for null counts as none."""
    return value if isinstance(value, str) and value != "@" else ""


def members(value: Json) -> dict[str, Json]:
    """Members of a node, also of one that the database shows as a list because its keys are small integers."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value) if item is not None}
    return {}


def read_entry(job_id: str, raw: Json) -> Job:
    """Raises Garbage for a stub, a scalar, an entry without `createdAt`."""
    if not isinstance(raw, Mapping):
        raise Garbage("the entry has no members")
    created = number(raw.get("createdAt"))
    if created is None:
        raise Garbage("the entry has no createdAt")
    return Job(
        id=job_id,
        created_at=milliseconds(created),
        lease=read_lease(raw.get("lease")),
        not_before=count(raw.get("notBefore")),
        position=count(raw.get("waitingJobCount")),
        old_claim=_old_claim(raw),
        cancelled_by=text(raw.get("cancelledBy")),
        **{name: count(raw.get(name)) for name in _COUNTERS},
    )


def entry_or_none(job_id: str, raw: Json) -> Job | None:
    """None for what is no job."""
    try:
        return read_entry(job_id, raw)
    except Garbage:
        return None


def read_lease(raw: Json) -> Lease:
    """One of nobody, of epoch 0, where there is none."""
    raw = members(raw)
    return Lease(
        epoch=count(raw.get("epoch")),
        token=text(raw.get("token")),
        owner=text(raw.get("owner")),
        renewed_at=count(raw.get("renewedAt")),
    )


def _old_claim(raw: Entry) -> OldClaim | None:
    """A claim without a lease is the old worker's; so is a job that it gave up without telling anybody."""
    if read_lease(raw.get("lease")).epoch:
        return None
    owner, given_up = text(raw.get("assignedPodId")), raw.get("status") == "failed"
    if not owner and not given_up:
        return None
    signs = (number(raw.get("lastHeartbeat")), number(raw.get("claimedAt")))
    return OldClaim(owner=owner, last_sign=max(milliseconds(sign or 0) for sign in signs), given_up=given_up)


def count(value: Json) -> int:
    """Whole, and 0 for what is none or below."""
    return max(0, int(number(value) or 0))


def lease_node(lease: Lease) -> dict[str, Json]:
    """`renewedAt` is the database's time, never ours. A released lease keeps its epoch alone."""
    if not lease.held:
        return {"epoch": lease.epoch}
    return {"token": lease.token, "epoch": lease.epoch, "owner": lease.owner, "renewedAt": SERVER_TIME}


def _counted(raw: Entry, job: Job) -> dict[str, Json]:
    """The entry as it is, without what a claim adds, with the job's counters; members of others are kept."""
    kept = {name: value for name, value in raw.items() if name not in _CLAIM}
    counters = {name: getattr(job, name) for name in _COUNTERS}
    return kept | {name: value for name, value in counters.items() if value or name in raw}


def claimed_entry(raw: Entry, job: Job, *, now: int) -> dict[str, Json]:
    """What the web client sees of a claim with it; `now`: ms of the database's clock."""
    claim = {
        "assignedPodId": job.lease.owner,
        "claimedAt": now / 1000,
        "lastHeartbeat": now / 1000,
        "status": "processing",
        "lease": lease_node(job.lease),
    }
    return _counted(raw, job) | claim


def released_entry(raw: Entry, job: Job) -> dict[str, Json]:
    """Back at its place, with its counters."""
    entry = _counted(raw, job) | {"status": "pending", "lease": lease_node(job.lease)}
    return entry | {"notBefore": job.not_before} if job.not_before else entry


def highest_epoch(*nodes: Iterable[str]) -> int:
    """Of names below `epochs`, which has a mark of every run that wrote, and `journal`, a branch of every run that answered.

    Both outlive the queue entry: one that is made anew goes on above it. Marks are separate leaves, so that a late
    one of an overtaken run takes nothing back.
    """
    return max((int(name) for node in nodes for name in node if name.isdigit()), default=0)
