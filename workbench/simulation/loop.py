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
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, TypeVarTuple

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")
_Context = contextvars.Context | None

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
        self.ready: deque[Handle] = deque()
        """What waits for its turn, first in first out."""
        self._tasks: list[weakref.ref[Task]] = []

    def owns(self, task: Task) -> None:
        self._tasks.append(weakref.ref(task))
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # who is killed leaves it behind

    @property
    def tasks(self) -> Iterator[Task]:
        """Those that somebody still holds."""
        return (task for held in self._tasks if (task := held()))


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


class Handle:
    """What is to be called; None once cancelled. As little as asyncio asks of one: a seed makes thousands."""

    __slots__ = ("args", "callback", "context")

    def __init__(
        self, callback: Callable[..., Any], args: tuple[Any, ...], context: contextvars.Context
    ) -> None:
        self.callback: Callable[..., Any] | None = callback
        self.args = args
        self.context = context

    def cancel(self) -> None:
        self.callback, self.args = None, ()

    def cancelled(self) -> bool:
        return self.callback is None


class Loop(asyncio.BaseEventLoop):
    """`chance` decides which process goes on. There is no outside: no socket, no thread, no signal wakes it."""

    _stopping: bool

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance
        self._turns: list[Process] = []
        """Whom chance may choose: who is not frozen and has something ready."""
        self._world = Process("world")
        self._timers: list[tuple[float, int, Handle]] = []
        self._made = self._tasks = 0
        self.now = 0.0
        self.ended = False

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        """Until it is stopped. Where nothing can run, time jumps to the next timer."""
        turns, timers, chance = self._turns, self._timers, self._chance.random
        while not self._stopping:
            if not turns:
                self._pass_time(timers)
                continue
            at = int(chance() * len(turns)) if len(turns) > 1 else 0
            ready = turns[at].ready
            handle = ready.popleft()
            if not ready:
                del turns[at]
            if handle.callback is None:
                continue
            try:
                handle.context.run(handle.callback, *handle.args)
            except Exception as error:  # noqa: BLE001 (as asyncio does)
                said = f"Exception in callback {handle.callback}"
                self.call_exception_handler({"message": said, "exception": error})

    def _pass_time(self, timers: list[tuple[float, int, Handle]]) -> None:
        while timers[0][2].callback is None:
            heapq.heappop(timers)
        self.now = timers[0][0]
        while timers and timers[0][0] <= self.now:
            self._put(heapq.heappop(timers)[2])

    def _put(self, handle: Handle) -> None:
        """In line; the dead's are dropped, the frozen's wait."""
        process = handle.context.get(_PROCESS) or self._world
        if process.alive:
            if not process.ready and not process.frozen:
                self._turns.append(process)
            process.ready.append(handle)

    def call_soon(self, callback: Callable[[*_Ts], object], *args: *_Ts, context: _Context = None) -> Any:
        """Nothing runs after the end: what is collected then has no last word either."""
        handle = Handle(callback, args, contextvars.copy_context() if context is None else context)
        if not self.ended:
            self._put(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: _Context = None
    ) -> Any:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: _Context = None
    ) -> Any:
        """Time passes before it is due, or a rounding error would wait for ever."""
        handle = Handle(callback, args, contextvars.copy_context() if context is None else context)
        self._made += 1
        if not self.ended:
            soonest = self.now + RESOLUTION
            heapq.heappush(self._timers, (when if when > soonest else soonest, self._made, handle))
        return handle

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""

    def _check_closed(self) -> None:
        """What is collected after the end may still speak to its loop."""

    def run_in_executor(self, executor: Any, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
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

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Task:
        self._tasks += 1
        task = Task(self._tasks, coro, loop=self, name=name, context=context)
        if process := _PROCESS.get() if context is None else context.get(_PROCESS):
            process.owns(task)
        return task

    def start(self, process: Process, work: Any) -> asyncio.Task[Any]:
        return self.create_task(work, name=process.name, context=process.context.copy())

    def kill(self, process: Process) -> None:
        """Nothing of it runs ever again: no clean-up, no last word."""
        process.alive = False
        process.ready.clear()
        self._stop(process)

    def freeze(self, process: Process) -> None:
        process.frozen = True
        self._stop(process)

    def thaw(self, process: Process) -> None:
        process.frozen = False
        if process.ready:
            self._turns.append(process)

    def _stop(self, process: Process) -> None:
        if process in self._turns:
            self._turns.remove(process)
