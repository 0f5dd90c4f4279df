"""What the readers of both languages share: lists in a sentence are facts, a cause and its effects are a reaction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from devkit.rules.facts import Action, Choices, Facts, Members, Reaction, Rule, Term
from devkit.rules.loose_ends import timer_of
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
    state: str = ""


class Reading(ABC):
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

    def _add(
        self,
        sentence: Sentence,
        causes: Sequence[Action],
        effects: Sequence[Action],
        state: str = "",
    ) -> None:
        """What follows from an event without anybody named is done by the system; a cause of nothing is no command. What is so
        (`state`) rather than happens starts nothing but where it is a time."""
        timer = timer_of(state)
        timed = not causes and bool(timer) and by_itself(effects)
        if effects and (causes or timed):
            results = tuple(replace(one, automatic=one.automatic or one.actor is None) for one in effects)
            triggers = tuple(causes)
            said = "" if timed or state == timer else state
            reaction = Reaction(place=sentence.whole, triggers=triggers, results=results, text=sentence.text)
            self._facts.reactions.append(replace(reaction, condition=said))
        else:
            self._facts.actions += effects

    @abstractmethod
    def sentence(self, sentence: Sentence, actor: Term | None = None) -> None:
        """Adds what one sentence says."""

    def doing(self, who: str, does: str, *, seen: bool = False) -> str:
        """The sentence of a table's cells: who does something, or sees it."""
        return f"{does}을 조회할 수 있다" if seen else does

    def led(
        self, sentence: Sentence, causes: Sequence[Action], since: tuple[int, int], condition: str = ""
    ) -> None:
        """What was read since there were so many actions and reactions follows from what was done before."""
        done, reacted = since
        if causes:
            later = self._facts.reactions[reacted:]
            self._facts.reactions[reacted:] = [
                replace(one, triggers=one.triggers or tuple(causes)) for one in later
            ]
            effects = self._facts.actions[done:]
            del self._facts.actions[done:]
            self._add(sentence, causes, effects, condition)

    def turn(self) -> None:
        """A paragraph speaks of something of its own."""
        self._thing = self._actor = None

    def forget(self) -> None:
        """What follows has nothing to do with what came before."""
        self.turn()


def by_itself(effects: Sequence[Action]) -> bool:
    """Whether nobody does any of it."""
    return all(one.actor is None for one in effects)
