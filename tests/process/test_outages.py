"""An outage is told in time, seldom enough, and at its end."""

from __future__ import annotations

import asyncio
from typing import Any

from structlog.testing import capture_logs

from process.outages import watch
from tests.virtual import virtual


async def told(*, seconds: float, ends: float) -> list[dict[str, Any]]:
    loop = asyncio.get_running_loop()
    with capture_logs() as logs:
        watching = asyncio.create_task(
            watch({"database": lambda: "it is silent" if loop.time() < ends else "", "executors": lambda: ""})
        )
        await asyncio.sleep(seconds)
        watching.cancel()
    return list(logs)


@virtual
async def test_an_outage_is_told_within_seconds_again_at_widening_intervals_and_when_it_is_over() -> None:
    logs = await told(seconds=120, ends=100)
    assert [line["seconds"] for line in logs] == [5, 10, 20, 40, 80, 100]
    assert [line["event"] for line in logs] == ["outage.lasts"] * 5 + ["outage.over"]
    assert logs[0] == {
        "event": "outage.lasts",
        "log_level": "warning",
        "of": "database",
        "reason": "it is silent",
        "seconds": 5,
    }
    assert logs[-1]["log_level"] == "info"


@virtual
async def test_a_long_outage_is_told_every_ten_minutes() -> None:
    logs = await told(seconds=7200, ends=9999)
    assert [line["seconds"] for line in logs[-2:]] == [logs[-1]["seconds"] - 600, logs[-1]["seconds"]]


@virtual
async def test_a_moment_is_not_worth_a_word() -> None:
    assert await told(seconds=20, ends=4) == []
