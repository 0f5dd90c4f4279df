"""The form of an answer: its schema, in JSON and in words; whether a value has it, what of it is valid, what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from executor.llm.language_model import Message

Answer = TypeVar("Answer", bound=BaseModel)

CUT: Final = "the answer was cut off before its end"

_MOST_COMPLAINTS: Final = 20
_RESCUE_ROUNDS: Final = 8
_Place = tuple[int | str, ...]


def parse(value: Any, schema: type[Answer]) -> tuple[Answer | None, Sequence[str]]:
    """A decoded JSON value as an answer; or what is wrong with it. An object that has none of the members is none."""
    if isinstance(value, dict) and not value.keys() & schema.model_fields.keys():
        return None, [f"answer: none of {', '.join(schema.model_fields)} is there"]
    try:
        return schema.model_validate(value), ()
    except ValidationError as error:
        return None, [_words(problem) for problem in error.errors(include_url=False)]


def rescued(value: Any, schema: type[Answer]) -> Answer | None:
    """What is valid in a decoded JSON value: members too many, and the innermost list items that hold something wrong, are
    left out. None when what is wrong is in no list, or when nothing is left in any."""
    for _ in range(_RESCUE_ROUNDS):
        try:
            answer = schema.model_validate(value)
        except ValidationError as error:
            wrong = {place for problem in error.errors(include_url=False) if (place := _droppable(problem))}
            if not wrong:
                return None
            value = _without(value, wrong)
        else:
            lists = [item for item in vars(answer).values() if isinstance(item, list)]
            return answer if any(lists) or not lists else None
    return None


def _droppable(problem: Any) -> _Place:
    """The member too many, else the innermost list item around what is wrong; () if there is none."""
    place: _Place = problem["loc"]
    if problem["type"] == "extra_forbidden":
        return place
    depth = max((i for i, step in enumerate(place, 1) if isinstance(step, int)), default=0)
    return place[:depth]


def _without(value: Any, wrong: Collection[_Place], at: _Place = ()) -> Any:
    """A copy without what is at these places."""
    if isinstance(value, dict):
        return {key: _without(it, wrong, (*at, key)) for key, it in value.items() if (*at, key) not in wrong}
    if isinstance(value, list):
        return [_without(it, wrong, (*at, n)) for n, it in enumerate(value) if (*at, n) not in wrong]
    return value


def repair_request(complaints: Sequence[str], schema: type[BaseModel] | None) -> str:
    """The turn that asks for a corrected answer; with the schema when the form itself was missed."""
    listed = "\n".join(f"- {complaint}" for complaint in complaints[:_MOST_COMPLAINTS])
    more = f"\n- and {len(complaints) - _MOST_COMPLAINTS} more" if len(complaints) > _MOST_COMPLAINTS else ""
    form = f"\n{in_words(schema)}" if schema else ""
    shorter = ", and shorter" if any(complaint.startswith(CUT) for complaint in complaints) else ""
    return (
        f"Your answer was rejected:\n{listed}{more}\nGive the whole answer again, corrected{shorter}.{form}"
    )


def spelled_out(messages: Sequence[Message], schema: type[BaseModel]) -> Sequence[Message]:
    """With the form in words, for whoever does not heed it otherwise; once is enough."""
    if any(schema_text(schema) in message.content for message in messages):
        return messages
    first, *rest = messages
    return [Message(first.role, f"{first.content}\n\n{in_words(schema)}"), *rest]


def in_words(schema: type[BaseModel]) -> str:
    """The form as a sentence."""
    return f"Answer with one JSON object of this schema and nothing else:\n{schema_text(schema)}"


@cache
def strict_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """JSON schema in the strict subset of structured outputs: every member required, nothing additional."""
    plain: dict[str, Any] = _plain(schema.model_json_schema())
    return plain


@cache
def schema_text(schema: type[BaseModel]) -> str:
    """The schema as compact JSON, the same in every process."""
    return json.dumps(strict_schema(schema), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(node: Any) -> Any:
    """Titles and docstrings are for us: they cost tokens, and a reworded one would change every journal key. Defaults are
    what an incomplete answer is read with; none is asked for."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: value
        for key, value in node.items()
        if not (key in ("title", "description") and isinstance(value, str))
        and not (key == "default" and not isinstance(value, dict))
    }
    plain = {key: _plain(value) for key, value in kept.items()}
    if plain.get("type") == "object":
        plain |= {"additionalProperties": False, "required": list(plain.get("properties", {}))}
    return plain


def _words(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"]) or "answer"
    return f"{place}: {problem['msg']}"
