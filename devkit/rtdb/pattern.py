"""The regular expressions of security rules: the documented part of JavaScript's, and nothing else that Python would take."""

from __future__ import annotations

import re
from collections.abc import Iterator


class BadPattern(ValueError):
    """No regular expression of the rules' language."""


_PART = re.compile(
    r"""
      (?P<charset>\\[swdSWD])
    | (?P<literal>\\.)
    | (?P<set>\[\^?(?:\\.|[^\]\\])+\])
    | (?P<repeat>(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??)
    | (?P<anchor>[\^$])
    | (?P<structure>[().|])
    | (?P<char>[^\\\[\]{])
    """,
    re.VERBOSE | re.DOTALL,
)
_SET_PART = re.compile(r"(?P<charset>\\[swdSWD])|(\\.|.)-(\\.|.)|\\?.", re.DOTALL)


def compile_pattern(body: str, flags: str) -> re.Pattern[str]:
    if flags not in ("", "i"):
        raise BadPattern(f"flags {flags!r} are not supported")
    try:
        translated = "".join(_translated(body))
        return re.compile(translated, re.ASCII | (re.IGNORECASE if flags else 0))
    except (re.error, OverflowError) as error:
        raise BadPattern(str(error)) from error


def _translated(body: str) -> Iterator[str]:
    at = 0
    before: str | None = ""
    while at < len(body):
        part = _PART.match(body, at)
        if part is None:
            raise BadPattern(f"unexpected {body[at]!r}")
        yield _python(part, before, is_last=part.end() == len(body))
        at, before = part.end(), part.lastgroup if part[0] not in "(|" else ""


def _python(part: re.Match[str], before: str | None, *, is_last: bool) -> str:
    text = part[0]
    match part.lastgroup:
        case "literal":
            return re.escape(text[1])
        case "char":
            return re.escape(text)
        case "set":
            return _python_set(text)
        case "repeat":
            if before in ("", "repeat", "anchor"):
                raise BadPattern(f"nothing to repeat before {text}")
            return text.removesuffix("?") or text
        case "anchor":
            return _python_anchor(text, is_first=part.start() == 0, is_last=is_last)
    return text


def _python_anchor(text: str, *, is_first: bool, is_last: bool) -> str:
    if not (is_first if text == "^" else is_last):
        raise BadPattern("^ is the first letter of a pattern, $ the last")
    return text if text == "^" else r"\Z"


def _python_set(text: str) -> str:
    start = "[^" if text.startswith("[^") else "["
    return start + "".join(map(_python_set_part, _SET_PART.finditer(text, len(start), len(text) - 1))) + "]"


def _python_set_part(part: re.Match[str]) -> str:
    """`[` and a doubled sign mean something to Python inside a set."""
    if part["charset"]:
        return part[0]
    return f"{_quoted(part[2])}-{_quoted(part[3])}" if part[2] else _quoted(part[0])


def _quoted(part: str) -> str:
    return re.escape(part[-1])
