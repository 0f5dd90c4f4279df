"""A TaskGroup whose failure is one plain error, so that callers can say `except LeaseLost`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from poller.errors import LeaseLost


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """Raises the gravest of the group's errors: a lost lease before all others, else the first."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failures:
        raise gravest(failures) from failures


def gravest(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    leaves = list(_leaves(failures))
    return next((leaf for leaf in leaves if isinstance(leaf, LeaseLost)), leaves[0])


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for inner in error.exceptions:
        yield from _leaves(inner)
