"""Every fault of the database at every moment of a job: it ends as it would have, and nothing is asked twice or left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from poller.errors import Transient
from poller.ports import WrongState
from tests.fakes import Conversation, eventually, scripted_executor, small_model
from tests.poller.lifecycle import Poller, World, new_id, world

Strike = Callable[[World], None]
_LASTS = 0.4


def _faults(**changes: Any) -> Strike:
    """Sets them, and takes them back after a moment."""

    def strike(rtdb: World) -> None:
        rtdb.rtdb.faults.change({**changes, "agent": "(poller-a)"})
        asyncio.get_running_loop().call_later(_LASTS, rtdb.rtdb.faults.reset)

    return strike


FAULTS: dict[str, Strike] = {
    "away": _faults(errors=-1),
    "some errors": _faults(errors=5, error_status=500),
    "too many requests": _faults(errors=3, error_status=429, retry_after=1),
    "conflicts": _faults(conflicts=4),
    "lost replies": _faults(drop_replies=3),
    "frozen": _faults(frozen=True),
    "slow": _faults(delay_ms=150),
    "streams cut": lambda rtdb: _ended(rtdb, "cut"),
    "streams ended": lambda rtdb: _ended(rtdb, "end"),
    "token revoked": lambda rtdb: _ended(rtdb, "revoke"),
}


def _ended(rtdb: World, how: str) -> None:
    rtdb.rtdb.app.end_streams(how)


class Moments:
    """A job whose script stops for the fault at its moment. `run` gives back how often its questions were asked."""

    def __init__(self, rtdb: World, strike: Strike, moment: str) -> None:
        self._rtdb, self._strike, self._wanted = rtdb, strike, moment
        self._struck = False
        self.asked: list[str] = []

    def at(self, moment: str) -> None:
        if moment == self._wanted and not self._struck:
            self._struck = True
            self._strike(self._rtdb)

    async def script(self, talk: Conversation) -> None:
        self.at("begun")
        await talk.progress(2)
        for key in ("q1", "q2"):
            if key not in talk.recalled:
                self.asked.append(key)
            await talk.ask(key)
            self.at(f"after {key}")
        await talk.snapshot(small_model())
        await talk.say("found", "found")
        self.at("before the end")
        if self._wanted in _UNENDING:
            await asyncio.Event().wait()
        await talk.complete(small_model())

    async def live(self) -> None:
        job = new_id()
        async with scripted_executor(self.script) as executor, self._rtdb.poller(executor.port) as poller:
            await poller.attached(executor.slots)
            await self._rtdb.create(job)
            self.at("submitted")
            await _UNENDING.get(self._wanted, _completed)(self, poller, job)
            assert await self._rtdb.entry(job) is None
            assert self._struck
        assert self.asked == ["q1", "q2"]
        assert [talk.epoch for talk in executor.runs] == [1]

    async def until_shown(self, job: str) -> None:
        async def shown() -> bool:
            return bool((await self._rtdb.outputs(job)).get("logs"))

        await eventually(shown)


async def _completed(moments: Moments, poller: Poller, job: str) -> None:
    outputs = await moments._rtdb.ended(job, seconds=30)
    assert (outputs["isCompleted"], outputs["isFailed"], outputs["currentProgressCount"]) == (True, False, 11)
    assert len(outputs["esValue"]["elements"]) == 5
    assert [line["message"] for line in outputs["logs"]] == ["found"]


async def _removed(moments: Moments, poller: Poller, job: str) -> None:
    await moments.until_shown(job)
    await moments._rtdb.ask_removal(job)
    moments.at("removed")
    await moments._rtdb.gone(job)


async def _cancelled(moments: Moments, poller: Poller, job: str) -> None:
    await moments.until_shown(job)
    moments.at("cancelled")
    await _cancel(poller, job)
    outputs = await moments._rtdb.ended(job, "isFailed", seconds=30)
    assert not outputs["isCompleted"]


async def _cancel(poller: Poller, job: str) -> None:
    """An operator tries again when the answer is that the database is away."""
    while True:
        try:
            await poller.queue.cancel(job, by="operator")
        except Transient:
            continue
        except WrongState:
            return  # it was done, and only the answer did not come
        return


_UNENDING: dict[str, Callable[[Moments, Poller, str], Awaitable[None]]] = {
    "removed": _removed,
    "cancelled": _cancelled,
}
MOMENTS = ("submitted", "begun", "after q1", "after q2", "before the end", *_UNENDING)


_LAST_FOR_SECONDS = {"away", "some errors", "too many requests", "lost replies"}


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, marks=pytest.mark.heavy if fault in _LAST_FOR_SECONDS else ()) for fault in FAULTS],
)
async def test_a_job_ends_as_it_should_whenever_the_database_is_in_trouble(fault: str) -> None:
    async def at(moment: str) -> None:
        async with world() as rtdb:
            await Moments(rtdb, FAULTS[fault], moment).live()

    async with asyncio.TaskGroup() as group:
        for moment in MOMENTS:
            group.create_task(at(moment), name=moment)
