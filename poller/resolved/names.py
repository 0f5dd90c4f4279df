"""Names of any text: cases, plurals, legal identifiers, what is unique and what may be stored. Pure text, no model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from process import plurals

NULL = "@"  # what stands for null in the database
LONE_AT = "＠"  # what a genuine text "@" becomes: the plain one would be read back as null

_LONGEST = 100  # identifiers end at 128; suffixes such as "Id" and numbers still fit
_LONGEST_CONTEXT = 200
_RESERVED_CONTEXT = "ui"  # the canvas keeps this name for its site map
_FORBIDDEN_IN_CONTEXT = str.maketrans(dict.fromkeys(".#$/[]\x7f", " ") | {chr(n): " " for n in range(32)})
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+|[^\W\dA-Za-z_]+")

# Revised Romanisation, syllable by syllable: initials, vowels, finals in Unicode order; "_" is silent.
_LETTERS = """
g kk n d tt r m b pp s ss _ j jj ch k t p h
a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i
_ k k k n n n t l k m l l l p l m p p t t ng t t k t p t
"""
_INITIALS, _VOWELS, _FINALS = (row.replace("_", "").split(" ") for row in _LETTERS.strip().split("\n"))
_FIRST_SYLLABLE, _LAST_SYLLABLE = ord("가"), ord("힣")


def plain(text: str) -> str:
    """The text, or its full-width form if it is the one text that means null."""
    return LONE_AT if text == NULL else text


def _words(text: str) -> list[str]:
    """The words of a name in any case: "PlaceOrderUI" has three."""
    return _WORD.findall(text)


@lru_cache(maxsize=4096)
def pascal(text: str) -> str:
    """PlaceOrderUi, of any case and language."""
    return "".join(word[:1].upper() + word[1:].lower() for word in _words(text))


@lru_cache(maxsize=4096)
def camel(text: str) -> str:
    """placeOrderUi, of any case and language."""
    name = pascal(text)
    first = _words(text)[0] if name else ""
    return first.lower() + name[len(first) :]


@lru_cache(maxsize=4096)
def plural(text: str) -> str:
    """English plural of a name, in camelCase."""
    return plurals.plural(camel(text))


def romanised(text: str) -> str:
    """Hangul in Latin letters, accents dropped, the rest as it is."""
    latin = "".join(_syllable(character) for character in unicodedata.normalize("NFC", text))
    decomposed = unicodedata.normalize("NFKD", latin)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _syllable(character: str) -> str:
    if not _FIRST_SYLLABLE <= ord(character) <= _LAST_SYLLABLE:
        return character
    vowels, finals = len(_VOWELS), len(_FINALS)
    initial, rest = divmod(ord(character) - _FIRST_SYLLABLE, vowels * finals)
    vowel, final = divmod(rest, finals)
    return _INITIALS[initial] + _VOWELS[vowel] + _FINALS[final]


def context_name(text: str) -> str:
    """The text without what RTDB and the canvas do not take in the name of a context."""
    name = " ".join(text.translate(_FORBIDDEN_IN_CONTEXT).split())[:_LONGEST_CONTEXT]
    return "Ui" if name == _RESERVED_CONTEXT else plain(name) or "BoundedContext"


@lru_cache(maxsize=4096)
def class_name(text: str, *, otherwise: str) -> str:
    """The text itself if it is a legal identifier, else the PascalCase name nearest to it."""
    if _IDENTIFIER.match(text):
        return text[:_LONGEST]
    return _legal(pascal(_latin(text)), otherwise)


@lru_cache(maxsize=4096)
def field_name(text: str) -> str:
    """The text itself if it is a legal identifier, else the camelCase name nearest to it."""
    if _IDENTIFIER.match(text):
        return text[:_LONGEST]
    return _legal(camel(_latin(text)), "field")


def _latin(text: str) -> str:
    return romanised(text).encode("ascii", "replace").decode("ascii")


def _legal(name: str, otherwise: str) -> str:
    legal = f"_{name}" if name[:1].isdigit() else name
    return legal[:_LONGEST] or otherwise


class Register:
    """Gives every name once; a name asked for again gets a number."""

    def __init__(self, taken: Iterable[str] = (), *, ignore_case: bool = True) -> None:
        self._ignore_case = ignore_case
        self._taken = {self._same(name) for name in taken}

    def take(self, name: str) -> str:
        """This name, or it with the first free number, from 2."""
        number, unique = 1, name
        while self._same(unique) in self._taken:
            number += 1
            unique = f"{name}{number}"
        self._taken.add(self._same(unique))
        return unique

    def _same(self, name: str) -> str:
        return "".join(name.split()).casefold() if self._ignore_case else name
