"""The index of ended jobs, `jobIndex/<ns>/<createdAt>-<job id>`: one small row each, so that a page costs a page.

A row is written in one multi-path write with the end of its job, and deleted in one with the job's node. The name
starts with the time of creation, so paging orders by key, which every database can without an `.indexOn` rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from eventstorming.v1 import job_pb2

from poller.job import Job, JobState
from poller.ports import JobFilter, JobPage, JobView
from poller.rtdb.names import CREATED_AT, SERVER_TIME, Json, Nodes, count, members, text
from poller.rtdb.rest import Database

FAILURE_CHARACTERS = 200
TITLE_CHARACTERS = 80

_LATEST = 10**13 - 1
_LONGEST_ID = 100
_SCANNED_AT_ONCE, _SCANS = 500, 4
_STATES = {JobState.COMPLETED.value: JobState.COMPLETED, JobState.FAILED.value: JobState.FAILED}


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────


def row_key(created_at: int, job_id: str) -> str:
    """Sorts by creation, then id; times that no clock of this century shows count as the nearest that one does."""
    return f"{min(max(created_at, 0), _LATEST):013d}-{job_id}"


def job_id_of(key: str) -> str:
    """The inverse of `row_key`."""
    return key.partition("-")[2]


def with_row(
    nodes: Nodes, job_id: str, created_at: int, updates: Mapping[str, Json], row: Json
) -> dict[str, Json]:
    """`updates` below the job's node and its row (None: away with it) as one write at the root."""
    whole = {nodes.leaf(job_id, path): value for path, value in updates.items()}
    if len(job_id) <= _LONGEST_ID:
        whole[f"{nodes.index}/{row_key(created_at, job_id)}"] = row
    if row is not None:
        whole[nodes.leaf(job_id, CREATED_AT)] = created_at
    return whole


def without_job(nodes: Nodes, job_id: str, *created_at: int) -> dict[str, Json]:
    """A job's node and its row, wherever it may be, away in one write at the root."""
    rows = {f"{nodes.index}/{row_key(at, job_id)}": None for at in created_at if len(job_id) <= _LONGEST_ID}
    return {nodes.job(job_id): None, f"{nodes.owed}/{job_id}": None, **rows}


def ended_row(
    state: JobState,
    *,
    title: str = "",
    started_at: int = 0,
    ended_at: int = 0,
    attempts: int = 0,
    failure: str = "",
    cancelled: bool = False,
) -> dict[str, Json]:
    """Without an end it is the database's present time."""
    row = {
        "state": state.value,
        "endedAt": ended_at or SERVER_TIME,
        "title": title,
        "startedAt": started_at,
        "attempts": attempts,
        "failure": failure[:FAILURE_CHARACTERS],
        "cancelled": cancelled,
    }
    return {name: value for name, value in row.items() if value}


def title_of(given: job_pb2.JobInput) -> str:
    """What a person knows a job by: a draft's contexts, else the first line that says something."""
    if given.HasField("draft"):
        title = ", ".join(context.alias or context.name for context in given.draft.contexts)
    else:
        lines = (line.strip("#*-=_> \t") for line in given.requirements.splitlines())
        title = next((line for line in lines if line), "")
    return title if len(title) <= TITLE_CHARACTERS else f"{title[: TITLE_CHARACTERS - 1].rstrip()}…"


def _view(key: str, raw: Json) -> JobView | None:
    row = members(raw)
    state, created = _STATES.get(text(row.get("state"))), key.partition("-")[0]
    if state is None or not created.isdigit():
        return None
    return JobView(
        job_id=job_id_of(key),
        state=state,
        created_at=int(created),
        started_at=count(row.get("startedAt")),
        ended_at=count(row.get("endedAt")),
        attempts=count(row.get("attempts")),
        failure=text(row.get("failure")),
        cancelled=row.get("cancelled") is True,
        title=text(row.get("title")),
    )


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────


def passes(view: JobView, wanted: JobFilter) -> bool:
    """Whether a job is one of those wanted."""
    if wanted.states and view.state not in wanted.states:
        return False
    return wanted.created_from <= view.created_at and (
        not wanted.created_until or view.created_at < wanted.created_until
    )


def page_of(
    live: Iterable[JobView], ended: Iterable[JobView], *, size: int, before: str, through: str
) -> JobPage:
    """The newest of both. `ended` is known down to `through` ("" = all of it)."""
    found = [(row_key(view.created_at, view.job_id), view) for view in live]
    found = [(key, view) for key, view in found if through <= key and (not before or key < before)]
    found += [(row_key(view.created_at, view.job_id), view) for view in ended]
    found.sort(key=lambda each: each[0], reverse=True)
    last = found[size - 1][0] if len(found) > size else through
    return JobPage(jobs=tuple(view for _, view in found[:size]), next=last)


def _live_view(job: Job) -> JobView:
    state = JobState.QUEUED if job.waiting else JobState.RUNNING
    return JobView(
        job_id=job.id,
        state=state,
        position=job.position if job.waiting else 0,
        created_at=job.created_at,
        attempts=job.attempts,
    )


class Index:
    """Reads rows; writing them belongs to whoever ends or removes a job."""

    def __init__(self, database: Database, nodes: Nodes) -> None:
        self._database, self._nodes = database, nodes

    async def page(self, live: Mapping[str, Job], wanted: JobFilter, *, size: int, before: str) -> JobPage:
        """Jobs created before `before` (a key, "" = now). With rare states it may be short and still not the last."""
        found, through = await self._ended(wanted, size, before)
        ended = [view for view in found if view.job_id not in live]  # a row before the end's own flag
        views = (view for view in map(_live_view, live.values()) if passes(view, wanted))
        return page_of(views, ended, size=size, before=before, through=through)

    async def _ended(self, wanted: JobFilter, size: int, before: str) -> tuple[list[JobView], str]:
        """Rows that pass, newest first, and the key down to which they were looked for."""
        found: list[JobView] = []
        if wanted.states and wanted.states.isdisjoint(_STATES.values()):
            return found, ""
        at_once = max(size, _SCANNED_AT_ONCE) if wanted.states else size
        for _ in range(_SCANS):
            rows = await self._rows(wanted, at_once + 1, before)
            for key, raw in rows[:at_once]:
                view, before = _view(key, raw), key
                if view is not None and passes(view, wanted):
                    found.append(view)
                if len(found) == size:
                    return found, "" if key == rows[-1][0] else key
            if len(rows) <= at_once:
                return found, ""
        return found, before

    async def _rows(self, wanted: JobFilter, limit: int, before: str) -> list[tuple[str, Json]]:
        """The newest rows in the range, newest first. The bound is inclusive, so one more is asked for."""
        ends = [end for end in (before, _bound(wanted.created_until)) if end]
        window = {"endAt": json.dumps(min(ends))} if ends else {}
        if wanted.created_from:
            window["startAt"] = json.dumps(_bound(wanted.created_from))
        query = {"orderBy": json.dumps("$key"), "limitToLast": str(limit + 1), **window}
        rows = members(await self._database.get(self._nodes.index, query=query))
        return [(key, rows[key]) for key in sorted(rows, reverse=True) if key != before][:limit]


def _bound(created_at: int) -> str:
    """Lies just before every row of that moment; empty for none."""
    return row_key(created_at, "") if created_at else ""
