"""Under which terms a policy acts, and what the text leaves open: sentences for formats that have no place of their own for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from poller.board.text import clean, one_line
from poller.board.words import export_words_for
from poller.resolved import Resolved

Words = Mapping[str, str]
OF_THE_WHOLE = ""


def terms(policy: Any, words: Words) -> Iterator[str]:
    """Its time and its condition, a line each; of a policy's message or of its sticker."""
    for term in ("timer", "condition"):
        if told := one_line(clean(getattr(policy, term))):
            yield f"{words[term]}: {told}"


def questions(found: Resolved) -> defaultdict[str, list[str]]:
    """By the path of what each is about, or `OF_THE_WHOLE`."""
    words = export_words_for(found.model)
    asked: defaultdict[str, list[str]] = defaultdict(list)
    for question in found.questions:
        about = question.about.path if question.about else OF_THE_WHOLE
        asked[about].append(f"{words['question']}: {one_line(clean(question.message.text))}")
    return asked
