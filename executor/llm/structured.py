"""Reads a language model's text as an answer of a schema, and finds the words for what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

Answer = TypeVar("Answer", bound=BaseModel)

_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_MOST_COMPLAINTS = 20
_STARTS_TRIED = 20
_RESCUE_ROUNDS = 8
_Place = tuple[int | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed(Generic[Answer]):
    """An answer, or complaints about why there is none."""

    answer: Answer | None = None
    complaints: Sequence[str] = ()


def json_in(text: str) -> Any | None:
    """The JSON object a text consists of, or holds between fences or prose; None if there is none, or if it is cut off."""
    for candidate in (text, *_FENCED.findall(text)):
        found = _decoded(candidate)
        if isinstance(found, dict):
            return found
    return None if _cut_off(text) else _embedded(text)


def parse(value: Any, schema: type[Answer]) -> Parsed[Answer]:
    """A decoded JSON value against the schema."""
    try:
        return Parsed(answer=schema.model_validate(value))
    except ValidationError as error:
        return Parsed(complaints=[_words(problem) for problem in error.errors(include_url=False)])


def rescued(value: Any, schema: type[Answer]) -> Answer | None:
    """What is valid in a decoded JSON value: members too many, and the innermost list items that hold something wrong, are
    left out. None when what is wrong is in no list, or when nothing is left in any."""
    value = deepcopy(value)
    for _ in range(_RESCUE_ROUNDS):
        try:
            answer = schema.model_validate(value)
        except ValidationError as error:
            wrong = {place for problem in error.errors(include_url=False) if (place := _droppable(problem))}
            if not wrong:
                return None
            for place in sorted(wrong, key=_last_first, reverse=True):
                _drop(value, place)
        else:
            lists = [item for item in vars(answer).values() if isinstance(item, list)]
            return answer if any(lists) or not lists else None
    return None


def partial_json(text: str) -> Any | None:
    """The JSON object that a text cut off in the middle had begun; None if it had begun none."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        found = from_json(text[start:], allow_inf_nan=False, allow_partial=True)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _droppable(problem: Any) -> _Place:
    """The member too many, else the innermost list item around what is wrong; () if there is none."""
    place: _Place = problem["loc"]
    if problem["type"] == "extra_forbidden":
        return place
    depth = max((i for i, step in enumerate(place, 1) if isinstance(step, int)), default=0)
    return place[:depth]


def _last_first(place: _Place) -> tuple[tuple[bool, int, str], ...]:
    """Sorts so that in a list later items come off first, when reversed."""
    return tuple((isinstance(step, str), step if isinstance(step, int) else 0, str(step)) for step in place)


def _drop(value: Any, place: _Place) -> None:
    """Takes out what is at the place, unless that has gone already."""
    *way, last = place
    for step in way:
        inside = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and step in range(len(value))
        )
        if not inside:
            return
        value = value[step]
    if isinstance(value, dict):
        value.pop(last, None)
    elif isinstance(value, list) and last in range(len(value)):
        del value[last]  # type: ignore[arg-type]  # an index, by the line above


def repair_request(complaints: Sequence[str], schema: type[BaseModel] | None) -> str:
    """The turn that asks for a corrected answer; with the schema when the form itself was missed."""
    listed = "\n".join(f"- {complaint}" for complaint in complaints[:_MOST_COMPLAINTS])
    more = f"\n- and {len(complaints) - _MOST_COMPLAINTS} more" if len(complaints) > _MOST_COMPLAINTS else ""
    form = (
        f"\nThe answer is one JSON object of this schema and nothing else:\n{schema_text(schema)}"
        if schema
        else ""
    )
    return f"Your answer was rejected:\n{listed}{more}\nGive the whole answer again, corrected.{form}"


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


def _decoded(text: str) -> Any | None:
    try:
        return from_json(text.strip(), allow_inf_nan=False)
    except ValueError:
        return None


def _cut_off(text: str) -> bool:
    """What is whole inside an object that ends too early is not the answer."""
    return partial_json(text) is not None and not _object_at(text, text.find("{"))


def _embedded(text: str) -> Any | None:
    """The longest JSON object that begins at one of the first opening braces."""
    longest = ""
    for found in islice(re.finditer(r"\{", text), _STARTS_TRIED):
        longest = max(longest, _object_at(text, found.start()), key=len)
    return _decoded(longest)


def _object_at(text: str, start: int) -> str:
    try:
        _, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return ""
    return text[start:end]


def _words(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"]) or "answer"
    return f"{place}: {problem['msg']}"
