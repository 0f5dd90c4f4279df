"""What the readers of both languages share: lists in a sentence are facts, a cause and its effects are a reaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from devkit.rules.facts import Action, Choices, Facts, Members, Reaction, Rule, Term
from devkit.rules.text import Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a sentence says by itself: lists, or words of one form, perhaps with a story's actor, a cause and an effect."""

    choices: Sequence[Choices]
    members: Sequence[Members]
    rule: bool
    words: str
    actor: Term | None
    cause: Sequence[Any] = ()
    effect: Sequence[Any] = ()


class Reading:
    """One text's reader: remembers what was spoken of last. Adds to the facts it was given."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._thing: Term | None = None
        self._actor: Term | None = None

    def _lists(self, sentence: Sentence, said: Said) -> bool:
        """Adds what a sentence lists; whether it does."""
        self._facts.choices += [replace(fact, place=sentence.whole) for fact in said.choices]
        self._facts.members += [replace(fact, place=sentence.whole) for fact in said.members]
        if said.rule:
            self._facts.rules.append(Rule(place=sentence.whole, text=sentence.text))
        owners = [fact.owner for fact in said.choices] + [fact.owner for fact in said.members]
        self._thing = (owners[-1] if owners else None) or self._thing
        return bool(owners)

    def _add(self, sentence: Sentence, causes: Sequence[Action], effects: Sequence[Action]) -> None:
        """What follows from an event without anybody named is done by the system; a cause of nothing is no command."""
        if causes and effects:
            results = tuple(replace(one, automatic=one.automatic or one.actor is None) for one in effects)
            reaction = Reaction(
                place=sentence.whole, triggers=tuple(causes), results=results, text=sentence.text
            )
            self._facts.reactions.append(reaction)
        else:
            self._facts.actions += effects

    def _as_done(self, cause: Action, noun_of: str) -> Action:
        """A cause as it was done before."""
        known = self._facts.earlier(cause, noun_of)
        return replace(known, place=cause.place) if known else cause
