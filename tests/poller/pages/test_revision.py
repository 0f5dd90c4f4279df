"""What a person changed on a board becomes the input of a new job."""

from __future__ import annotations

from typing import Any

import pytest
from eventstorming.v1 import job_pb2, model_pb2

from poller.msaez.inputs import read_inputs, write_inputs
from poller.pages.revision import NotUnderstood, revised, submitted

EARLIER = job_pb2.JobInput(
    job_id="0" * 8 + "-0000-4000-8000-" + "0" * 12,
    requirements="A member borrows a book.\n",
    language=model_pb2.LANGUAGE_ENGLISH,
    user_id="u",
    project_id="p",
)
RENAMED = {"kind": "command", "name": "BorrowBook", "alias": "Take\na book", "codeName": "TakeBook"}
ANSWER = {
    "question": "How long is a loan?",
    "context": "Lending",
    "answer": "Four weeks,\nthen it is overdue.",
}


def test_edits_follow_those_of_the_earlier_job_and_survive_the_database() -> None:
    first = revised(EARLIER, {"edits": [RENAMED]})
    second = revised(first, {"edits": [{"kind": "readmodel", "name": "Loans", "removed": True}]})

    assert second.job_id not in ("", first.job_id, EARLIER.job_id)
    assert (second.requirements, second.user_id) == (EARLIER.requirements, "u")
    assert [(e.kind, e.name, e.alias, e.code_name, e.removed) for e in second.edits] == [
        (job_pb2.ELEMENT_KIND_COMMAND, "BorrowBook", "Take a book", "TakeBook", False),
        (job_pb2.ELEMENT_KIND_READ_MODEL, "Loans", "", "", True),
    ]
    assert read_inputs(write_inputs(second), job_id=second.job_id) == second
    assert list(EARLIER.edits) == []


def test_answers_stand_at_the_end_of_the_text_a_line_each_and_their_questions_go() -> None:
    first = revised(EARLIER, {"answers": [ANSWER]})
    second = revised(first, {"answers": [{**ANSWER, "question": "Who pays?", "answer": "The member."}]})

    assert second.requirements.split("\n") == [
        "A member borrows a book.",
        "",
        "## Answers to open questions",
        "- How long is a loan? Four weeks, then it is overdue.",
        "- Who pays? The member.",
    ]
    assert [(e.kind, e.name, e.removed) for e in second.edits] == [
        (job_pb2.ELEMENT_KIND_OPEN_QUESTION, question, True)
        for question in ("How long is a loan?", "Who pays?")
    ]


def test_an_answer_about_a_context_of_a_draft_stands_in_its_text_in_its_language() -> None:
    draft = job_pb2.Draft(contexts=[job_pb2.DraftContext(name=name) for name in ("Catalog", "Lending")])
    earlier = job_pb2.JobInput(draft=draft, language=model_pb2.LANGUAGE_KOREAN)

    job = revised(earlier, {"answers": [ANSWER]})
    assert job.draft.contexts[1].requirements.split("\n")[-2:] == [
        "## 남은 질문에 대한 답변",
        "- How long is a loan? Four weeks, then it is overdue.",
    ]
    assert job.draft.contexts[0].requirements == ""


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {},
        {"edits": "all"},
        {"edits": [None]},
        {"edits": [{"kind": "screen", "name": "X", "removed": True}]},
        {"edits": [{"kind": "command", "name": " ", "removed": True}]},
        {"edits": [{"kind": "command", "name": "X"}]},
        {"edits": [{"kind": "command", "name": "X", "codeName": "a b"}]},
        {"answers": [{**ANSWER, "answer": "\n"}]},
        {"answers": [{**ANSWER, "answer": "x" * (5 << 20)}]},
    ],
)
def test_what_cannot_be_understood_makes_no_job(told: Any) -> None:
    with pytest.raises(NotUnderstood):
        revised(EARLIER, told)


@pytest.mark.parametrize("told", [None, {}, {"text": 7}, {"text": " \n"}, {"text": "x" * (5 << 20)}])
def test_a_text_that_is_none_makes_no_job(told: Any) -> None:
    with pytest.raises(NotUnderstood):
        submitted(told)


def test_a_text_becomes_a_job_as_it_stands() -> None:
    job = submitted({"text": "One.\n\nTwo \ud800."})
    assert job.requirements == "One.\n\nTwo ?."
    assert job.job_id
