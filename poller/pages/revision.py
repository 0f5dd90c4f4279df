"""What a person has changed on a board, as the input of a new job: the earlier text with the answers, all edits in order."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from eventstorming.v1 import job_pb2, model_pb2

from poller.board.text import one_line
from poller.errors import Permanent
from poller.requests import Violation, check_input

_KINDS = {
    "aggregate": job_pb2.ELEMENT_KIND_AGGREGATE,
    "command": job_pb2.ELEMENT_KIND_COMMAND,
    "event": job_pb2.ELEMENT_KIND_EVENT,
    "readmodel": job_pb2.ELEMENT_KIND_READ_MODEL,
    "policy": job_pb2.ELEMENT_KIND_POLICY,
    "question": job_pb2.ELEMENT_KIND_OPEN_QUESTION,
}
_HEADINGS = {
    model_pb2.LANGUAGE_ENGLISH: "## Answers to open questions",
    model_pb2.LANGUAGE_KOREAN: "## 남은 질문에 대한 답변",
}


class NotUnderstood(Permanent):
    """What the page sent is not what it should send."""


def submitted(told: Any) -> job_pb2.JobInput:
    """A new job from a text: `{text}`."""
    return _checked(
        job_pb2.JobInput(job_id=str(uuid.uuid4()), requirements=_text(told, "text"), user_id="board")
    )


def revised(earlier: job_pb2.JobInput, told: Any) -> job_pb2.JobInput:
    """`{edits: [{kind, name, alias, codeName, removed}], answers: [{question, context, answer}]}`; kinds as the board names them.

    An answered question is one no longer. Answers stand at the end of the text, a line each, or of the text of the
    context that a draft has for the question.
    """
    job = job_pb2.JobInput()
    job.CopyFrom(earlier)
    job.job_id = str(uuid.uuid4())
    for edit in _list(told, "edits"):
        kind = _KINDS.get(_text(edit, "kind"), job_pb2.ELEMENT_KIND_UNSPECIFIED)
        job.edits.add(
            kind=kind,
            name=_text(edit, "name"),
            alias=one_line(_text(edit, "alias")),
            code_name=_text(edit, "codeName").strip(),
            removed=isinstance(edit, dict) and edit.get("removed") is True,
        )
    answers = [(_text(each, "context"), *_answer(each)) for each in _list(told, "answers")]
    for context, question, answer in answers:
        job.edits.add(kind=job_pb2.ELEMENT_KIND_OPEN_QUESTION, name=question, removed=True)
        _append(job, context, f"- {one_line(question)} {answer}")
    if len(job.edits) == len(earlier.edits):
        raise NotUnderstood("Nothing was changed.")
    return _checked(job)


def _answer(told: Any) -> Iterator[str]:
    yield _text(told, "question")
    answer = one_line(_text(told, "answer"))
    if not answer:
        raise NotUnderstood("An answer is empty.")
    yield answer


def _append(job: job_pb2.JobInput, context: str, line: str) -> None:
    heading = _HEADINGS.get(job.language, _HEADINGS[model_pb2.LANGUAGE_ENGLISH])
    if job.WhichOneof("source") == "draft":
        drafted = job.draft.contexts
        about = next((each for each in drafted if each.name == context), drafted[0])
        about.requirements = _with_line(about.requirements, heading, line)
    else:
        job.requirements = _with_line(job.requirements, heading, line)


def _with_line(text: str, heading: str, line: str) -> str:
    text = text.rstrip("\n")
    return f"{text}\n{line}" if heading in text.split("\n") else f"{text}\n\n{heading}\n{line}"


def _checked(job: job_pb2.JobInput) -> job_pb2.JobInput:
    try:
        check_input(job)
    except Violation as violation:
        raise NotUnderstood(str(violation)) from violation
    return job


def _text(told: Any, member: str) -> str:
    value = told.get(member) if isinstance(told, dict) else None
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _list(told: Any, member: str) -> list[Any]:
    value = told.get(member) if isinstance(told, dict) else None
    return value if isinstance(value, list) else []
