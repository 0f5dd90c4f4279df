"""Several reads at once, so that together they take as long as the slowest."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from process.tasks import task_group

Found = TypeVar("Found")


async def at_once(*reads: Coroutine[Any, Any, Found]) -> list[Found]:
    """What each has found, in their order. Raises the gravest of their errors; the others are broken off."""
    async with task_group() as group:
        tasks = [group.create_task(read) for read in reads]
    return [task.result() for task in tasks]
