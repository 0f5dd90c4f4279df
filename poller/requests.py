"""What a request of JobService asks for, checked field by field. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from eventstorming.v1 import job_pb2

from poller.job import JobState
from poller.ports import LARGEST_INPUT, JobFilter

PAGE_SIZE, LARGEST_PAGE = 50, 500
LARGEST_ANSWER = 30 * 1024 * 1024
"""Bytes of one part of an answer, which has 32 MiB in all."""
JOB_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CODE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,99}")
_ELEMENT_KINDS = frozenset(job_pb2.ElementKind.values()) - {job_pb2.ELEMENT_KIND_UNSPECIFIED}
_STATES = {job_pb2.JobState.Value(f"JOB_STATE_{state.name}"): state for state in JobState}


class Violation(Exception):
    """One field of a request breaks a rule."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}")
        self.field, self.description = field, description


def check_input(given: job_pb2.JobInput) -> None:
    """A text or a draft, not too long, and edits that say what they change. Raises Violation."""
    if given.job_id:
        check_id(given.job_id, field="input.job_id")
    match given.WhichOneof("source"):
        case "requirements" if not given.requirements.strip():
            raise Violation("input.requirements", "must hold text that says what the system shall do")
        case "draft" if not given.draft.contexts:
            raise Violation("input.draft.contexts", "must name at least one bounded context")
        case None:
            raise Violation("input", "must hold `requirements` or a `draft`")
        case source:
            check_length(given.ByteSize(), f"input.{source}")
    for number, edit in enumerate(given.edits):
        _check_edit(edit, f"input.edits[{number}]")


def check_length(size: int, field: str) -> None:
    """Bytes of what a job is generated from."""
    if size > LARGEST_INPUT:
        raise Violation(
            field,
            f"must be at most {LARGEST_INPUT >> 20} MiB long in UTF-8; this one has {size / (1 << 20):.1f} MiB",
        )


def _check_edit(edit: job_pb2.Edit, field: str) -> None:
    if edit.kind not in _ELEMENT_KINDS:
        raise Violation(f"{field}.kind", "must say what is changed")
    if not edit.name.strip():
        raise Violation(f"{field}.name", "must name what is changed")
    if not (edit.removed or edit.alias.strip() or edit.code_name):
        raise Violation(field, "must remove the element or name it otherwise")
    if edit.code_name and not _CODE_NAME.fullmatch(edit.code_name):
        raise Violation(f"{field}.code_name", "must be letters and digits, a letter first, at most 100")


def check_id(job_id: str, *, field: str = "job_id") -> None:
    """Raises Violation where it is no UUID."""
    if not JOB_ID.fullmatch(job_id):
        raise Violation(field, "must be hexadecimal digits in groups of 8-4-4-4-12")


def check_format(name: str, known: Iterable[str]) -> None:
    """Empty asks for none."""
    if name and name not in known:
        raise Violation("format", f"must be one of {', '.join(known)}")


def check_size(field: str, size: int) -> None:
    """Of what is to travel in one answer."""
    if size > LARGEST_ANSWER:
        raise Violation(
            field,
            f"must name something below {LARGEST_ANSWER >> 20} MiB; this has {size / (1 << 20):.1f} MiB",
        )


# ── pages of jobs ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """`after` is where the page before ended; "" for the first."""

    wanted: JobFilter
    size: int
    after: str


def page_request(request: job_pb2.ListJobsRequest) -> PageRequest:
    """Raises Violation."""
    if request.page_size > LARGEST_PAGE:
        raise Violation("page_size", f"must be at most {LARGEST_PAGE}")
    wanted = JobFilter(
        states=_states(request.states),
        created_from=_milliseconds(request, "created_from"),
        created_until=_milliseconds(request, "created_until"),
    )
    return PageRequest(
        wanted=wanted, size=request.page_size or PAGE_SIZE, after=page_after(wanted, request.page_token)
    )


def _states(given: Iterable[int]) -> frozenset[JobState]:
    """A removed job leaves nothing to be listed, so asking for one is a mistake."""
    states = []
    for value in given:
        state = _STATES.get(value)
        if state is None or state is JobState.REMOVED:
            raise Violation("states", "must be queued, running, completed or failed")
        states.append(state)
    return frozenset(states)


def _milliseconds(request: job_pb2.ListJobsRequest, field: str) -> int:
    if not request.HasField(field):
        return 0
    return max(1, int(getattr(request, field).ToMilliseconds()))


def page_token(wanted: JobFilter, after: str) -> str:
    """Opaque to clients; empty stays empty."""
    return base64.urlsafe_b64encode(f"{_digest(wanted)}{after}".encode()).decode() if after else ""


def page_after(wanted: JobFilter, token: str) -> str:
    """The inverse. Raises Violation."""
    if not token:
        return ""
    try:
        text = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeError):
        text = ""
    digest = _digest(wanted)
    if not text.startswith(digest):
        raise Violation("page_token", "must be the next_page_token of a call with the same filter")
    return text.removeprefix(digest)


def _digest(wanted: JobFilter) -> str:
    states = ",".join(sorted(state.value for state in wanted.states))
    text = f"{states}|{wanted.created_from}|{wanted.created_until}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]
