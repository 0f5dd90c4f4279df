"""What the database keeps of answers, ends and log lines, to the character."""

from __future__ import annotations

import json
from typing import Any

import pytest
from eventstorming.v1 import model_pb2
from eventstorming.v1.executor_pb2 import JournalEntry

from poller.job import LogLevel, LogLine
from poller.rtdb.endings import completion, failure
from poller.rtdb.journal import entry_text, read_entry
from poller.rtdb.names import SERVER_TIME
from poller.rtdb.stored import StoredJob


def test_a_completed_job_has_its_model_as_it_is_typed_and_what_it_cost() -> None:
    model = model_pb2.EventStormingModel()
    model.bounded_contexts.add(name="Ordering", alias="주문")
    assert completion(model, total=11, tokens_used=7, now=1500) == {
        "state/outputs/currentProgressCount": 11,
        "state/outputs/totalProgressCount": 11,
        "state/outputs/isFailed": False,
        "state/outputs/lastCompletedRootGraphNode": "complete",
        "state/outputs/lastCompletedSubGraphNode": "complete",
        "lastUpdated": 1.5,
        "run/model": '{"bounded_contexts":[{"name":"Ordering","alias":"주문"}]}',
        "run/tokens": 7,
        "run/endedAt": SERVER_TIME,
    }


def test_a_failed_job_says_why_and_that_it_was_cancelled_only_if_it_was() -> None:
    end = failure("이유", now=1500)
    assert end == {
        "state/outputs/isFailed": True,
        "state/outputs/isCompleted": False,
        "run/endedAt": SERVER_TIME,
        "run/failure": "이유",
        "lastUpdated": 1.5,
    }
    assert failure("이유", now=1500, cancelled=True) == end | {"run/cancelled": True}


@pytest.mark.parametrize(
    ("kept", "stored"),
    [
        ({"value": "가", "tokens": 3}, '{"value":"가","tokens":3}'),
        ({"value": "a", "unusable": True}, '{"value":"a","tokens":0,"unusable":true}'),
        ({"value": "a", "borrowed": True}, '{"value":"a","tokens":0,"borrowed":true}'),
    ],
)
def test_an_answer_is_kept_in_few_bytes_and_read_again(kept: dict[str, Any], stored: str) -> None:
    entry = JournalEntry(key="k", **kept)
    assert entry_text(entry) == stored
    assert read_entry("k", stored) == entry


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        (
            {"created_at": "2026-01-02T03:04:05.678+00:00", "level": "error", "message": "m"},
            LogLine(level=LogLevel.ERROR, message="m", created_at=1_767_323_045_678),
        ),
        (
            {"created_at": "yesterday", "level": "error", "message": "m"},
            LogLine(level=LogLevel.INFO, message="m"),
        ),
        (
            {"created_at": "2026-01-02T03:04:05+00:00", "level": "loud"},
            LogLine(level=LogLevel.INFO, message=""),
        ),
    ],
)
def test_a_line_of_the_log_is_read_with_its_time_in_milliseconds(line: dict[str, str], seen: LogLine) -> None:
    stored = json.loads(json.dumps({"state": {"outputs": {"logs": {"0": line}}}}))
    assert StoredJob.of(stored).log == (seen,)
