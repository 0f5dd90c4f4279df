"""Webhooks in the Realtime Database: each below its job's `run/caller`, with which it goes; which jobs owe anybody anything is
`jobWebhooks/<ns>/<job id>`, which holds no secret. Implements the port `Webhooks`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from poller.ports import Caller, JobNotFound, Webhook
from poller.rtdb.answers import Denied
from poller.rtdb.fence import Claimant
from poller.rtdb.names import CALLER, SERVER_TIME, STATE, Json, count, members, text
from poller.rtdb.writer import Unchanged, Writer

HELD_MS = 30_000
"""Whoever holds a job's webhooks and is not heard of for so long is gone."""

_WEBHOOKS = "webhooks"
_TRIES = 3


def written(caller: Caller) -> dict[str, Json]:
    """Below `run/caller`."""
    node: dict[str, Json] = {_key(webhook.id): _node(webhook) for webhook in caller.webhooks}
    return {"context": caller.context, _WEBHOOKS: node} if node else {"context": caller.context}


def read(stored: Json) -> Caller:
    """The inverse of `written`; NOBODY where nothing was kept."""
    found = members(stored)
    webhooks = members(found.get(_WEBHOOKS))
    return Caller(
        context=text(found.get("context")),
        webhooks=tuple(_webhook(members(webhooks[key])) for key in sorted(webhooks)),
    )


def _node(webhook: Webhook) -> dict[str, Json]:
    names = ("id", "url", "token", "scheme", "credentials", "protocol", "told")
    return {name: value for name in names if (value := getattr(webhook, name))}


def _webhook(node: dict[str, Json]) -> Webhook:
    names = ("id", "url", "token", "scheme", "credentials", "protocol")
    return Webhook(**{name: text(node.get(name)) for name in names}, told=count(node.get("told")))


def _key(webhook_id: str) -> str:
    """Callers choose ids; not every text can name a node."""
    return hashlib.sha256(webhook_id.encode()).hexdigest()[:20]


class RtdbWebhooks:
    """What this poller holds of it is its own until it is silent for `HELD_MS`."""

    def __init__(self, writer: Writer, claimant: Claimant) -> None:
        self._writer, self._database, self._nodes = writer, writer.database, writer.nodes
        self._owner = claimant.owner
        self._news = asyncio.Event()
        self._etag, self._owed = "", dict[str, Json]()

    # ── whom to tell ─────────────────────────────────────────────────────────────────────────────────────────

    async def owe(self, job_id: str) -> None:
        """From now on; what somebody holds stays theirs."""
        await _update(self._writer, {f"{job_id}/since": SERVER_TIME})
        self._news.set()

    async def add(self, job_id: str, webhook: Webhook) -> None:
        if not await self._database.keys(self._nodes.leaf(job_id, STATE)):
            raise JobNotFound(f"There is no job {job_id}.")
        await self.owe(job_id)
        await _change(self._writer, job_id, webhook.id, lambda _: _node(webhook))

    async def remove(self, job_id: str, webhook_id: str) -> None:
        await _change(self._writer, job_id, webhook_id, lambda _: None)

    async def told(self, job_id: str, webhook_id: str, end: int) -> None:
        def acknowledged(current: Json) -> Json:
            if current is None:
                raise Unchanged  # it went with its job
            return _node(replace(_webhook(members(current)), told=end))

        await _change(self._writer, job_id, webhook_id, acknowledged)

    # ── who tells ────────────────────────────────────────────────────────────────────────────────────────────

    async def owed(self, held: Collection[str]) -> Sequence[str]:
        changed = await self._database.get_if_changed(self._nodes.owed, self._etag)
        if changed is not None:
            found, self._etag = changed
            self._owed = members(found)
        free = [
            job_id
            for job_id, entry in self._owed.items()
            if job_id not in held and _is_free(entry, owner=self._owner, now=self._writer.now())
        ]
        return sorted(free, key=lambda job_id: count(members(self._owed[job_id]).get("since")))

    async def hold(self, job_id: str) -> bool:
        def taken(current: Json) -> Json:
            if current is None or not _is_free(current, owner=self._owner, now=self._writer.now()):
                raise Unchanged
            return {**members(current), "owner": self._owner, "heldAt": SERVER_TIME}

        stored = await self._writer.transact(f"{self._nodes.owed}/{job_id}", taken)
        return text(members(stored).get("owner")) == self._owner

    async def keep(self, held: Collection[str]) -> None:
        await _update(self._writer, {f"{job_id}/heldAt": SERVER_TIME for job_id in held})

    async def let_go(self, held: Collection[str]) -> None:
        await _update(
            self._writer, {f"{job_id}/{leaf}": None for job_id in held for leaf in ("owner", "heldAt")}
        )

    async def since(self, job_id: str) -> int:
        return count(await self._database.get(f"{self._nodes.owed}/{job_id}/since"))

    async def settle(self, job_id: str, since: int) -> bool:
        def settled(current: Json) -> Json:
            if current is None or count(members(current).get("since")) != since:
                raise Unchanged
            return None

        return await self._writer.transact(f"{self._nodes.owed}/{job_id}", settled) is None

    async def stirred(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()


def _is_free(entry: Json, *, owner: str, now: int) -> bool:
    """Nobody's, or of one who is gone: a former life of ours too."""
    entry = members(entry)
    return text(entry.get("owner")) in ("", owner) or now - count(entry.get("heldAt")) > HELD_MS


async def _update(writer: Writer, updates: dict[str, Json]) -> None:
    """Some leaves of what is owed."""
    if updates:
        await writer.budget()
        await writer.patch(writer.nodes.owed, updates)


async def _change(writer: Writer, job_id: str, webhook_id: str, decide: Callable[[Json], Json]) -> None:
    """Where the database has our rules, a job that somebody runs is written under that lease alone, which may pass on."""
    path = f"{writer.nodes.leaf(job_id, CALLER)}/{_WEBHOOKS}/{_key(webhook_id)}"
    for _ in range(_TRIES):
        holder = writer
        if writer.lease_rules:
            holder = writer.under(text(await writer.database.get(f"{writer.nodes.lease(job_id)}/token")))
        with suppress(Denied):
            await holder.transact(path, decide)
            return
    await writer.transact(path, decide)
