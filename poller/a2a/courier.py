"""Push notifications: tells the webhooks of a job how it goes, at most every few seconds, and how it ended, until they acknowledge.

What is owed is in the database; whoever dies is followed by another poller, or by itself. An end that was acknowledged, and stored as
that, is never told again; all attempts at one carry one id.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import structlog
from a2a.compat.v0_3.conversions import to_compat_task
from a2a.types import StreamResponse, Task
from google.protobuf.json_format import MessageToDict

from poller.a2a import outgoing
from poller.a2a.posting import NotDelivered, Post, post
from poller.addresses import Allowed, NotAllowed
from poller.errors import Fault, PollerError, faults
from poller.job import JobState
from poller.ports import Clock, JobNotFound, Jobs, JobView, Webhook, Webhooks
from process.tasks import task_group

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
SETTLE_SECONDS = 1.0
"""A new job is taken up first, then told of: what telling costs must not delay it."""

KEEP_SECONDS = 10.0
PROGRESS_SECONDS = 5.0
MOST_FOLLOWED = 1000
MOST_ATTEMPTS = 20
"""With the pauses between them about 45 minutes; whoever is away for longer asks for the task."""

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
COMING_MS = 60_000
"""What is owed is written before its job, which may take so long to come."""

_AT_ONCE = 32
_LARGEST_WHOLE = 1024 * 1024
Describe = Callable[[JobView], Awaitable[Task]]
"""A job as a task with its artifacts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What one job's webhooks are told, under one id."""

    id: str
    at: int
    task: Task
    event: StreamResponse


class Courier:
    """Runs until cancelled; then others may go on at once."""

    def __init__(
        self, jobs: Jobs, webhooks: Webhooks, clock: Clock, describe: Describe, *, allowed: Allowed
    ) -> None:
        self._webhooks, self._clock = webhooks, clock
        self._followed: dict[str, asyncio.Task[None]] = {}
        posts = _Posts(webhooks, clock, allowed)
        self._following = _Following(jobs, webhooks, clock, describe, posts)

    async def run(self) -> None:
        """Tells for ever."""
        try:
            async with task_group() as group:
                group.create_task(self._keep())
                while True:
                    try:
                        await self._take_up(group)
                    except PollerError as error:
                        log.warning("webhooks.not_known", reason=str(error))
                    await self._webhooks.stirred(LOOK_SECONDS)
                    await self._clock.sleep(SETTLE_SECONDS)
        finally:
            await asyncio.shield(self._let_go())

    async def _let_go(self) -> None:
        """The rest lapses by itself."""
        try:
            async with asyncio.timeout(2):
                await self._webhooks.let_go(list(self._followed))
        except (PollerError, TimeoutError):
            log.warning("webhooks.not_let_go", jobs=len(self._followed))

    async def _keep(self) -> None:
        while True:
            await self._clock.sleep(KEEP_SECONDS)
            try:
                await self._webhooks.keep(list(self._followed))
            except PollerError as error:
                log.warning("webhooks.not_kept", reason=str(error))

    async def _take_up(self, group: asyncio.TaskGroup) -> None:
        owed = await self._webhooks.owed(self._followed.keys())
        for job_id in owed[: MOST_FOLLOWED - len(self._followed)]:
            if await self._webhooks.hold(job_id):
                self._followed[job_id] = group.create_task(self._guarded(job_id))

    async def _guarded(self, job_id: str) -> None:
        """What fails is taken up again later, by whoever comes first."""
        try:
            with faults(log, "webhooks.failed", job=job_id):
                await self._following.follow(job_id)
                if not await self._webhooks.since(job_id):
                    del self._followed[job_id]
                    return
        except PollerError as error:
            if not isinstance(error, Fault):
                log.warning("webhooks.postponed", job=job_id, reason=str(error))
            await self._clock.sleep(LOOK_SECONDS)
        try:
            await self._webhooks.let_go([job_id])
        except PollerError as error:
            log.warning("webhooks.not_let_go", job=job_id, reason=str(error))
        del self._followed[job_id]


class _Following:
    """One job at a time, each to the end of what is owed for it."""

    def __init__(
        self, jobs: Jobs, webhooks: Webhooks, clock: Clock, describe: Describe, posts: _Posts
    ) -> None:
        self._jobs, self._webhooks, self._clock = jobs, webhooks, clock
        self._describe, self._posts = describe, posts

    async def follow(self, job_id: str) -> None:
        try:
            last = await self._to_its_end(job_id)
        except JobNotFound:
            since = await self._webhooks.since(job_id)
            if self._jobs.now() - since > COMING_MS:
                await self._webhooks.settle(job_id, since)
            else:
                await self._clock.sleep(LOOK_SECONDS)
            return
        while True:
            since = await self._webhooks.since(job_id)
            await self._tell_the_end(last)
            if await self._webhooks.settle(job_id, since):
                return

    async def _to_its_end(self, job_id: str) -> JobView:
        told, told_at = JobView(job_id=job_id, state=JobState.QUEUED), float("-inf")
        async with aclosing(self._jobs.watch(job_id)) as views:
            async for view in views:
                if view.state.terminal:
                    break
                if self._clock.monotonic() - told_at >= PROGRESS_SECONDS and await self._tell_progress(
                    told, view
                ):
                    told, told_at = view, self._clock.monotonic()
        return view

    async def _tell_progress(self, told: JobView, view: JobView) -> bool:
        """Once: what follows says more. False where there is nothing to tell."""
        caller = await self._jobs.caller(view.job_id)
        event = outgoing.changed(told, view, caller.context, now=self._jobs.now())
        if event is None or not caller.webhooks:
            return False
        notice = Notice(
            id=f"{view.job_id}.{view.current_progress}.{len(view.log)}",
            at=self._jobs.now(),
            task=outgoing.task_of(view, caller.context),
            event=StreamResponse(status_update=event),
        )
        async with task_group() as group:
            for webhook in caller.webhooks:
                group.create_task(self._posts.attempt(view.job_id, webhook, notice, 1))
        return True

    async def _tell_the_end(self, view: JobView) -> None:
        caller = await self._jobs.caller(view.job_id)
        waiting = [each for each in caller.webhooks if not each.told or view.ended_at not in (0, each.told)]
        if not waiting:
            return
        task = await self._describe(view)
        if task.ByteSize() > _LARGEST_WHOLE:
            task.ClearField("artifacts")
        at = view.ended_at or self._jobs.now()
        notice = Notice(id=f"{view.job_id}.{at}", at=at, task=task, event=StreamResponse(task=task))
        async with task_group() as group:
            for webhook in waiting:
                group.create_task(self._posts.insist(view.job_id, webhook, notice))


class _Posts:
    """Attempts at telling one webhook, some of them at once."""

    def __init__(self, webhooks: Webhooks, clock: Clock, allowed: Allowed) -> None:
        self._webhooks, self._clock, self._allowed = webhooks, clock, allowed
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def insist(self, job_id: str, webhook: Webhook, notice: Notice) -> None:
        for attempt in range(1, MOST_ATTEMPTS + 1):
            if attempt > 1:
                await self._clock.sleep(pause(attempt, random.random()))
            if await self.attempt(job_id, webhook, notice, attempt):
                await self._webhooks.told(job_id, webhook.id, notice.at)
                return
        log.error("webhook.given_up", job=job_id, webhook=webhook.id, attempts=MOST_ATTEMPTS)
        await self._webhooks.told(job_id, webhook.id, notice.at)

    async def attempt(self, job_id: str, webhook: Webhook, notice: Notice, attempt: int) -> bool:
        """Whether it was acknowledged."""
        try:
            async with self._at_once:
                await post(posted(webhook, notice), self._allowed)
        except (NotAllowed, NotDelivered) as error:
            log.warning(
                "webhook.not_told", job=job_id, webhook=webhook.id, attempt=attempt, reason=str(error)
            )
            return False
        log.info("webhook.told", job=job_id, webhook=webhook.id, attempt=attempt, notice=notice.id)
        return True


def pause(attempt: int, chance: float) -> float:
    """Seconds before the second attempt and each later one; `chance`, 0 to 1, parts those that failed together."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (attempt - 2)) * (0.5 + 0.5 * chance)


def posted(webhook: Webhook, notice: Notice) -> Post:
    """In the form of the protocol's version; signed as Standard Webhooks has it where the caller gave a token, which is the key."""
    whole = webhook.protocol != "0.3"
    value = (
        MessageToDict(notice.event)
        if whole
        else to_compat_task(notice.task).model_dump(mode="json", by_alias=True, exclude_none=True)
    )
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/a2a+json" if whole else "application/json",
        "User-Agent": "eventstorming",
        "A2A-Version": webhook.protocol,
        "webhook-id": notice.id,
        "webhook-timestamp": str(notice.at // 1000),
    }
    secrets = {}
    if webhook.token:
        secrets["X-A2A-Notification-Token"] = webhook.token
        headers["webhook-signature"] = _signature(
            webhook.token, headers["webhook-id"], headers["webhook-timestamp"], body
        )
    if webhook.scheme and webhook.credentials:
        secrets["Authorization"] = f"{webhook.scheme} {webhook.credentials}"
    return Post(url=webhook.url, body=body, headers=headers, secrets=secrets)


def _signature(key: str, webhook_id: str, timestamp: str, body: bytes) -> str:
    signed = hmac.new(key.encode(), f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed.digest()).decode()}"
