"""Sentences for a log or an error that must not carry what a user wrote, although somebody else wrote them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

GAP: Final = "…"
LONGEST: Final = 1000
"""Letters of a sentence; the rest is left out."""
LOOKED_THROUGH: Final = 8_000_000
"""Bytes that are read for one sentence, a few milliseconds of the event loop. Words after that are left out unread."""

_WORD = re.compile(r"\\+(?:[bfnrt]|(?P<escaped>u[0-9a-fA-F]{4}))|(?P<word>[가-힣]{2,}|[^\W_][\w-]{4,})")
_AFTER_BACKSLASH = re.compile(r"(?<=\\)[bfnrt][\w-]{4,}")
"""What looks like an escaped line break, say, but may be the user's backslash and the user's word."""
_PIECE = re.compile(r"[가-힣]+|[A-Z]+(?![a-z])|[^\W\d_가-힣][^\W\d_가-힣A-Z]*")
"""Of a word: what an underscore, a digit, a capital or another script ends."""


def unquoted(sentence: str, text: bytes) -> str:
    """The sentence without the words, of five letters or two syllables and more, whose stem or a piece's the text (UTF-8) has.

    What a provider cites is found whole; what a language model inflects, by its stem.
    """
    has = _reader(text)

    def kept(found: re.Match[str]) -> str:
        theirs = found["escaped"] or (found["word"] and any(map(has, _stems(found["word"]))))
        return GAP if theirs else found[0]

    read = _AFTER_BACKSLASH.sub(lambda word: GAP if has(word[0][:5]) else word[0], sentence[:LONGEST])
    return _WORD.sub(kept, read) + GAP * (len(sentence) > LONGEST)


def _reader(text: bytes) -> Callable[[str], bool]:
    """Whether the text has something, in capitals or not; yes to everything once too much has been read."""
    left = LOOKED_THROUGH - len(text)
    lowered = text.lower() if len(text) <= left else text

    @cache
    def has(stem: str) -> bool:
        nonlocal left
        if len(lowered) > left:
            return True
        at = lowered.find(stem.encode("utf-8", "replace").lower())
        left -= len(lowered) if at < 0 else at
        return at >= 0

    return has


def _stems(word: str) -> Iterator[str]:
    """The beginning of each piece that is long enough; the word itself if none is."""
    stems = [stem for piece in _PIECE.findall(word) if (stem := _stem(piece))]
    return iter(stems or [word])


def _stem(piece: str) -> str:
    letters = 2 if "가" <= piece[0] <= "힣" else 5
    return piece[:letters] if len(piece) >= letters else ""
