"""A message of the protocol as a job's input. Pure."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

from a2a.types import (
    AuthenticationInfo,
    ContentTypeNotSupportedError,
    Message,
    Part,
    TaskPushNotificationConfig,
)
from eventstorming.v1 import job_pb2
from google.protobuf.json_format import MessageToDict

from poller.a2a.markdown import as_markdown, readable
from poller.msaez.inputs import read_inputs
from poller.ports import Webhook
from poller.requests import Violation, check_input, check_length

ENVELOPE = 64 * 1024
"""Bytes of a message beside what is in it, at most."""

_TEXTUAL = ("text/", "application/json", "application/yaml", "application/x-yaml")
_SENT_AGAIN = uuid.UUID("6a0d5a5e-7f0e-5b0e-9d0c-a2a000000001")


def job_input(message: Message) -> job_pb2.JobInput:
    """Text, or a draft in the form that the web client sends. Raises Violation, InputRejected, ContentTypeNotSupportedError."""
    check_length(message.ByteSize() - ENVELOPE, "message")  # before anybody reads what is in it
    try:
        found = _source(message)
    except RecursionError as error:
        raise ContentTypeNotSupportedError("A part's data is nested too deeply.") from error
    check_input(found)
    found.job_id = _job_id(message, found)
    found.user_id = found.user_id or f"temp-uid-{found.job_id}"
    found.project_id = found.project_id or f"temp-project-id-{found.job_id}"
    return found


def _job_id(message: Message, found: job_pb2.JobInput) -> str:
    """A message that is sent again, because its answer was lost, is the same task: where its id is a UUID, which no two messages share."""
    try:
        sent = uuid.UUID(message.message_id)
    except ValueError:
        return str(uuid.uuid4())
    return str(uuid.uuid5(_SENT_AGAIN, f"{sent}{found.SerializeToString(deterministic=True)!r}"))


def _source(message: Message) -> job_pb2.JobInput:
    texts: list[str] = []
    for part in message.parts:
        data = _data(part)
        if (draft := _draft(data)) is not None:
            return draft
        texts.append(_text(part) if data is None else as_markdown(data))
    return job_pb2.JobInput(requirements="\n".join(texts))


def _data(part: Part) -> Any:
    """The JSON value of a part that holds one; None else."""
    try:
        if part.HasField("data"):
            return _whole(MessageToDict(part.data))
        if part.HasField("raw") and part.media_type == "application/json":
            return json.loads(part.raw)
    except ValueError as error:
        raise ContentTypeNotSupportedError(f"A part's data is no JSON: {error}") from error
    return None


def _whole(value: Any) -> Any:
    """Numbers of the protocol's JSON are floating; those that are whole are written so."""
    if isinstance(value, dict):
        return {name: _whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _draft(data: Any) -> job_pb2.JobInput | None:
    """What the web client would write below `state/inputs`, or its member `draft` alone."""
    if not isinstance(data, dict) or not {"draft", "structures", "requestType"} & data.keys():
        return None
    job_id = str(uuid.uuid4())
    inputs = data if "requestType" in data else {"requestType": "fromDraft", "draft": data.get("draft", data)}
    ids = {"uid": f"temp-uid-{job_id}", "projectId": f"temp-project-id-{job_id}"}
    found = read_inputs({**inputs, "jobId": job_id, "ids": inputs.get("ids", ids)}, job_id=job_id)
    for field in (
        "job_id",
        *(field for field in ("user_id", "project_id") if job_id in getattr(found, field)),
    ):
        found.ClearField(field)
    if "preferedLanguage" not in inputs:
        found.ClearField("language")
    return found


def _text(part: Part) -> str:
    if part.HasField("text"):
        return readable(part.text)
    if part.HasField("raw") and (not part.media_type or part.media_type.startswith(_TEXTUAL)):
        try:
            return readable(part.raw.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise ContentTypeNotSupportedError("A file must be text in UTF-8.") from error
    kind = part.WhichOneof("content") or "no content"
    raise ContentTypeNotSupportedError(
        f"A part with {kind} ({part.media_type or 'no media type'}) cannot be read: send text, a text file, or a draft as data."
    )


# ── push notifications ───────────────────────────────────────────────────────────────────────────────────────

LONGEST_SECRET = 4096


def webhook(config: TaskPushNotificationConfig, *, old: bool) -> Webhook:
    """`old`: by a client of 0.3, which wants to be told in its form. Raises Violation."""
    found = Webhook(
        id=config.id or hashlib.sha256(config.url.encode()).hexdigest()[:12],
        url=config.url,
        token=config.token,
        scheme=config.authentication.scheme,
        credentials=config.authentication.credentials,
        protocol="0.3" if old else "1.0",
    )
    for name in ("id", "token", "scheme", "credentials"):
        value = getattr(found, name)
        if len(value) > LONGEST_SECRET or not (value.isascii() and value.isprintable()):
            raise Violation(
                name, f"must be at most {LONGEST_SECRET} characters of ASCII, without line breaks"
            )
    return found


def config(task_id: str, kept: Webhook) -> TaskPushNotificationConfig:
    """As its caller gave it."""
    found = TaskPushNotificationConfig(id=kept.id, task_id=task_id, url=kept.url, token=kept.token)
    if kept.scheme:
        found.authentication.CopyFrom(AuthenticationInfo(scheme=kept.scheme, credentials=kept.credentials))
    return found
