"""Of several errors at once one is raised, with its own cause, and the others are logged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from structlog.testing import capture_logs

from poller.errors import LeaseLost, Transient
from process.tasks import task_group


async def failing(error: Exception, cause: Exception | None = None) -> None:
    raise error from cause


async def grouped(*work: Awaitable[Any], **known: object) -> None:
    async with task_group(**known) as group:
        for one in work[1:]:
            group.create_task(one)  # type: ignore[arg-type]  # they are coroutines
        await work[0]


async def test_the_gravest_is_raised_with_its_cause_and_the_others_are_logged_once_with_the_job() -> None:
    lost, cause, fault = LeaseLost("lost"), OSError("gone"), KeyError("fault")
    several = failing(ExceptionGroup("several", [fault]))
    work = (asyncio.Event().wait(), failing(Transient("away")), failing(lost, cause), several)
    with capture_logs() as logs, pytest.raises(LeaseLost) as raised:
        await grouped(*work, job="j-1")
    assert raised.value is lost
    assert raised.value.__cause__ is cause
    assert logs == [
        {"event": "task.ended_too", "log_level": "info", "kind": "Transient", "job": "j-1"},
        {"event": "task.broken", "log_level": "error", "exc_info": fault, "job": "j-1"},
    ]


async def test_without_a_gravest_it_is_the_first() -> None:
    with capture_logs() as logs, pytest.raises(Transient, match="first"):
        await grouped(asyncio.Event().wait(), failing(Transient("first")), failing(Transient("second")))
    assert [line["event"] for line in logs] == ["task.ended_too"]


async def test_what_the_owner_of_the_group_raises_is_raised_as_it_is() -> None:
    with capture_logs() as logs, pytest.raises(Transient, match="owner"):
        await grouped(failing(Transient("owner")), asyncio.Event().wait())
    assert logs == []
