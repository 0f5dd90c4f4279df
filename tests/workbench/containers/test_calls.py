"""That a repeated call would be seen."""

from __future__ import annotations

import json
from pathlib import Path

from workbench.containers import calls

TWICE = {"a": {"1": ["k1", "k2"], "3": ["k2", "k3"]}, "b": {"1": ["k2"]}, "c": {"1": ["k1"], "2": ["k2"]}}


def test_an_answer_stored_by_two_runs_of_a_job_is_a_repeated_call() -> None:
    assert calls.repeated(TWICE) == ["a k2"]
    assert calls.repeated({"a": {"1": ["k1"], "2": ["k2"]}, "b": {"1": ["k1"]}}) == []


def test_jobs_continued_by_another_run_are_counted() -> None:
    assert calls.continued(TWICE) == 2
    assert calls.continued({"a": {"1": ["k1"], "2": []}}) == 0


def test_questions_without_a_stored_answer_are_counted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        '{"event": "ask", "hash": "x"}\n{"event": "gone", "hash": "x"}\n'
        + '{"event": "ask", "hash": "y"}\n' * 4
    )
    assert calls.unanswered(log, TWICE, ["a"]) == 1
    assert calls.unanswered(log, TWICE, ["b"]) == 4


def test_what_is_asked_after_its_answer_is_told_from_what_was_broken_off(tmp_path: Path) -> None:
    log = tmp_path / "log"
    told = [
        ("ask", "x"),
        ("gone", "x"),
        ("ask", "x"),
        ("answer", "x"),
        ("ask", "y"),
        ("ask", "x"),
        ("answer", "x"),
    ]
    log.write_text("".join(json.dumps({"event": event, "hash": hashed}) + "\n" for event, hashed in told))

    assert calls.asked_again(log) == ["x"]
    assert calls.broken_off(log) == 1
