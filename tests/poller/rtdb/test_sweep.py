"""Sweeps in virtual time, without a network: when they come, what they read, and what they make of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from structlog.testing import capture_logs

from poller.errors import Permanent, Transient
from poller.rtdb.queue_copy import Copy
from poller.rtdb.queue_watch import QueueWatch, WatchedNode
from poller.rtdb.stream import Change
from tests.poller.rtdb.missed import Missed
from tests.virtual import VirtualClock, virtual

PATH = "queue"


@dataclass
class Database:
    """One node, as its stream tells it and as it is; `asked` says what was read when."""

    value: dict[str, Any]
    etag: str = "e1"
    last_byte_age: float = 0.0
    asked: list[tuple[float, str]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    told: asyncio.Queue[Change | Exception] = field(default_factory=asyncio.Queue)

    @property
    def streams(self) -> Database:
        return self

    async def watch(self, path: str) -> AsyncGenerator[Change, None]:
        self._note(f"watch {path}")
        while True:
            match await self.told.get():
                case Exception() as refused:
                    raise refused
                case change:
                    yield change

    async def get_with_etag(self, path: str) -> tuple[Any, str]:
        self._note(f"whole {path}")
        return dict(self.value), self.etag

    async def get_if_changed(self, path: str, etag: str) -> tuple[Any, str] | None:
        self._note(f"changed {path} {etag}")
        return None if etag == self.etag else (dict(self.value), self.etag)

    async def get(self, path: str) -> Any:
        self._note(path)
        return self.value.get(path.removeprefix(f"{PATH}/"))

    def _note(self, what: str) -> None:
        self.asked.append((asyncio.get_running_loop().time(), what))
        if self.faults and not what.startswith("watch"):
            raise self.faults.pop(0)

    def tell(self, value: Any, *path: str, kind: Any = "put") -> None:
        self.told.put_nowait(Change(kind=kind, path=path, value=value))


class Watched:
    """A node that is watched, from its first snapshot on; what its copy shows, and what sweeps told of it."""

    def __init__(self, **value: Any) -> None:
        self.database = Database(value)
        self.metrics = Missed()
        self.copy = Copy()
        self.node = WatchedNode(PATH, self.copy, self.copy.apply)
        writer: Any = SimpleNamespace(
            database=self.database, clock=VirtualClock(), metrics=self.metrics, chance=lambda: 0.5
        )
        self._watch = QueueWatch(writer, [self.node])

    async def __aenter__(self) -> Watched:
        self._task = asyncio.create_task(self._watch.run())
        if self.database.value:
            self.database.tell(dict(self.database.value), kind="snapshot")
        await VirtualClock().sleep(0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def reads(self) -> list[tuple[float, str]]:
        """Since the last time."""
        found = [(round(at, 1), what) for at, what in self.database.asked if not what.startswith("watch")]
        self.database.asked.clear()
        return found


@virtual
async def test_what_a_stream_missed_is_told_logged_by_kind_and_counted() -> None:
    async with Watched(changed=1, gone=1, same=1) as watched:
        watched.database.value = {"new": 1, "changed": 2, "same": 1}
        with capture_logs() as logs:
            await asyncio.sleep(306)
        kinds = [(line["job"], line["what"]) for line in logs if line["event"] == "queue.stream_missed"]
        assert kinds == [("changed", "changed"), ("gone", "gone"), ("new", "new")]
        assert watched.copy.names() == {"new", "changed", "same"}
        assert watched.metrics.count == 3
        read = [(300.0, "whole queue"), *((305.0, f"queue/{name}") for name in ("changed", "gone", "new"))]
        assert watched.reads() == read


@virtual
async def test_what_the_stream_tells_while_a_sweep_is_patient_was_not_missed() -> None:
    async with Watched(late=1) as watched:
        watched.database.value = {"late": 2}
        await asyncio.sleep(302)
        watched.database.tell(2, "late")
        await asyncio.sleep(10)
        assert watched.reads() == [(300.0, "whole queue")]
        assert watched.metrics.count == 0


@virtual
async def test_what_is_as_the_copy_shows_it_when_looked_at_again_was_not_missed() -> None:
    async with Watched(back=1) as watched:
        watched.database.value = {"back": 2}
        await asyncio.sleep(302)
        watched.database.value = {"back": 1}
        await asyncio.sleep(10)
        assert watched.reads() == [(300.0, "whole queue"), (305.0, "queue/back")]
        assert watched.metrics.count == 0


@virtual
async def test_what_did_not_change_is_not_sent_again() -> None:
    async with Watched(same=1) as watched:
        await asyncio.sleep(601)
        assert watched.reads() == [(300.0, "whole queue"), (600.0, "changed queue e1")]
        watched.database.tell(2, "same")
        watched.database.value = {"same": 2}
        await asyncio.sleep(300)
        assert watched.reads() == [(900.0, "whole queue")]


@virtual
async def test_a_reconnect_and_a_silence_bring_a_sweep_at_once() -> None:
    async with Watched(same=1) as watched:
        watched.database.tell({"same": 1}, kind="snapshot")
        await asyncio.sleep(1)
        assert watched.reads() == [(0.1, "whole queue")]
        watched.database.last_byte_age = 1e9
        await asyncio.sleep(46)
        assert watched.reads() == [(45.1, "changed queue e1")]
        watched.database.last_byte_age = 10
        await asyncio.sleep(45)
        assert watched.reads() == []


@virtual
async def test_nothing_is_swept_before_the_stream_has_told_what_there_is() -> None:
    async with Watched() as watched:
        await asyncio.sleep(301)
        assert watched.reads() == []
        watched.database.tell({"first": 1}, kind="snapshot")
        await asyncio.sleep(298)
        assert watched.reads() == []


@virtual
async def test_a_sweep_that_fails_is_tried_again_in_its_turn() -> None:
    async with Watched(same=1) as watched:
        watched.database.faults = [Transient("away")]
        with capture_logs() as logs:
            await asyncio.sleep(601)
        assert watched.reads() == [(300.0, "whole queue"), (600.0, "whole queue")]
        (line,) = logs
        assert (line["event"], line["node"], line["reason"]) == ("queue.sweep_failed", PATH, "away")


@virtual
async def test_a_refused_stream_is_asked_for_again_and_says_its_trouble_once() -> None:
    async with Watched() as watched:
        watched.database.asked.clear()
        with capture_logs() as logs:
            for _ in range(6):
                watched.database.told.put_nowait(Permanent("the rules forbid it"))
            await asyncio.sleep(60)
        assert [line["reason"] for line in logs if line["event"] == "queue.not_followed"] == [
            "the rules forbid it"
        ]
        assert watched.node.trouble == "the rules forbid it"
        pauses = [round(at, 1) for at, what in watched.database.asked]
        assert pauses == sorted(pauses)
        assert len(pauses) == 6
        assert pauses[-1] - pauses[-2] > pauses[1] - pauses[0]
        watched.database.tell({}, kind="snapshot")
        await asyncio.sleep(1)
        assert watched.node.trouble == ""
