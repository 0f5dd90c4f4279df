"""Counts the frames of the Execute streams in a poller under test, both ways, and kills at a chosen one.

The order is a file: `{"at": 17, "victims": [pid, …]}`, taken by the next run that starts. Beats and their echoes are not
counted: how many there are depends on the clock. What passed is written to `<file>.seen`, one name a line.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from poller.executors import GrpcPlacement


class _Counter:
    def __init__(self, order: Path) -> None:
        self._order = order
        self._seen = order.with_suffix(".seen")
        self._at = self._passed = 0
        self._victims: list[int] = []

    def passed(self, way: str, frame: Any) -> None:
        name = str(frame.WhichOneof("frame"))
        if name == "start" and self._order.exists():
            order = json.loads(self._order.read_text("utf-8"))
            self._order.unlink()
            self._at, self._victims, self._passed = order["at"], order["victims"], 0
        if name in ("beat", "beat_echo"):
            return
        self._passed += 1
        with self._seen.open("a", encoding="utf-8") as seen:
            seen.write(f"{way} {name}\n")
        if self._passed == self._at:
            for victim in sorted(self._victims, key=lambda pid: pid == os.getpid()):
                os.kill(victim, signal.SIGKILL)


class _Counted:
    def __init__(self, frames: AsyncIterator[Any], counter: _Counter) -> None:
        self._frames, self._counter = frames, counter

    def __aiter__(self) -> _Counted:
        return self

    async def __anext__(self) -> Any:
        frame = await anext(self._frames)
        self._counter.passed("to", frame)
        return frame


def count(order: Path) -> None:
    """From now on in this process."""
    counter, execute = _Counter(order), GrpcPlacement.execute

    async def counted(self: GrpcPlacement, frames: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        async with aclosing(execute(self, _Counted(frames, counter))) as answers:
            async for frame in answers:
                counter.passed("from", frame)
                yield frame

    setattr(GrpcPlacement, "execute", counted)  # noqa: B010
