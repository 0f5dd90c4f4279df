"""The pair as the web client meets it: what is written, in which order, and what becomes of rubbish."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from poller.msaez.check import findings
from poller.msaez.encoding import decode
from poller.msaez.inputs import read_inputs
from tests.e2e.pair import Pair
from tests.e2e.web_client import NAMESPACE

TEXT = """Corner library

A member borrows a book from the library.
A loan records the member name, the book title and the due date.
A member returns the book.
A librarian registers a book with title, author and isbn.
When a book is returned, the loan is closed.
A member can look up the current loans.
"""
IDS = {"uid": "u-1", "projectId": "p-1"}


def _inputs(text: str = TEXT, **more: Any) -> dict[str, Any]:
    return {
        "requestType": "fromRequirements",
        "ids": IDS,
        "requirements": text,
        "preferedLanguage": "English",
        **more,
    }


def _kind(value: Any) -> str:
    return str(value.get("_type", "")).rsplit(".", 1)[-1] if isinstance(value, dict) else ""


def test_a_job_is_written_in_the_order_the_canvas_needs(pair: Pair) -> None:
    job_id = str(uuid.uuid4())
    pair.client.put(f"jobs/{NAMESPACE}/{job_id}", {"state": {"inputs": {**_inputs(), "jobId": job_id}}})
    recorder = pair.client.record(f"jobs/{NAMESPACE}/{job_id}/state/outputs")
    pair.client.enqueue(job_id)
    pair.client.ended(job_id)
    pair.client.wait(lambda: pair.client.get(f"requestedJobs/{NAMESPACE}/{job_id}") is None)

    events = recorder.events
    last = [place for place, value in events if place == "/isCompleted" and value is True]
    assert last == ["/isCompleted"]
    assert events[-1] == ("/isCompleted", True)
    assert all(value is not None for _, value in events[1:])
    kinds = [_kind(value) for place, value in events if place.startswith("/esValue/elements/")]
    first = {kind: kinds.index(kind) for kind in kinds}
    assert first["BoundedContext"] < first["Aggregate"] < min(first["Command"], first["Event"])
    seen: set[str] = set()
    for place, value in events:
        if place.startswith("/esValue/elements/"):
            seen.add(place.rsplit("/", 1)[-1])
        if place.startswith("/esValue/relations/"):
            assert {value["from"], value["to"]} <= seen
    progress = [value for place, value in events if place.endswith("currentProgressCount")]
    assert progress == sorted(progress)
    assert (progress[0] >= 1, progress[-1]) == (True, 11)


def test_the_finished_model_passes_every_check_of_the_canvas(pair: Pair) -> None:
    job_id = pair.client.submit(_inputs())
    outputs = pair.client.ended(job_id)

    assert outputs.get("isCompleted") is True
    assert not outputs.get("isFailed")
    assert findings(decode(outputs["esValue"]), inputs=None) == []
    assert outputs["currentProgressCount"] == outputs["totalProgressCount"] == 11


@pytest.mark.parametrize(
    "inputs",
    [
        _inputs(""),
        _inputs(" \n "),
        {**_inputs(), "requestType": "fromNowhere"},
        {"requestType": "fromDraft", "ids": IDS},
    ],
    ids=["empty", "blank", "unknown-type", "draft-without-draft"],
)
def test_inputs_nobody_can_understand_fail_with_a_sentence_and_the_next_job_runs(
    pair: Pair, inputs: dict[str, Any]
) -> None:
    bad, good = pair.client.submit(inputs), pair.client.submit(_inputs())

    failed = pair.client.ended(bad)
    assert failed["isFailed"] is True
    assert not failed.get("isCompleted")
    assert [
        line for line in failed["logs"] if line and line["level"] == "error" and len(line["message"]) > 20
    ]
    assert pair.client.ended(good)["isCompleted"] is True
    pair.client.wait(lambda: pair.client.get(f"requestedJobs/{NAMESPACE}") is None)


def test_an_entry_without_a_job_is_dropped_and_the_next_job_runs(pair: Pair) -> None:
    orphan = str(uuid.uuid4())
    pair.client.enqueue(orphan)
    pair.client.put(f"requestedJobs/{NAMESPACE}/{uuid.uuid4()}", {"waitingJobCount": 3})
    good = pair.client.submit(_inputs())

    assert pair.client.ended(good)["isCompleted"] is True
    pair.client.wait(lambda: pair.client.get(f"requestedJobs/{NAMESPACE}") is None)
    assert pair.client.get(f"jobs/{NAMESPACE}/{orphan}") is None


def test_a_removal_request_after_completion_leaves_nothing(pair: Pair) -> None:
    job_id = pair.client.submit(_inputs())
    pair.client.ended(job_id)
    pair.client.request_removal(job_id)

    pair.client.wait(lambda: pair.client.get(f"jobStates/{NAMESPACE}/{job_id}") is None)
    assert pair.client.get(f"jobs/{NAMESPACE}/{job_id}") is None


CONTRACT = Path(__file__).parent.parent / "contracts" / "examples"


@pytest.mark.parametrize(
    ("name", "total"), [("fromRequirements", 11), ("fromRequirements.ko", 11), ("fromDraft", 8)]
)
def test_what_the_web_client_sends_is_completed_for_both_request_types_and_languages(
    pair: Pair, name: str, total: int
) -> None:
    inputs = json.loads((CONTRACT / f"inputs.{name}.json").read_text("utf-8"))
    job_id = pair.client.submit(inputs, job_id=str(uuid.uuid4()))
    outputs = pair.client.ended(job_id)
    es_value = decode(outputs["esValue"])

    assert outputs.get("isCompleted") is True, outputs["logs"]
    assert outputs["currentProgressCount"] == outputs["totalProgressCount"] == total
    assert findings(es_value, inputs=read_inputs({**inputs, "jobId": job_id}, job_id=job_id)) == []
    assert bool(re.search("[가-힣]", str(outputs["logs"]))) is name.endswith(".ko")
