"""A TaskGroup whose failure is one plain error, so that callers can say `except LeaseLost`; no other error gets lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import structlog

from process.errors import ProgramError

log = structlog.get_logger("process.tasks")


@asynccontextmanager
async def task_group(**known: object) -> AsyncIterator[asyncio.TaskGroup]:
    """Raises the gravest of the group's errors, and logs the others with what is `known` of the work."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
        return
    except BaseExceptionGroup as failures:
        first = gravest(failures)
        others = [leaf for leaf in _leaves(failures) if leaf is not first]
    for other in others:
        failed_too(other, **known)
    raise first  # out here its own cause stays


def failed_too(error: BaseException, **known: object) -> None:
    """Logs an error that nobody will see because another has ended the work."""
    if isinstance(error, ProgramError):
        log.info("task.ended_too", kind=type(error).__name__, **known)
    else:
        log.error("task.broken", exc_info=error, **known)


def gravest(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one that goes first, else the first."""
    leaves = list(_leaves(failures))
    return next((leaf for leaf in leaves if isinstance(leaf, ProgramError) and leaf.goes_first), leaves[0])


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for inner in error.exceptions:
        yield from _leaves(inner)
