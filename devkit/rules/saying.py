"""What the readers of both languages share: lists in a sentence are facts, a cause and its effects are a reaction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from devkit.rules import lexicon, naming
from devkit.rules.analysis import mentions
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
        self._line = 0
        self._near: Sequence[Action] = ()  # what the sentence before said is done last

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
        undone: Collection[str] = (),
        became: Sequence[Action] = (),
    ) -> None:
        """What follows from an event without anybody named is done by the system; a cause of nothing is no command. Where
        something is so (`state`) rather than happens, what brought it about is the cause, and the state a condition; not what
        was not done (`undone`, verbs); what nothing brought about is an event itself, if it can be (`became`)."""
        timer = timer_of(state)
        happened = state and state != timer and effects and not causes
        known = self._brought_about(state, effects, undone) if happened else None
        if known is None and became and by_itself(effects):
            causes, state = became, ""
        timed = known is None and not causes and bool(timer) and by_itself(effects)
        if effects and (causes or known or timed):
            results = tuple(replace(one, automatic=one.automatic or one.actor is None) for one in effects)
            triggers = (replace(known, place=sentence.whole),) if known else tuple(causes)
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

    def _brought_about(self, state: str, effects: Sequence[Action], undone: Collection[str]) -> Action | None:
        """The last thing done before to what a state is about; what waits for something that is not done began with the first.
        Where nobody decides in between, else what was found out last, or done to what its effects are done to."""
        said = {one.command.name for one in effects}
        line, self._line = self._line, 0
        done = [
            one
            for one in self._facts.done()
            if one.kind != "notify" and one.command.name not in said
            if not (undone and one.verb in ("cancel", "withdraw", "reject"))
            if one.place.line <= (line or one.place.line)
        ]
        alone, spoken, timed = by_itself(effects), state.split(), bool(timer_of(state))
        named = {word[:-1] for word in spoken} | set(spoken if timed and "before" not in spoken else ())
        finding = lexicon.words("english_words.txt", "finding")
        things = [one.thing.name for one in effects if one.kind != "notify" and undone]
        begun = 5 if state.isascii() else 1
        ways: list[Callable[[Action], bool]] = [
            lambda one: alone and len(spoken) > 2 and " ".join(spoken[-2:]) in one.place.quote,
            lambda one: (alone or not line) and mentions(state[: len(one.thing.alias) + begun], one.thing),
            lambda one: one.place.line == line,
            lambda one: one.command.alias.split()[-1] in named,
            lambda one: mentions(state, one.thing),
            lambda one: one in done[-2:] and one.verb in finding,
            lambda one: any(
                thing.startswith(one.thing.name) or _verb_of(thing) == one.verb for thing in things
            ),
        ]
        for way in ways if alone else ways[:2]:
            waiting = takewhile(lambda one: one.verb not in undone, filter(way, done))
            if known := next(reversed(list(waiting)), None):
                return known
        waits = not timed or lexicon.words("english_words.txt", "awaited").intersection(undone)
        return next((one for one in self._near if alone and waits and one in done), None)

    def after(self, line: int) -> None:
        """What brings the next sentence's state about is done in this line."""
        self._line = line

    def forget(self) -> None:
        """What follows is about something else."""
        self._thing = self._actor = None

    def _as_done(self, cause: Action, noun_of: str) -> Action:
        """A cause as it was done before."""
        known = self._facts.earlier(cause, noun_of)
        return replace(known, place=cause.place) if known else cause


def by_itself(effects: Sequence[Action]) -> bool:
    """Whether nobody does any of it."""
    return all(one.actor is None for one in effects)


def _verb_of(thing: str) -> str:
    """Of a reservation reserve."""
    return lexicon.pairs("english_words.txt", "nominal").get(naming.head(thing), "")
