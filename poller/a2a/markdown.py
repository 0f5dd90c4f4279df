"""JSON objects as Markdown, which is what the readers of a requirements text expect. Pure.

Agents paste objects into their messages; as the worker before this one did, their members become headings and bullets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_MOST_FAILURES = 200
"""Braces that begin no object: a text of nothing but braces must not be tried at each of them."""


def readable(text: str) -> str:
    """The text, with the JSON objects in it written as Markdown; the rest stays as it is."""
    pieces, at, failures = [], 0, 0
    decoder = json.JSONDecoder()
    while failures < _MOST_FAILURES and (brace := text.find("{", at)) >= 0:
        try:
            found, end = decoder.raw_decode(text, brace)
            written = as_markdown(found) if found else text[brace:end]
        except (ValueError, RecursionError):
            written, end, failures = text[brace], brace + 1, failures + 1
        pieces += [text[at:brace], written]
        at = end
    return "".join([*pieces, text[at:]])


def as_markdown(value: Any) -> str:
    """A JSON value: members become headings, or bullets where they are short; items become bullets. Raises RecursionError."""
    return "\n".join(_lines(value, 2))


def _lines(value: Any, depth: int) -> Iterator[str]:
    if not isinstance(value, dict):
        yield from _bullets(value, "")
        return
    for name, member in value.items():
        if isinstance(member, (dict, list)):
            yield f"{'#' * min(depth, 6)} {name}"
            yield from _lines(member, depth + 1)
        else:
            yield f"- {name}: {_scalar(member)}"


def _bullets(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _item(item, indent)
    elif isinstance(value, dict):
        for name, member in value.items():
            if isinstance(member, (dict, list)):
                yield f"{indent}- {name}:"
                yield from _bullets(member, f"{indent}  ")
            else:
                yield f"{indent}- {name}: {_scalar(member)}"
    else:
        yield f"{indent}- {_scalar(value)}"


def _item(item: Any, indent: str) -> Iterator[str]:
    """An object in a list is one bullet, its other members below the first."""
    lines = _bullets(item, f"{indent}  " if isinstance(item, (dict, list)) else indent)
    for number, line in enumerate(lines):
        yield f"{indent}- {line.strip().removeprefix('- ')}" if number == 0 else line


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
