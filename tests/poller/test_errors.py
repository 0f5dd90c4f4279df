"""The boundary of what goes on whatever happens: a fault is logged there and told as one; what is known passes."""

from __future__ import annotations

import asyncio

import pytest
import structlog
from structlog.testing import capture_logs

from poller.errors import Fault, Transient, faults
from poller.requests import Violation

log = structlog.get_logger()


def test_a_fault_is_logged_once_and_told_without_a_word_of_it() -> None:
    with capture_logs() as logs, pytest.raises(Fault) as told, faults(log, "jobs.trouble", job="j1"):
        raise KeyError("a secret")
    assert str(told.value) == "A fault of ours; the log has it."
    [line] = logs
    assert (line["event"], line["error"], line["job"], line["exc_info"]) == (
        "jobs.trouble",
        "KeyError",
        "j1",
        True,
    )


@pytest.mark.parametrize("known", [Transient("away"), Violation("input", "is missing")])
def test_what_is_known_passes_as_it_is(known: Exception) -> None:
    with (
        capture_logs() as logs,
        pytest.raises(type(known)) as raised,
        faults(log, "rpc.failed", known=(Violation,)),
    ):
        raise known
    assert raised.value is known
    assert not logs


def test_a_cancelled_call_is_no_fault() -> None:
    with capture_logs() as logs, pytest.raises(asyncio.CancelledError), faults(log, "rpc.failed"):
        raise asyncio.CancelledError
    assert not logs
