"""What the database keeps of answers, ends and log lines, to the character."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

import pytest
from eventstorming.v1 import job_pb2, model_pb2
from eventstorming.v1.executor_pb2 import JournalEntry

from poller.errors import Permanent
from poller.job import Job, JobState, Lease, LogLevel, LogLine
from poller.msaez import check
from poller.msaez.encoding import encode
from poller.ports import JobView
from poller.rtdb.endings import Canvas, completion, failure, opening, stages
from poller.rtdb.journal import entry_text, read_entry
from poller.rtdb.names import SERVER_TIME
from poller.rtdb.stored import StoredJob, job_view, read_model
from poller.sentences import sentence
from tests.fakes import small_model

JOB = "00000000-0000-0000-0000-000000000001"


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


@pytest.mark.parametrize(
    ("language", "why"),
    [
        (
            model_pb2.LANGUAGE_ENGLISH,
            sentence("invalid_model", model_pb2.LANGUAGE_ENGLISH, finding="The first."),
        ),
        (
            model_pb2.LANGUAGE_KOREAN,
            sentence("invalid_model", model_pb2.LANGUAGE_KOREAN, finding="The first."),
        ),
    ],
)
def test_a_model_that_breaks_a_rule_ends_its_job_with_the_first_finding(
    language: Any, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [SimpleNamespace(sentence="The first."), SimpleNamespace(sentence="The second.")]
    monkeypatch.setattr(check, "findings", lambda *_, **__: found)
    canvas = Canvas(job_pb2.JobInput(job_id=JOB, language=language), JOB, StoredJob.of(None))
    with pytest.raises(Permanent) as raised:
        canvas.finish(model_pb2.EventStormingModel())
    assert str(raised.value) == why
    assert "The first." in why


def linked(*pairs: tuple[str, str], aggregates: int = 1) -> model_pb2.EventStormingModel:
    """Its first aggregate has a second command and event; these commands emit these events."""
    model = small_model(aggregates=aggregates)
    first = model.bounded_contexts[0].aggregates[0]
    first.commands.add(ordinal=2, name="CancelOrder1", alias="Cancel Order1")
    first.events.add(ordinal=2, name="Order1Cancelled", alias="Order1 cancelled").fields.add(
        name="id", type="Long", is_key=True
    )
    for command in first.commands:
        command.emits[:] = [event for name, event in pairs if name == command.name]
    return model


PLACED, CANCELLED = ("PlaceOrder1", "Order1Placed"), ("CancelOrder1", "Order1Cancelled")


def drawn_before(given: job_pb2.JobInput) -> StoredJob:
    """A canvas with two aggregates and a line too many."""
    model = linked(PLACED, CANCELLED, ("PlaceOrder1", "Order1Cancelled"), aggregates=2)
    value = Canvas(given, JOB, StoredJob.of(None)).project(model)
    return StoredJob.of({"state": {"outputs": {"esValue": encode(value.as_json())}}})


def test_a_finished_model_is_drawn_over_what_the_canvas_shows_and_takes_no_sticker_away() -> None:
    """Its commands come in another order now; each has its own sticker all the same."""
    given = job_pb2.JobInput(job_id=JOB)
    stored, model = drawn_before(given), linked(PLACED, CANCELLED)
    place, cancel = model.bounded_contexts[0].aggregates[0].commands
    place.ordinal, cancel.ordinal = 2, 1
    canvas = Canvas(given, JOB, stored)
    assert canvas.finish(model) == ["Order2", "Place Order2", "Order2 placed"]
    drawn = canvas.project(model)
    assert drawn.elements.keys() == stored.elements.keys()
    assert all(drawn.elements[key]["name"] == before["name"] for key, before in stored.elements.items())
    assert canvas.project(model) is drawn
    (line,) = drawn.gone
    assert line in stored.relations
    assert line not in drawn.relations
    assert "Order2" not in str(canvas.project(linked(PLACED, CANCELLED)).elements), "of another model"


def test_a_model_without_what_the_user_asked_for_is_refused() -> None:
    given = job_pb2.JobInput(job_id=JOB, language=model_pb2.LANGUAGE_ENGLISH)
    given.draft.contexts.add(name="Ordering", required_commands=["RefundOrder"])
    canvas = Canvas(given, JOB, StoredJob.of(None))
    with pytest.raises(Permanent, match="RefundOrder of Ordering is missing"):
        canvas.finish(small_model())


def test_a_run_begins_with_what_no_run_before_has_told_and_takes_the_mark_of_a_cleared_canvas_away() -> None:
    """The mark stands where a canvas was emptied: the database drops what is empty."""
    given = job_pb2.JobInput()
    assert stages(given) == 11
    given.draft.SetInParent()
    assert stages(given) == 8
    flags = {"isCompleted": False, "isFailed": False, "currentProgressCount": 4}
    for kind, other in (("elements", "relations"), ("relations", "elements")):
        canvas = {kind: {"@": True}, other: {"a": {"id": "a"}}}
        stored = StoredJob.of({"state": {"outputs": flags | {"esValue": canvas}}, "run": {"startedAt": 5}})
        assert opening(stored, total=8) == {f"state/outputs/esValue/{kind}/@": None}


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
            LogLine(level=LogLevel.ERROR, message="m"),
        ),
        (
            {"created_at": "2026-01-02T03:04:05+00:00", "level": "loud"},
            LogLine(level=LogLevel.INFO, message="", created_at=1_767_323_045_000),
        ),
    ],
)
def test_a_line_of_the_log_is_read_with_its_time_in_milliseconds(line: dict[str, str], seen: LogLine) -> None:
    stored = json.loads(json.dumps({"state": {"outputs": {"logs": {"0": line}}}}))
    assert StoredJob.of(stored).log == (seen,)


# ── a whole job ──────────────────────────────────────────────────────────────────────────────────────────────────────

WHOLE: Any = {
    "state": {
        "inputs": {"requirements": "A customer orders."},
        "outputs": {
            "isCompleted": False,
            "isFailed": True,
            "currentProgressCount": 4,
            "totalProgressCount": 11,
            "logs": {
                "0": {"level": "error", "message": "first"},
                "10": {"level": "error", "message": "last"},
                "9": {},
            },
            "esValue": {"elements": {"e": {"id": "e"}}, "relations": {"r": {"id": "r"}}},
        },
    },
    "run": {
        "createdAt": 1_700_000_000,
        "startedAt": 1_700_000_001_000,
        "endedAt": 1_700_000_002_000,
        "failure": "why",
        "cancelled": True,
        "said": {"begun": True, "end": True},
        "journal": {"1": {"k": "v"}},
        "epochs": {"1": True},
        "model": '{"bounded_contexts":[{"name":"Ordering"}]}',
    },
}
NOTHING = {
    "there": False,
    "ours": False,
    "inputs": None,
    "completed": None,
    "failed": None,
    "current_progress": 0,
    "total_progress": 0,
    "logs": {},
    "elements": {},
    "relations": {},
    "created_at": 0,
    "started_at": 0,
    "ended_at": 0,
    "said_failure": "",
    "cancelled": False,
    "said": frozenset(),
    "journal": {},
    "epochs": {},
    "model_text": "",
}


def rubbish(node: Any) -> Any:
    """Every leaf is a text, where no text belongs, or a number where one does."""
    if isinstance(node, dict):
        return {name: rubbish(child) for name, child in node.items()}
    return 5 if isinstance(node, str) else "rubbish"


def test_a_job_is_read_whole() -> None:
    state, run = WHOLE["state"], WHOLE["run"]
    assert asdict(StoredJob.of(WHOLE)) == {
        "there": True,
        "ours": True,
        "inputs": state["inputs"],
        "completed": False,
        "failed": True,
        "current_progress": 4,
        "total_progress": 11,
        "logs": state["outputs"]["logs"],
        "elements": {"e": {"id": "e"}},
        "relations": {"r": {"id": "r"}},
        "created_at": 1_700_000_000_000,
        "started_at": 1_700_000_001_000,
        "ended_at": 1_700_000_002_000,
        "said_failure": "why",
        "cancelled": True,
        "said": frozenset({"begun", "end"}),
        "journal": {"1": {"k": "v"}},
        "epochs": {"1": True},
        "model_text": run["model"],
    }


@pytest.mark.parametrize(
    "node", [None, {}, {"state": {}, "run": {}}, {"state": 1, "run": "x"}, {"state": {"outputs": 1}}]
)
def test_what_is_missing_is_nothing(node: Any) -> None:
    assert asdict(StoredJob.of(node)) == NOTHING | {"there": node is not None}


def test_rubbish_is_nothing() -> None:
    read = asdict(StoredJob.of(rubbish(WHOLE)))
    apart = ("there", "ours", "inputs", "logs", "elements", "relations", "said", "journal", "epochs")
    assert {name: value for name, value in read.items() if name not in apart} == {
        name: value for name, value in NOTHING.items() if name not in apart
    }
    assert StoredJob.of(rubbish(WHOLE)).failure == ""


def test_the_log_is_in_the_order_of_its_numbers_and_goes_on_after_the_highest() -> None:
    stored = StoredJob.of(WHOLE)
    assert [line.message for line in stored.log] == ["first", "", "last"]
    assert stored.next_line == 11
    assert StoredJob.of(None).next_line == 0
    odd = StoredJob.of(
        {"state": {"outputs": {"logs": {"x": {"message": "m"}, "0": "no line", "2": {"message": "b"}}}}}
    )
    assert [line.message for line in odd.log] == ["b"]
    assert odd.next_line == 3


def test_why_a_job_failed_is_what_its_end_says_or_else_its_last_error() -> None:
    assert StoredJob.of(WHOLE).failure == "why"
    assert StoredJob.of({"state": WHOLE["state"]}).failure == "last"
    quiet = {"state": {"outputs": {"logs": {"0": {"level": "info", "message": "m"}}}}}
    assert StoredJob.of(quiet).failure == ""


@pytest.mark.parametrize(
    ("flags", "job", "state"),
    [
        ({"isCompleted": True, "isFailed": True}, None, JobState.COMPLETED),
        ({"isCompleted": False, "isFailed": True}, None, JobState.FAILED),
        ({"isCompleted": "true"}, None, JobState.QUEUED),
        ({}, Job(id="j", created_at=1), JobState.QUEUED),
        (
            {},
            Job(id="j", created_at=1, lease=Lease(epoch=1, token="t", owner="a", renewed_at=1)),
            JobState.RUNNING,
        ),
    ],
)
def test_flags_say_the_end_and_the_entry_what_is_before_it(
    flags: Any, job: Job | None, state: JobState
) -> None:
    assert StoredJob.of({"state": {"outputs": flags}}).state(job) is state


def test_inputs_are_understood_or_rejected_in_the_language_of_their_author() -> None:
    good = {
        "requestType": "fromRequirements",
        "preferedLanguage": "Korean",
        "requirements": "고객이 주문한다.",
    }
    given, warnings, why = StoredJob.of({"state": {"inputs": good | {"jobId": JOB}}}).input(JOB)
    assert (given.requirements, given.job_id, why) == ("고객이 주문한다.", JOB, "")
    assert ["uid" in warnings[0], "projectId" in warnings[1]] == [True, True]
    given, warnings, why = StoredJob.of({"state": {"inputs": {"preferedLanguage": "Korean"}}}).input(JOB)
    assert given == job_pb2.JobInput(job_id=JOB, language=model_pb2.LANGUAGE_KOREAN)
    assert warnings == ()
    assert why
    assert StoredJob.of(None).language == model_pb2.LANGUAGE_ENGLISH


def test_a_view_shows_an_ended_job_with_its_stored_model() -> None:
    model = model_pb2.EventStormingModel()
    model.bounded_contexts.add(name="Ordering")
    stored = StoredJob.of(WHOLE)
    whole = JobView(
        job_id=JOB,
        state=JobState.FAILED,
        current_progress=4,
        total_progress=11,
        created_at=1_700_000_000_000,
        started_at=1_700_000_001_000,
        ended_at=1_700_000_002_000,
        failure="why",
        cancelled=True,
        log=stored.log,
        model=model,
    )
    assert job_view(JOB, None, stored) == whole
    newer, named = model_pb2.EventStormingModel(language=1), model_pb2.EventStormingModel(language=2)
    assert job_view(JOB, None, stored, preview=named) == replace(whole, preview=named)
    assert job_view(JOB, None, stored, model=newer, preview=named) == replace(whole, model=newer)


def test_a_view_shows_a_waiting_job_by_its_entry() -> None:
    entry = Job(id=JOB, created_at=9, attempts=2, position=3)
    run = {"failure": "of an earlier try", "cancelled": True, "createdAt": 5}
    stored = StoredJob.of({"state": {"outputs": {}}, "run": run})
    assert job_view(JOB, entry, stored) == JobView(
        job_id=JOB, state=JobState.QUEUED, position=3, created_at=9, attempts=2
    )
    held = replace(entry, lease=Lease(epoch=1, token="t", owner="a", renewed_at=1))
    assert job_view(JOB, held, stored).position == 0
    assert job_view(JOB, entry, StoredJob.of(None)).state is JobState.QUEUED
    assert job_view(JOB, None, StoredJob.of(None)) == JobView(job_id=JOB, state=JobState.REMOVED)


@pytest.mark.parametrize(("stored", "names"), [("", None), ("rubbish", None), ("{}", []), ('{"new":1}', [])])
def test_a_stored_model_is_read_if_it_can_be(stored: str, names: list[str] | None) -> None:
    model = read_model(stored)
    assert (None if model is None else [context.name for context in model.bounded_contexts]) == names
