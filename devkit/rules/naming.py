"""Names: PascalCase, camelCase, UPPER_SNAKE, singular and plural of English words. No grammar."""

from __future__ import annotations

import re
from functools import cache

from devkit.rules import lexicon

_WORDS = "english_words.txt"
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[A-Z]")


def parts(name: str) -> list[str]:
    """The words of an identifier or phrase: `orderDate`, `order_date`, `Order date` -> order, date."""
    return [part.lower() for part in _PARTS.findall(name.replace("'s", ""))]


def pascal(text: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in parts(text))


def camel(text: str) -> str:
    name = pascal(text)
    return name[:1].lower() + name[1:]


def upper_snake(text: str) -> str:
    return "_".join(parts(text)).upper()


def title(text: str) -> str:
    """A display name: words with a capital first letter."""
    return " ".join(part[:1].upper() + part[1:] for part in parts(text))


def sentence_case(text: str) -> str:
    joined = " ".join(parts(text))
    return joined[:1].upper() + joined[1:]


@cache
def singular(word: str) -> str:
    irregular = lexicon.pairs(_WORDS, "plural_irregular")
    low = word.lower()
    if low in irregular:
        return irregular[low]
    if low in lexicon.words(_WORDS, "uncountable") or len(low) < 4 or low.endswith(("ss", "us", "is")):
        return low
    if low.endswith("ies"):
        return low[:-3] + "y"
    if low.endswith(("ches", "shes", "sses", "xes", "zes")):
        return low[:-2]
    return low[:-1] if low.endswith("s") else low


def is_plural(word: str) -> bool:
    return singular(word) != word.lower()


@cache
def plural(word: str) -> str:
    low = word.lower()
    if is_plural(low):
        return low
    if low.endswith("y") and low[-2:-1] not in "aeiou":
        return low[:-1] + "ies"
    return low + ("es" if low.endswith(("s", "x", "z", "ch", "sh")) else "s")
