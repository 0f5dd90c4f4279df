"""What the journal keeps of a question and of its answer.

A key hashes the question and nothing of the job, so that the same question has the same key in every run and job.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from executor.llm.language_model import Message, Reply
from executor.llm.reading import object_in
from executor.llm.structured import schema_text

LONGEST_VALUE = 700_000  # bytes; an answer and its frame stay under 1 MB
_TOO_LONG = '{"declined":"the answer is too long"}'


def key_of(model: str, schema: type[BaseModel], messages: Sequence[Message], ordinal: int) -> str:
    """Hash of the question; `ordinal` counts the calls made for one question of a step."""
    question = [model, schema_text(schema), [list(message) for message in messages], ordinal]
    return hashlib.sha256(
        json.dumps(question, ensure_ascii=False, separators=(",", ":")).encode()
    ).hexdigest()


def value_of(reply: Reply, schema: type[BaseModel]) -> str:
    """The reply as one compact JSON text: the JSON object of its answer, else its bare text, else why there is none.

    Storing the object and not its text spares a second level of escapes in the database.
    """
    if len(reply.text) > 2 * LONGEST_VALUE:  # too long whatever is in it, and long to read
        return _TOO_LONG
    said, value = _whole(reply.text), dict[str, Any]()
    if reply.declined:
        value = {"declined": _whole(reply.declined)}
    elif (answer := object_in(said, schema, cut=reply.cut)) is not None:
        value = {"answer": answer}
    else:
        value = {"text": said} | ({"cut": True} if reply.cut else {})
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text.encode()) <= LONGEST_VALUE else _TOO_LONG


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot travel
