"""An event loop of virtual time that several simulated processes share: each can be frozen, or dead for good.

Time is async-solipsism's: it stands still while anything can run and jumps to the next timer when nothing can. What is
ours is who runs next: the order within a process is asyncio's, which process has its turn is the seed's choice.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import async_solipsism


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


class _Nothing:
    """Stands in for a handle that must not run any more."""

    _cancelled = True


class Ready:
    """What `asyncio` keeps in `_ready`: handles by process, first in first out; the dead's are dropped, the frozen's wait."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._queues: dict[Process | None, deque[asyncio.Handle]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, handle: asyncio.Handle) -> None:
        process = cast(Any, handle)._context.get(_PROCESS)
        if process is not None and not process.alive:
            return
        if process is not None and process.frozen:
            process.parked.append(handle)
            return
        self._queues.setdefault(process, deque()).append(handle)
        self._size += 1

    def popleft(self) -> Any:
        if not self._size:
            return _Nothing()
        keys = list(self._queues)
        process = keys[0] if len(keys) == 1 else keys[int(self._chance.random() * len(keys))]
        queue = self._queues[process]
        handle = queue.popleft()
        if not queue:
            del self._queues[process]
        self._size -= 1
        return handle

    def clear(self) -> None:
        self._queues.clear()
        self._size = 0

    def stop(self, process: Process) -> deque[asyncio.Handle]:
        """Takes out what waits for its turn."""
        queue = self._queues.pop(process, deque())
        self._size -= len(queue)
        return queue


class Loop(async_solipsism.EventLoop):
    """`chance` decides which process goes on."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._ready = Ready(chance)
        self.ended = False

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        """Nothing runs after the end: what is collected then has no last word either."""
        if self.ended:
            return asyncio.Handle(callback, args, self, context)
        return super().call_soon(callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        if self.ended:
            return asyncio.TimerHandle(when, callback, args, self, context)
        later = max(
            when, self.time() + 2 * self._clock_resolution
        )  # time must pass, or a rounding error waits for ever
        return super().call_at(later, callback, *args, context=context)

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
        task: asyncio.Task[Any] = super().create_task(coro, name=name, context=context)
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
