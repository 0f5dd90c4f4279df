"""Reads a language model's text as an answer of a schema, and finds the words for what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed(Generic[Answer]):
    """An answer, or complaints about why there is none."""

    answer: Answer | None = None
    complaints: Sequence[str] = ()


def json_in(text: str) -> Any | None:
    """The JSON object a text consists of, or holds between fences or prose; None if there is none."""
    for candidate in (text, *_FENCED.findall(text)):
        found = _decoded(candidate)
        if isinstance(found, dict):
            return found
    return _embedded(text)


def parse(value: Any, schema: type[Answer]) -> Parsed[Answer]:
    """A decoded JSON value against the schema."""
    try:
        return Parsed(answer=schema.model_validate(value))
    except ValidationError as error:
        return Parsed(complaints=[_words(problem) for problem in error.errors(include_url=False)])


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
    """Titles and docstrings are for us: they cost tokens, and a reworded one would change every journal key."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: value
        for key, value in node.items()
        if not (key in ("title", "description") and isinstance(value, str))
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
