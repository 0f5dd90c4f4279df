"""Reads Korean sentences."""

from __future__ import annotations

from executor.llm.offline.facts import Facts, Term
from executor.llm.offline.text import Sentence


class Korean:
    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def heading(self, title: str) -> Term:
        return Term(title, title)

    def is_actor(self, title: str) -> bool:
        return False

    def has_verb(self, text: str) -> bool:
        return False

    def sentence(self, sentence: Sentence, actor: Term | None = None) -> None:
        pass
