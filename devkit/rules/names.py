"""What a text does to each aggregate of a context; names that are asked for appear literally."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from devkit.rules import asked, lexicon, naming
from devkit.rules.analysis import Analysis
from devkit.rules.english_lists import is_person
from devkit.rules.facts import Action, Term
from executor import tenses


@dataclass(slots=True)
class Element:
    """A command with the event it leads to, or a look-up; `lines` are empty where no sentence gave it."""

    name: str
    alias: str
    event: Term
    many: bool = False
    actor: str = ""
    lines: str = ""


@dataclass(slots=True)
class Named:
    """An aggregate with what is done to it and asked about it."""

    term: Term
    commands: list[Element]
    views: list[Element]

    def of(self, kind: str) -> list[Element]:
        return self.views if kind == "read_models" else self.commands


def names(owned: Sequence[Term], analysis: Analysis, required: asked.Blocks, *, korean: bool) -> list[Named]:
    """What the text does to each aggregate of the context, and the required names, literally."""
    named = [
        Named(one.term, _elements(one.commands, one.actions), _elements(one.questions, one.actions))
        for one in map(analysis.of, owned)
    ]
    for kind in ("events", "commands", "read_models"):
        wanted = list(filter(None, asked.texts(required.get(kind))))
        present = {_said(kind, element) for one in named for element in one.of(kind)}
        for name in dict.fromkeys(name for name in wanted if named and name not in present):
            _require(_home_of(kind, name, named), kind, name, wanted)
    for one in named:
        one.commands = one.commands or [_begun(one.term, korean=korean)]
    return named


def _elements(actions: Sequence[Action], every: Sequence[Action]) -> list[Element]:
    return [
        Element(
            name=action.command.name,
            alias=action.command.alias,
            event=action.event,
            many=action.command.plural,
            actor=action.actor.alias if action.actor else "",
            lines=asked.where(one.place for one in every if one.command.name == action.command.name),
        )
        for action in actions
    ]


# ---------------------------------------------------------------- names that are asked for


def _said(kind: str, element: Element) -> str:
    return element.event.name if kind == "events" else element.name


def _require(one: Named, kind: str, name: str, wanted: Collection[str]) -> None:
    """A name takes the place of one that says the same, a look-up of one with as many results; another is added: an event
    with a command of its own, a command with the event its name suggests."""
    many = naming.is_plural(naming.head(name))
    free = (element for element in one.of(kind) if _said(kind, element) not in wanted)
    for element in free:
        if element.many == many if kind == "read_models" else _restates(kind, element, name):
            if kind == "events":
                element.event = replace(element.event, name=name)
            else:
                element.name = name
            return
    event = kind == "events"
    command, event_name = (tenses.imperative(name), name) if event else (name, tenses.past_tense(name))
    one.of(kind).append(replace(_plain(command, event_name), many=many))


def _plain(command: str, event: str) -> Element:
    return Element(command, naming.sentence_case(command), Term(event, naming.sentence_case(event)))


def _home_of(kind: str, name: str, named: Sequence[Named]) -> Named:
    """The aggregate whose behaviour restates the required name; else the one with most of its words; else the first."""
    words = set(map(naming.singular, naming.parts(name)))

    def likeness(one: Named) -> tuple[bool, int]:
        said = " ".join((one.term.name, *(command.name for command in one.commands)))
        restated = any(_restates(kind, element, name) for element in one.of(kind))
        return restated, len(words.intersection(naming.parts(said)))

    return max(named, key=likeness)


def _restates(kind: str, element: Element, other: str) -> bool:
    """BookBorrowed says what BookLent says, BorrowBook what LendBook."""
    same, name = lexicon.pairs("english_words.txt", "same_as"), _said(kind, element)
    if kind == "events":
        name, other = tenses.imperative(name), tenses.imperative(other)
    (verb, *things), (other_verb, *others) = naming.parts(name), naming.parts(other)
    return same.get(verb, verb) == same.get(other_verb, other_verb) and not set(things).isdisjoint(others)


# ---------------------------------------------------------------- names that must be


def _begun(term: Term, *, korean: bool) -> Element:
    """An aggregate that nothing happens to must at least come into being."""
    verb, noun = ("Register", "등록") if is_person(naming.head(term.name)) else ("Create", "생성")
    begun = _plain(verb + term.name, tenses.past_tense(verb + term.name))
    if korean:
        alias = f"{term.alias} {noun}"
        return replace(begun, alias=alias, event=replace(begun.event, alias=f"{alias}됨"))
    return begun
