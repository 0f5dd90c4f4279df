"""Sentences for a log or an error that must not carry what a user wrote, although somebody else wrote them."""

from __future__ import annotations

import re

_WORD = re.compile(r"[가-힣]{2,}|[^\W_][\w-]{4,}")
GAP = "…"


def unquoted(sentence: str, text: str) -> str:
    """The sentence without the words, of five letters or two syllables and more, that the text has too, or parts of."""
    lowered = text.lower()
    theirs = set(_WORD.findall(lowered))

    def kept(word: re.Match[str]) -> str:
        found = word[0].lower()
        return GAP if found in lowered or any(part in found for part in theirs) else word[0]

    return _WORD.sub(kept, sentence)
