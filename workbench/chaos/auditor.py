"""Reads what the database and the language model wrote down about a chaos run, and says which promises were broken.

Shares no code with the product: it knows the layout of the database, and replays every committed write. Three logs go
in, all JSON lines with a time: commits (milliseconds), calls and history (seconds).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Json = Any
DETECTION_SECONDS = 15.0
"""So long two runs may overlap, or a run may go on after its job has ended: a frozen peer is noticed after 5 to 15 s."""


_CANCEL_SECONDS = 1.0
"""An operator's cancel takes the lease of a run that is alive, and reaches it in less than this."""

_AFTERMATH_SECONDS = 6.0
"""A process that comes back needs so long until it works again."""


@dataclass(slots=True)
class Call:
    """One question to the language model."""

    hash: str
    caller: str
    mark: str
    asked: float
    schema: str = ""
    ended: float = float("inf")
    serial: int = 0
    clean: bool = True


@dataclass(frozen=True, slots=True)
class Stored:
    """One journal entry as it was committed. `serial` is the number of the answer it holds."""

    time: float
    epoch: int
    key: str
    serial: int


@dataclass(slots=True)
class Run:
    """One epoch of a job."""

    epoch: int
    token: str
    owner: str
    start: float
    end: float = float("inf")


@dataclass(slots=True)
class JobRecord:
    """Everything the logs tell about one job. Times are seconds."""

    job_id: str
    tree: dict[str, Json] = field(default_factory=dict)
    entered: float = 0.0
    runs: list[Run] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    forgotten: dict[tuple[int, str], float] = field(default_factory=dict)
    ends: list[tuple[float, str]] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)
    from_draft: bool = False
    model: Json = None
    removal_asked: bool = False
    removed: float | None = None
    commits: list[float] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @property
    def flags(self) -> set[str]:
        outputs = _get(self.tree, ("jobs", "state", "outputs"))
        return {flag for flag in ("isCompleted", "isFailed") if _get(outputs, (flag,)) is True}

    def run_at(self, time: float) -> Run | None:
        """The newest run that had begun by then."""
        return next((run for run in reversed(self.runs) if run.start <= time), None)

    def over_since(self, time: float) -> float | None:
        """When the job had ended, if it had by `time` and was not begun anew."""
        ends = [at for at, _ in self.ends if at <= time]
        if self.removed is not None and self.removed <= time:
            ends.append(self.removed)
        run = self.run_at(time)
        return max(ends) if ends and (run is None or run.start < max(ends)) else None


# ── replaying the database ───────────────────────────────────────────────────────────────────────────────────


def replay(commits: Iterable[Mapping[str, Json]]) -> dict[str, JobRecord]:
    """The records of all jobs that the database has ever held."""
    jobs: dict[str, JobRecord] = {}
    for commit in commits:
        by_job: dict[str, list[tuple[tuple[str, ...], Json]]] = defaultdict(list)
        for path, value in _updates(commit):
            if len(path) < 3 and value is not None:
                raise ValueError(f"a write of a whole branch: {'/'.join(path)}")
            if len(path) >= 3 and path[0] in ("jobs", "requestedJobs", "jobStates"):
                by_job[path[2]].append(((path[0], *path[3:]), value))
            elif len(path) >= 3 and path[0] == "jobIndex":
                by_job[path[2].partition("-")[2]].append(((path[0], *path[2:]), value))
        for job_id, updates in by_job.items():
            record = jobs.setdefault(job_id, JobRecord(job_id))
            _watch_writer(record, updates, commit["time"] / 1000, _pod(commit.get("agent", "")))
            _commit(record, updates, commit["time"] / 1000)
    return jobs


def _pod(agent: str) -> str:
    """The poller that wrote, as it calls itself; empty for a user."""
    name, _, pod = agent.partition(" (")
    return pod.removesuffix(")") if name == "eventstorming" else ""


def _watch_writer(
    record: JobRecord, updates: Sequence[tuple[tuple[str, ...], Json]], time: float, writer: str
) -> None:
    """A job is written by the poller that holds its lease, or held it last; only a new try may come from any."""
    paths = ["/".join(path) for path, value in updates if path[0] == "jobs" and value is not None]
    run = record.runs[-1] if record.runs else None
    if not writer or not paths or run is None or ("jobs/state/outputs/isFailed" in paths and run.end <= time):
        return
    if run.owner.partition("/")[0] != writer:
        ago = time - run.start
        if run.owner.endswith("/cancel") and ago < _CANCEL_SECONDS:
            return
        record.overtaken.append(
            f"{writer} wrote {paths[0]} {ago:.3f} s after epoch {run.epoch} of {run.owner} began"
        )


def _updates(commit: Mapping[str, Json]) -> Iterator[tuple[tuple[str, ...], Json]]:
    base = tuple(part for part in commit["path"].split("/") if part)
    if commit["method"] == "DELETE":
        yield base, None
    elif "value" not in commit:
        raise ValueError(f"a write too large for the log: {commit['path']}")
    elif commit["method"] == "PATCH":
        for key, value in commit["value"].items():
            yield (*base, *(part for part in key.split("/") if part)), value
    else:
        yield base, commit["value"]


def _commit(record: JobRecord, updates: Sequence[tuple[tuple[str, ...], Json]], time: float) -> None:
    before = deepcopy(record.tree)
    for path, value in updates:
        _set(record.tree, path, value)
    record.commits.append(time)
    _watch_removal(record, updates, time)
    _watch_lease(record, time)
    _watch_journal(record, updates, time)
    _watch_end(record, before, updates, time)
    _watch_stickers(record, before)


def _watch_removal(record: JobRecord, updates: Sequence[tuple[tuple[str, ...], Json]], time: float) -> None:
    if _get(record.tree, ("jobStates", "isRemoveRequested")) is True:
        record.removal_asked, record.removed = True, None
        return
    if record.removed is not None:
        late = ["/".join(path) for path, value in updates if value is not None]
        record.late += [f"{path} {time - record.removed:.3f} s after the removal" for path in late]
    elif record.removal_asked:
        record.removed = time
        if left := sorted(root for root in ("jobs", "requestedJobs", "jobIndex") if record.tree.get(root)):
            record.late.append(f"the removal left {', '.join(left)}")


def _watch_lease(record: JobRecord, time: float) -> None:
    if "requestedJobs" not in record.tree:
        record.entered = time
    lease = _get(record.tree, ("requestedJobs", "lease")) or {}
    epoch, token = int(lease.get("epoch") or 0), str(lease.get("token") or "")
    last = record.runs[-1] if record.runs else None
    running = last is not None and last.end == float("inf")
    if running and last is not None and (last.epoch, last.token) == (epoch, token):
        return
    if running and last is not None:
        last.end = time
    if token:
        known = max(_known_epochs(record), default=0)
        if known >= epoch:
            record.twice.append(f"epoch {epoch} was given out although {known} is known")
        record.runs.append(Run(epoch, token, str(lease.get("owner") or ""), time))


def _known_epochs(record: JobRecord) -> Iterator[int]:
    """An entry made anew knows only the epochs that stored answers, or that it has had itself."""
    yield from (entry.epoch for entry in record.stored)
    yield from (run.epoch for run in record.runs if run.start >= record.entered)


def _watch_journal(record: JobRecord, updates: Sequence[tuple[tuple[str, ...], Json]], time: float) -> None:
    for path, value in updates:
        for (epoch, key), text in _journal_entries(path, value):
            if text is None:
                record.forgotten[epoch, key] = time
            else:
                record.stored.append(Stored(time, epoch, key, _serial(text)))


def _journal_entries(path: tuple[str, ...], value: Json) -> Iterator[tuple[tuple[int, str], str | None]]:
    if path[:3] == ("jobs", "run", "journal") and len(path) == 5:
        yield (int(path[3]), path[4]), value


def _serial(text: str) -> int:
    try:
        return int(json.loads(text)["tokens"])
    except (ValueError, TypeError, KeyError):
        return 0


def _watch_end(
    record: JobRecord, before: Json, updates: Sequence[tuple[tuple[str, ...], Json]], time: float
) -> None:
    outputs = ("jobs", "state", "outputs")
    had, has = _get(before, outputs) or {}, _get(record.tree, outputs)
    if has is None:
        return
    was = {flag for flag in ("isCompleted", "isFailed") if had.get(flag) is True}
    now = record.flags
    if len(now) == 2:
        record.twice.append("completed and failed at once")
    if "isCompleted" in was and has != had:
        record.twice.append(f"{_changed(had, has)} changed after isCompleted")
    elif was == {"isFailed"} == now and has != had:
        record.twice.append(f"{_changed(had, has)} changed after isFailed")
    for flag in now - was:
        record.ends.append((time, flag))
        if flag == "isCompleted":
            record.model = deepcopy(has.get("esValue"))
    _watch_repeated_end(record, was & now, updates)


def _watch_repeated_end(
    record: JobRecord, flags: set[str], updates: Sequence[tuple[tuple[str, ...], Json]]
) -> None:
    """The same run may repeat a write whose reply was lost; another run has no business there."""
    written = {
        path[3] for path, value in updates if path[:3] == ("jobs", "state", "outputs") and value is True
    }
    for flag in flags & written:
        ended = next(at for at, end in reversed(record.ends) if end == flag)
        if record.run_at(ended) is not record.run_at(float("inf")):
            record.twice.append(f"{flag} was written by a second run")


def _changed(had: Mapping[str, Json], has: Mapping[str, Json]) -> str:
    return ", ".join(sorted(key for key in {*had, *has} if had.get(key) != has.get(key)))


def _watch_stickers(record: JobRecord, before: Json) -> None:
    if _get(record.tree, ("jobs",)) is None:
        return
    for kind in ("elements", "relations"):
        path = ("jobs", "state", "outputs", "esValue", kind)
        gone = set(_get(before, path) or {}) - set(_get(record.tree, path) or {}) - {"@"}
        record.vanished += [f"{kind}/{name}" for name in sorted(gone)]


def _get(tree: Json, path: Sequence[str]) -> Json:
    for part in path:
        if not isinstance(tree, dict):
            return None
        tree = tree.get(part)
    return tree


def _set(tree: dict[str, Json], path: Sequence[str], value: Json) -> None:
    """As the database does: null deletes, and an empty node is no node."""
    value = _pruned(value)
    head, *rest = path
    if rest:
        child = tree.get(head)
        child = child if isinstance(child, dict) else {}
        _set(child, rest, value)
        value = child or None
    if value is None:
        tree.pop(head, None)
    else:
        tree[head] = value


def _pruned(value: Json) -> Json:
    """Lists keep their form: nothing below one is ever written or looked at."""
    if not isinstance(value, dict):
        return value
    kept = {key: found for key, item in value.items() if (found := _pruned(item)) is not None}
    return kept or None


# ── the language model's log ─────────────────────────────────────────────────────────────────────────────────


def read_calls(lines: Iterable[Mapping[str, Json]]) -> list[Call]:
    calls: dict[tuple[str, int], Call] = {}
    for line in lines:
        name = (line["hash"], line["nth"])
        if line["event"] == "ask":
            calls[name] = Call(
                line["hash"], line["caller"], line["mark"], line["time"], line.get("schema", "")
            )
        else:
            calls[name].ended = min(calls[name].ended, line["time"])
        if line["event"] == "sent":
            calls[name].serial, calls[name].clean = line["serial"], line["clean"]
    return list(calls.values())


# ── the verdict ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Verdict:
    """`counts` in the order they are printed; `wrong` names every broken promise; recovery times by kind of fault."""

    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    recovery: dict[str, list[float]] = field(default_factory=dict)
    undisturbed: dict[str, list[float]] = field(default_factory=dict)
    """Those recoveries during which nothing else was broken."""

    @property
    def good(self) -> bool:
        return not self.wrong


def audit(
    commits: Iterable[Mapping[str, Json]],
    calls: Iterable[Mapping[str, Json]],
    history: Sequence[Mapping[str, Json]],
    *,
    invalid: Mapping[str, str],
) -> Verdict:
    """`invalid`: what a validator found in the models, by job (`models` says which to look at)."""
    jobs = replay(commits)
    lines = {line["job"]: line for line in history if line["event"] == "submitted"}
    submitted = {job: line["mark"] for job, line in lines.items()}
    marks = {mark: jobs.setdefault(job, JobRecord(job)) for job, mark in submitted.items()}
    for job, line in lines.items():
        jobs[job].from_draft = line.get("request") == "fromDraft"
    strays = 0
    for call in read_calls(calls):
        if record := marks.get(call.mark):
            record.calls.append(call)
        else:
            strays += 1
    records = [jobs[job] for job in submitted]
    return _verdict(records, history, invalid, strays)


def models(commits: Iterable[Mapping[str, Json]]) -> dict[str, Json]:
    """The model of every job at the moment it was completed, as it sat in the database."""
    return {job: record.model for job, record in replay(commits).items() if record.model is not None}


def _verdict(
    records: Sequence[JobRecord],
    history: Sequence[Mapping[str, Json]],
    invalid: Mapping[str, str],
    strays: int,
) -> Verdict:
    verdict = Verdict()
    states = Counter(_state(record) for record in records)
    verdict.counts = {"submitted": len(records)} | {
        name: states[name] for name in ("completed", "failed", "removed")
    }
    checks = {
        "lost": lambda record: ["it never ended"] if _state(record) == "lost" else [],
        "ended twice": lambda record: record.twice,
        "writes after removal": lambda record: record.late,
        "invalid models": lambda record: [invalid[record.job_id]] if record.job_id in invalid else [],
        "stickers that vanished": lambda record: record.vanished,
        "writes of the overtaken": lambda record: record.overtaken,
        "two runs spending": two_runs_spending,
        "calls after the end": calls_after_the_end,
        "calls repeated": calls_repeated,
        "used before stored": used_before_stored,
    }
    for name, check in checks.items():
        found = [(record.job_id, text) for record in records for text in check(record)]
        verdict.counts[name] = len(found)
        verdict.wrong += [f"{name}: job {job}: {text}" for job, text in found]
    verdict.counts |= {
        "calls": sum(len(record.calls) for record in records) + strays,
        "calls of no job": strays,
    }
    if strays:
        verdict.wrong.append(f"calls of no job: {strays}")
    slow = [line["target"] for line in history if line["event"] == "too slow"]
    verdict.counts["drains beyond the grace"] = len(slow)
    verdict.wrong += [f"drains beyond the grace: {target}" for target in slow]
    verdict.counts |= _at_kills(records, history)
    verdict.recovery = recovery(records, history)
    verdict.undisturbed = recovery(records, history, alone=True)
    return verdict


def _state(record: JobRecord) -> str:
    if record.removed is not None:
        return "removed"
    if _get(record.tree, ("requestedJobs",)) is not None or record.removal_asked:
        return "lost"
    return {"isCompleted": "completed", "isFailed": "failed"}.get("".join(record.flags), "lost")


def calls_repeated(record: JobRecord) -> list[str]:
    """Asked although an answer to the same question was stored before this run began, or earlier in this run."""
    by_serial = {call.serial: call for call in record.calls if call.serial}
    answers: dict[str, list[tuple[Stored, Call]]] = defaultdict(list)
    for stored in record.stored:
        if call := by_serial.get(stored.serial):
            answers[call.hash].append((stored, call))
    keys = {stored.serial: stored.key for stored in record.stored}
    return [
        f"{call.hash[:12]} at {call.asked:.3f} by {call.caller}"
        for call in record.calls
        if _is_known(record, call, keys.get(call.serial), answers[call.hash])
    ]


def _is_known(record: JobRecord, call: Call, key: str | None, answers: Sequence[tuple[Stored, Call]]) -> bool:
    run = record.run_at(call.asked)
    known = [
        (stored, answer)
        for stored, answer in answers
        if answer is not call
        and run is not None
        and stored.time < call.asked
        and (stored.time < run.start or stored.epoch == run.epoch)
        and not record.forgotten.get((stored.epoch, stored.key), float("inf")) < call.asked
    ]
    # The same words may be asked twice: at first, and from scratch after an answer that could not be read.
    keys = {stored.key for stored, _ in known}
    return key in keys or len(keys) > 1 or any(answer.clean for _, answer in known)


def used_before_stored(record: JobRecord) -> list[str]:
    """Every later question rests on the first one's answer (these texts are one chunk): that must be in the database by then."""
    if not record.calls or record.from_draft:
        return []  # a draft begins with several questions at once
    first = min(record.calls, key=lambda call: call.asked).schema
    serials = {call.serial for call in record.calls if call.schema == first}
    known = min((entry.time for entry in record.stored if entry.serial in serials), default=float("inf"))
    early = [call for call in record.calls if call.schema != first and call.asked < known]
    return [f"{call.schema} was asked {call.asked:.3f}, before the first answer was stored" for call in early]


def two_runs_spending(record: JobRecord) -> list[str]:
    """Within one epoch, after the detection time, only the executor whose answers the epoch stored may ask."""
    by_serial = {call.serial: call.caller for call in record.calls if call.serial}
    wrong = []
    for run, until in _windows(record):
        working = {
            by_serial[stored.serial]
            for stored in record.stored
            if stored.epoch == run.epoch and stored.serial in by_serial
        }
        late = [call for call in record.calls if run.start + DETECTION_SECONDS < call.asked < until]
        working = working or {call.caller for call in late[-1:]}
        if len(working) > 1:
            wrong.append(f"epoch {run.epoch} holds answers of {', '.join(sorted(working))}")
        wrong += [
            f"{call.caller} asked {call.asked - run.start:.1f} s after epoch {run.epoch} began elsewhere"
            for call in late
            if call.caller not in working
        ]
        wrong += [
            f"epoch {entry.epoch} stored an answer {entry.time - run.start:.1f} s after epoch {run.epoch} began"
            for entry in record.stored
            if entry.epoch < run.epoch and run.start + DETECTION_SECONDS < entry.time < until
        ]
    return wrong


def _windows(record: JobRecord) -> Iterator[tuple[Run, float]]:
    for index, run in enumerate(record.runs):
        later = record.runs[index + 1].start if index + 1 < len(record.runs) else float("inf")
        yield run, later


def calls_after_the_end(record: JobRecord) -> list[str]:
    found = []
    for call in record.calls:
        over = record.over_since(call.asked)
        if over is not None and call.asked > over + DETECTION_SECONDS:
            found.append(f"{call.caller} asked {call.asked - over:.1f} s after the end")
    return found


# ── what the faults cost ─────────────────────────────────────────────────────────────────────────────────────


def _at_kills(records: Sequence[JobRecord], history: Sequence[Mapping[str, Json]]) -> dict[str, int]:
    """Calls lost at kills: still open, and answered but not yet stored."""
    in_flight = unacknowledged = 0
    for fault in history:
        if fault["event"] != "fault" or not _is_death(fault):
            continue
        at = fault["time"]
        for record in records:
            stored = {entry.serial for entry in record.stored if entry.time <= at}
            lost = [call for call in record.calls if call.asked < at and _struck(record, call, fault)]
            in_flight += sum(call.ended > at for call in lost)
            unacknowledged += sum(
                bool(call.ended <= at and call.serial and call.serial not in stored) for call in lost
            )
    return {"in flight at kills": in_flight, "unacknowledged at kills": unacknowledged}


def _struck(record: JobRecord, call: Call, fault: Mapping[str, Json]) -> bool:
    """Whether this call belonged to a run that the fault ended."""
    run = record.run_at(fault["time"])
    if run is None or run.end <= fault["time"] or call.asked < run.start:
        return False
    return call.caller in fault["lives"] or run.owner in fault["targets"]


def _is_death(fault: Mapping[str, Json]) -> bool:
    return bool(fault["kind"].partition(" ")[0] in ("kill", "lose", "hurry"))


def recovery(
    records: Sequence[JobRecord], history: Sequence[Mapping[str, Json]], *, alone: bool = False
) -> dict[str, list[float]]:
    """Seconds from a fault until each running job it struck went on: a new run after a kill, a write otherwise.

    `alone`: only where no other fault lasted or struck meanwhile.
    """
    found: dict[str, list[float]] = defaultdict(list)
    faults = [line for line in history if line["event"] == "fault"]
    for fault in faults:
        times = (_recovered(record, fault) for record in records)
        found[fault["kind"]] += [
            seconds
            for seconds in times
            if seconds is not None and not (alone and _disturbed(fault, seconds, faults))
        ]
    return dict(found)


def _disturbed(fault: Mapping[str, Json], seconds: float, faults: Sequence[Mapping[str, Json]]) -> bool:
    began = fault["time"]
    return any(
        other is not fault
        and other["time"] < began + seconds
        and other["time"] + other["seconds"] + _AFTERMATH_SECONDS > began
        for other in faults
    )


def _recovered(record: JobRecord, fault: Mapping[str, Json]) -> float | None:
    at = fault["time"]
    run = record.run_at(at)
    if run is None or run.end <= at or record.over_since(at) is not None or record.removal_asked:
        return None
    if not fault["kind"].startswith("rtdb"):
        caller = next((call.caller for call in reversed(record.calls) if run.start <= call.asked <= at), "")
        if caller not in fault["lives"] and run.owner not in fault["targets"]:
            return None
        again = [later.start for later in record.runs if later.start > at]
        written = [entry.time for entry in record.stored if entry.time > at]
        times = again if _is_death(fault) else again + written
    else:
        lasts = fault["seconds"] if fault["kind"] in ("rtdb frozen", "rtdb killed") else 0.0
        at += lasts
        times = [time for time in record.commits if time > at]
    return min(times) - at if times else None
