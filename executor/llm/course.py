"""What follows an answer: nothing, one repair turn, one try from scratch. Pure. What follows a call that brought none is
decided in `failures`.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from executor.graph.question import Question, Unusable
from executor.llm.language_model import Message
from executor.llm.reading import lack, remains, spoken
from executor.llm.structured import parse, repair_request, rescued
from process.quoting import unquoted

Answer = TypeVar("Answer", bound=BaseModel)
Messages = Sequence[Message]

FIRST, REPAIR, FROM_SCRATCH = range(3)  # ordinals of the calls for one question


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn(Generic[Answer]):
    """What one call brought: an object that is an answer of the schema or has complaints, a text without one, or a refusal."""

    value: Any = None
    text: str = ""
    declined: str = ""
    answer: Answer | None = None
    complaints: Sequence[str] = ()

    @classmethod
    def read(cls, stored: str, schema: type[Answer]) -> Turn[Answer]:
        """From the journal's value: the same for a fresh answer as for a recalled one."""
        value: dict[str, Any] = json.loads(stored)
        if "answer" in value:
            answer, complaints = parse(value["answer"], schema)
            return cls(value=value["answer"], answer=answer, complaints=complaints)
        text, declined = value.get("text", ""), value.get("declined", "")
        why = declined or lack(text, cut=value.get("cut", False))
        return cls(text=text, declined=declined, complaints=[why])

    @property
    def said(self) -> str:
        """As the language model is reminded of it, without its thoughts."""
        if self.value is None:
            return spoken(self.text)
        return json.dumps(self.value, ensure_ascii=False, separators=(",", ":"))

    def complete(self, schema: type[BaseModel]) -> bool:
        """Whether it is an answer with every member, as the form wants it; one with less may do, too."""
        return self.answer is not None and schema.model_fields.keys() <= self.value.keys()

    def rest(self, schema: type[Answer]) -> Answer | None:
        """What is valid of an answer that is not."""
        value = remains(self.text) if self.value is None else self.value
        return None if value is None else rescued(value, schema)


class Outcome(NamedTuple, Generic[Answer]):
    """The end of a course. `reduced`: only what was valid of an answer is used."""

    answer: Answer | Unusable
    reduced: bool = False


def course(
    question: Question[Answer],
) -> Generator[tuple[int, Messages], Turn[Answer], Outcome[Answer]]:
    """Yields the calls to make for a question, one after the other, and is sent what each brought."""
    asked = Message("system", question.system), Message("user", question.user)
    first = yield FIRST, asked
    complaints = first.complaints if first.answer is None else question.check(first.answer)
    if first.answer is not None and not complaints:
        return Outcome(first.answer)
    if not first.declined:  # else there is nothing to repair
        second = yield REPAIR, _repair(asked, first, complaints, question.schema)
        if (answer := second.answer or first.answer) is not None:
            return Outcome(answer)
        if (answer := second.rest(question.schema) or first.rest(question.schema)) is not None:
            return Outcome(answer, reduced=True)
    last = yield FROM_SCRATCH, asked
    if last.answer is not None:
        return Outcome(last.answer)
    if (answer := last.rest(question.schema)) is not None:
        return Outcome(answer, reduced=True)
    reason = unquoted("; ".join(last.complaints[:3]), question.user.encode())
    return Outcome(Unusable(reason=reason))


def _repair(asked: Messages, turn: Turn[Any], complaints: Sequence[str], schema: type[BaseModel]) -> Messages:
    """The form is repeated where it was missed. No endpoint need take a turn in which nothing was said."""
    request = repair_request(complaints, schema if turn.answer is None else None)
    if turn.said:
        return (*asked, Message("assistant", turn.said), Message("user", request))
    *before, last = asked
    return (*before, Message(last.role, f"{last.content}\n\n{request}"))
