"""An event loop of virtual time that several simulated processes share: each can be frozen, or dead for good.

Time stands still while anything can run and jumps to the next timer when nothing can. The order within a process is
asyncio's; which process has its turn is the seed's choice.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import random
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, cast

RESOLUTION = 2e-6
"""Seconds between asking for a timer and its ringing, at least."""


class Process:
    """One life of a process. What runs in its context is its own; a new life is a new object."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.frozen = False
        self.context = contextvars.copy_context()
        self.context.run(_PROCESS.set, self)
        self.tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self.parked: deque[asyncio.Handle] = deque()


_PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


def current() -> Process | None:
    """The process that runs now; None: the world itself."""
    return _PROCESS.get()


class Task(asyncio.Task[Any]):
    """Hashes by `serial`, not by its address: a set of tasks, as a TaskGroup that ends holds one, has one order in every run."""

    def __init__(self, serial: int, coro: Any, **given: Any) -> None:
        self._serial = serial  # it is put into a first set before it is whole
        super().__init__(coro, **given)

    def __hash__(self) -> int:
        return self._serial


class Ready:
    """Handles by process, first in first out; the dead's are dropped, the frozen's wait."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._queues: dict[Process | None, deque[asyncio.Handle]] = {}

    def __bool__(self) -> bool:
        return bool(self._queues)

    def append(self, handle: asyncio.Handle) -> None:
        process = cast(Any, handle)._context.get(_PROCESS)
        if process is not None and not process.alive:
            return
        if process is not None and process.frozen:
            process.parked.append(handle)
        elif queue := self._queues.get(process):
            queue.append(handle)
        else:
            self._queues[process] = deque((handle,))

    def popleft(self) -> asyncio.Handle:
        """Of a process of the seed's choice."""
        keys = list(self._queues)
        process = keys[0] if len(keys) == 1 else keys[int(self._chance.random() * len(keys))]
        queue = self._queues[process]
        handle = queue.popleft()
        if not queue:
            del self._queues[process]
        return handle

    def clear(self) -> None:
        self._queues.clear()

    def stop(self, process: Process) -> deque[asyncio.Handle]:
        """Takes out what waits for its turn."""
        return self._queues.pop(process, deque())


class Loop(asyncio.BaseEventLoop):
    """`chance` decides which process goes on. There is no outside: no socket, no thread, no signal wakes it."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._ready: Any = Ready(chance)
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._made = self._tasks = 0
        self._now = 0.0
        self.ended = False

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        """One handle; where there is none, time jumps to the next timer."""
        ready, timers = self._ready, self._timers
        if not ready:
            while timers[0][2]._cancelled:  # type: ignore[attr-defined]
                heapq.heappop(timers)
            self._now = timers[0][0]
        while timers and timers[0][0] <= self._now:
            ready.append(heapq.heappop(timers)[2])
        if ready:
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        """Nothing runs after the end: what is collected then has no last word either."""
        handle = asyncio.Handle(callback, args, self, context)
        if not self.ended:
            self._ready.append(handle)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        """Time passes before it is due, or a rounding error would wait for ever."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._made += 1
        if not self.ended:
            heapq.heappush(self._timers, (max(when, self._now + RESOLUTION), self._made, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time comes."""

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""

    def _check_closed(self) -> None:
        """What is collected after the end may still speak to its loop."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """A worker thread, as far as the caller can tell: its result comes a little later."""
        future = self.create_future()

        def work() -> None:
            if future.done():
                return
            try:
                future.set_result(func(*args))
            except Exception as error:  # noqa: BLE001 (carried to the waiting task)
                future.set_exception(error)

        self.call_later(0.005, work)
        return future

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> asyncio.Task[Any]:
        self._tasks += 1
        task = Task(self._tasks, coro, loop=self, name=name, context=context)
        if process := (context or contextvars.copy_context()).get(_PROCESS):
            process.tasks.add(task)
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # the killed leave theirs behind
        return task

    def start(self, process: Process, work: Any) -> asyncio.Task[Any]:
        return self.create_task(work, name=process.name, context=process.context.copy())

    def kill(self, process: Process) -> None:
        """Nothing of it runs ever again: no clean-up, no last word."""
        process.alive = False
        process.parked.clear()
        self._ready.stop(process)

    def freeze(self, process: Process) -> None:
        process.frozen = True
        process.parked.extend(self._ready.stop(process))

    def thaw(self, process: Process) -> None:
        process.frozen = False
        parked, process.parked = process.parked, deque()
        for handle in parked:
            self._ready.append(handle)
