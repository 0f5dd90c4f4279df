"""Finds the answer in a language model's text: past its thoughts, between its words, in whatever wrapping."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import from_json

from executor.llm.structured import CUT, parse

_THINKING: Final = r"(?:seed:)?(?:think|thinking|thoughts?|reasoning|reflection)"
_THOUGHT_BEGINS: Final = re.compile(
    rf"\s*(?:<{_THINKING}>|◁think▷|\[THINK\]|<\|channel\|>analysis<\|message\|>)", re.IGNORECASE
)
_THOUGHT_ENDS: Final = re.compile(
    rf"</{_THINKING}>|◁/think▷|\[/THINK\]|<\|channel\|>final[^<]*<\|message\|>", re.IGNORECASE
)
_TRAIL: Final = re.compile(r"(?:\s|`|</[\w:]+>|◁/think▷|\[/THINK\]|<\|\w+\|>)*")
"""What may follow the last word: the end of a fence, a tag, a turn."""
_ARGUMENT: Final = re.compile(
    r"<(?:parameter=|arg_key>)\s*(\w+)\s*(?:>|</arg_key>\s*<arg_value>)(.*?)</(?:parameter|arg_value)>",
    re.DOTALL,
)
"""An argument of a tool call in tags, as the templates of Qwen and GLM write it."""
_WORK: Final = 4_000_000
"""Letters read, some of them again and again, to find the objects of one text: a fifth of a second."""
_LEAST_WORK: Final = 400  # what one beginning counts
_BEGINS: Final = re.compile(r"\{\s*(?:[\"}]|$)")


@dataclass(frozen=True, slots=True)
class _Objects:
    """Where a text's JSON objects are, none within another, and where one begins that the text ends in the middle of."""

    text: str
    spans: Sequence[slice]
    torn: int | None

    def passing(self, schema: type[BaseModel], *, last_word: bool = False) -> dict[str, Any] | None:
        """The last that passes the form, of those with the most of its members, with or without a wrapping; with `last_word` the
        text must end with it."""
        spans = [span for span in self.spans if not last_word or _TRAIL.fullmatch(self.text, span.stop)]
        decoded = (_decoded(self.text[span]) for span in reversed(spans))
        passing = (one for value in decoded for one in _within(value) if _fits(one, schema))
        return max(passing, key=lambda one: len(one.keys() & schema.model_fields.keys()), default=None)

    def longest(self) -> dict[str, Any] | None:
        """The one that says most, whatever its form."""
        span = max(self.spans, key=lambda span: span.stop - span.start, default=slice(0))
        found: dict[str, Any] | None = _decoded(self.text[span])
        return found


def object_in(text: str, schema: type[BaseModel], *, cut: bool = False) -> dict[str, Any] | None:
    """The JSON object of an answer: the text as a whole; else, of what follows its thoughts, the last that passes the form, else
    the longest. What an answer that was cut off, or thoughts alone, do not end with is a draft."""
    whole = _decoded(text)
    if isinstance(whole, dict) and schema.model_fields.keys() <= whole.keys():
        return whole
    if isinstance(whole, str):
        return object_in(whole, schema, cut=cut)
    said = text if isinstance(whole, dict) else spoken(text)
    objects = _objects(said or text)
    if said and objects.torn is not None:
        return None
    found = _in_tags(said, schema) or objects.passing(schema, last_word=cut or not said)
    return found or (objects.longest() if said and not cut else None)


def spoken(text: str) -> str:
    """The text without the thoughts before it; "" where it is nothing but thoughts."""
    *_, end = [0, *(found.end() for found in _THOUGHT_ENDS.finditer(text))]
    return "" if not end and _THOUGHT_BEGINS.match(text) else text[end:].strip()


def lack(text: str, *, cut: bool) -> str:
    """Why there is no answer in a text, in words."""
    said = spoken(text)
    cut = cut or _objects(said).torn is not None
    what = CUT if cut else "the answer is not one JSON object" if said else "the answer was empty"
    return what if said or not text.strip() else f"{what}, only thoughts came"


def remains(text: str) -> Any | None:
    """The object that a text was cut off in, as far as it goes; None if it was in none."""
    said = spoken(text)
    torn = _objects(said).torn
    return None if torn is None else from_json(said[torn:], allow_inf_nan=False, allow_partial=True)


def _decoded(text: str) -> Any | None:
    try:
        return from_json(text.strip(), allow_inf_nan=False)
    except ValueError:
        return None


def _fits(value: Any, schema: type[BaseModel]) -> bool:
    return parse(value, schema)[0] is not None


def _within(value: Any) -> Iterator[dict[str, Any]]:
    """The object, and what is wrapped in it: the arguments of a tool call, an answer under a name, either once more as text."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = _decoded(value)
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from _within(member)


def _in_tags(text: str, schema: type[BaseModel]) -> dict[str, Any] | None:
    found = {name: _argument(value) for name, value in _ARGUMENT.findall(text)}
    return found if found and _fits(found, schema) else None


def _argument(text: str) -> Any:
    value = _decoded(text)
    return text.strip() if value is None else value


def _no_number(name: str) -> None:
    raise ValueError(name)


_DECODER: Final = json.JSONDecoder(parse_constant=_no_number)


def _objects(text: str) -> _Objects:
    spans, work, begin = list[slice](), _WORK, _BEGINS.search(text)
    while begin and work > 0:
        at = begin.start()
        end, read = _object_at(text, at)
        if end:
            spans.append(slice(at, end))
        elif _torn(text, at, read):
            return _Objects(text, spans, at)
        work -= max(read - at, _LEAST_WORK)
        begin = _BEGINS.search(text, end or at + 1)
    return _Objects(text, spans, None)


def _object_at(text: str, start: int) -> tuple[int, int]:
    """Where the object that begins here ends, 0 if none does; and how far the text was read for it."""
    try:
        _, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        return 0, len(text) if error.msg.startswith("Unterminated") else error.pos
    except (ValueError, RecursionError):
        return 0, start + 25 * _LEAST_WORK
    return end, end


def _torn(text: str, start: int, read: int) -> bool:
    """Whether the text is the beginning of a JSON object from here on. What is whole inside that is not the answer."""
    if read < len(text) - len("false,\\u00"):
        return False
    try:
        from_json(text[start:], allow_inf_nan=False, allow_partial=True)
    except ValueError:
        return False
    return True
