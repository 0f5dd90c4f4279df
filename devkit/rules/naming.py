"""Names: PascalCase, camelCase, UPPER_SNAKE, singular and plural of English words. No grammar."""

from __future__ import annotations

import re
from functools import lru_cache

from process import plurals

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[A-Z]")


@lru_cache(maxsize=8192)
def parts(name: str) -> tuple[str, ...]:
    """The words of an identifier or phrase: `orderDate`, `order_date`, `Order date` -> order, date."""
    return tuple(part.lower() for part in _PARTS.findall(name.replace("'s", "")))


def head(name: str) -> str:
    """The last of its words, what it is; "" where it has none."""
    return parts(name)[-1] if parts(name) else ""


@lru_cache(maxsize=8192)
def pascal(text: str) -> str:
    return "".join(map(str.capitalize, parts(text)))


def camel(text: str) -> str:
    return pascal(text)[:1].lower() + pascal(text)[1:]


def upper_snake(text: str) -> str:
    return "_".join(parts(text)).upper()


def title(text: str) -> str:
    """A display name: words with a capital first letter."""
    return " ".join(map(str.capitalize, parts(text)))


def sentence_case(text: str) -> str:
    return " ".join(parts(text)).capitalize()


def singular(word: str) -> str:
    return plurals.singular(word.lower())


def is_plural(word: str) -> bool:
    return singular(word) != word.lower()


def plural(word: str) -> str:
    return plurals.many(word.lower())
