"""The journal of one run: which questions were answered before, and what the answers were.

A key hashes the question and nothing of the job, so that the same question has the same key in every run and job.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from executor.llm.language_model import Message, Reply
from executor.llm.structured import json_in, schema_text
from executor.ports import Entry, Link

LONGEST_VALUE = 700_000  # bytes; an answer and its frame stay under 1 MB
_TOO_LONG = '{"declined":"the answer is too long"}'


def key_of(model: str, schema: type[BaseModel], messages: Sequence[Message], ordinal: int) -> str:
    """Hash of the question; `ordinal` counts the calls made for one question of a step."""
    question = [model, schema_text(schema), [list(message) for message in messages], ordinal]
    return hashlib.sha256(
        json.dumps(question, ensure_ascii=False, separators=(",", ":")).encode()
    ).hexdigest()


class Journal:
    """Recalled entries and those of this run; a new one is durable before it is known."""

    def __init__(self, link: Link, recalled: Iterable[Entry] = ()) -> None:
        self._link = link
        self._entries = {entry.key: entry for entry in recalled}

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __getitem__(self, key: str) -> Entry:
        return self._entries[key]

    async def store(self, entry: Entry) -> None:
        """Returns when the entry is durable."""
        await self._link.store(entry)
        self._entries[entry.key] = entry


def value_of(reply: Reply) -> str:
    """The reply as one compact JSON text: the JSON object of its answer, else its bare text, else why there is none.

    Storing the object and not its text spares a second level of escapes in the database.
    """
    if len(reply.text) > 2 * LONGEST_VALUE:  # too long whatever is in it, and long to read
        return _TOO_LONG
    said, declined = _whole(reply.text), _whole(reply.declined)
    answer = None if declined else json_in(said)
    if declined:
        value: dict[str, Any] = {"declined": declined}
    elif isinstance(answer, dict):
        value = {"answer": answer}
    else:
        value = {"text": said}
    text = _compact(value)
    return text if len(text.encode()) <= LONGEST_VALUE else _TOO_LONG


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot travel
