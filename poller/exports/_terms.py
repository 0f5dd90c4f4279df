"""Under which terms a policy acts, and what the text leaves open: sentences for formats that have no place of their own for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from poller.board.text import clean, one_line
from poller.board.wall import title_of
from poller.board.words import export_words_for
from poller.resolved import Policy, Resolved

Words = Mapping[str, str]
OF_THE_WHOLE = ""


def terms(policy: Any, words: Words) -> Iterator[str]:
    """Its time and its condition, a line each; of a policy's message or of its sticker."""
    for term in ("timer", "condition"):
        if told := one_line(clean(getattr(policy, term))):
            yield f"{words[term]}: {told}"


def policy_lines(policy: Policy, words: Words) -> Iterator[str]:
    """What it is for, what sets it off and under which terms, and what follows."""
    told = policy.message
    yield f"{words['policy']}: {title_of(told)}" + (f" – {told.reason}" if told.reason.strip() else "")
    if policy.trigger:
        yield f"{words['trigger']}: {title_of(policy.trigger.message)}"
    yield from terms(told, words)
    ends = ", ".join(title_of(it.message) for it in policy.commands or policy.results)
    yield f"{words['givesCommands' if policy.commands else 'results']}: {ends}"


def questions(found: Resolved, *, named: bool) -> defaultdict[str, list[str]]:
    """By the path of what each is about, or `OF_THE_WHOLE`. `named`: each says what it is."""
    before = f"{export_words_for(found.model)['question']}: " if named else ""
    asked: defaultdict[str, list[str]] = defaultdict(list)
    for question in found.questions:
        about = question.about.path if question.about else OF_THE_WHOLE
        asked[about].append(before + one_line(clean(question.message.text)))
    return asked
