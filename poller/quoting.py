"""Sentences for a log or an error that must not carry what a user wrote, although somebody else wrote them."""

from __future__ import annotations

import re

_WORD = re.compile(r"[가-힣]{2,}|[A-Za-z0-9][\w-]{4,}")
GAP = "…"


def unquoted(sentence: str, text: str) -> str:
    """The sentence without the words, of five letters or two syllables and more, that the text has too."""
    lowered = text.lower()
    return _WORD.sub(lambda word: GAP if word[0].lower() in lowered else word[0], sentence)
