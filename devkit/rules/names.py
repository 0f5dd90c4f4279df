"""What a text does to each aggregate of a context, under names that are unique; names that are asked for appear literally."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from devkit.rules import asked, lexicon, naming
from devkit.rules.analysis import Analysis, Found
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


def names(
    owned: Sequence[Term], analysis: Analysis, required: asked.Blocks, lines: asked.Lines, *, korean: bool
) -> list[Named]:
    """What the text does to each aggregate of the context, and the required names, literally."""
    named = [_named(analysis.of(term.name) or Found(term)) for term in owned]
    for kind in ("events", "commands", "read_models"):
        wanted = list(filter(None, asked.texts(required.get(kind))))
        present = {_said(kind, element) for one in named for element in (*one.commands, *one.views)}
        for name in dict.fromkeys(name for name in wanted if named and name not in present):
            _require(_home_of(kind, name, named), kind, name, wanted)
    taken: set[str] = set()
    for one in named:
        one.commands = one.commands or [_begun(one.term, korean=korean)]
        for element in (*one.commands, *one.views):
            found = (n for n, line in lines if element.name in line)
            element.lines = element.lines or asked.numbers(list(found)[:2])
        _make_unique(one, taken)
    return named


def _named(found: Found) -> Named:
    def elements(actions: Sequence[Action]) -> list[Element]:
        return [
            Element(
                name=action.command.name,
                alias=action.command.alias,
                event=action.event,
                many=action.command.plural,
                actor=action.actor.alias if action.actor else "",
                lines=asked.where(
                    other.place for other in found.actions if other.command.name == action.command.name
                ),
            )
            for action in actions
        ]

    return Named(found.term, elements(found.commands), elements(found.questions))


# ---------------------------------------------------------------- names that are asked for


def _said(kind: str, element: Element) -> str:
    return element.event.name if kind == "events" else element.name


def _of_kind(kind: str, one: Named) -> list[Element]:
    return one.views if kind == "read_models" else one.commands


def _require(one: Named, kind: str, name: str, wanted: Collection[str]) -> None:
    """A name takes the place of one that says the same, a look-up of one with as many results; another is added: an event
    with a command of its own, a command with the event its name suggests."""
    elements, many = _of_kind(kind, one), naming.is_plural(naming.head(name))
    for element in elements:
        said = _said(kind, element)
        same = element.many == many if kind == "read_models" else _restates(kind, said, name)
        if same and said not in wanted and kind == "events":
            element.event = replace(element.event, name=name)
        elif same and said not in wanted:
            element.name = name
        if same and said not in wanted:
            return
    command = tenses.imperative(name) if kind == "events" else name
    elements.append(
        replace(_plain(command, name if kind == "events" else tenses.past_tense(name)), many=many)
    )


def _plain(command: str, event: str) -> Element:
    return Element(command, naming.sentence_case(command), Term(event, naming.sentence_case(event)))


def _home_of(kind: str, name: str, named: Sequence[Named]) -> Named:
    """The aggregate whose name is in the required name; else the one whose behaviour has its words, or restates it; else the
    first."""
    low, words = name.casefold(), set(naming.parts(name))

    def likeness(one: Named) -> tuple[int, bool, int]:
        said = any(part in low for part in (one.term.name.casefold(), naming.plural(one.term.name)))
        same = any(_restates(kind, _said(kind, element), name) for element in _of_kind(kind, one))
        known = {word for command in one.commands for word in naming.parts(command.name)}
        return said * len(one.term.name), same, len(words & known)

    return max(named, key=likeness)


def participle(event: str) -> str:
    """The verb of an event's name; "" where there is none."""
    return tenses.base_of(naming.head(event)) or ""


def _restates(kind: str, name: str, other: str) -> bool:
    """BookBorrowed says what BookLent says, BorrowBook what LendBook."""
    same = lexicon.pairs("english_words.txt", "same_as")
    if kind == "events":
        name, other = tenses.imperative(name), tenses.imperative(other)
    (verb, *things), (other_verb, *others) = naming.parts(name), naming.parts(other)
    return same.get(verb, verb) == same.get(other_verb, other_verb) and not set(things).isdisjoint(others)


# ---------------------------------------------------------------- names that must be


def _begun(term: Term, *, korean: bool) -> Element:
    """An aggregate that nothing happens to must at least come into being."""
    person = is_person(naming.head(term.name))
    verb, noun = ("Register", "등록") if person else ("Create", "생성")
    name = verb + term.name
    event = tenses.past_tense(name)
    if korean:
        return Element(name, f"{term.alias} {noun}", Term(event, f"{term.alias} {noun}됨"))
    return _plain(name, event)


def _make_unique(one: Named, taken: set[str]) -> None:
    """No two commands, events or look-ups of a context share a name: the later one is named after its aggregate too."""

    def free(kind: str, name: str) -> str:
        name = f"{name}Of{one.term.name}" if f"{kind}:{name}".casefold() in taken else name
        taken.add(f"{kind}:{name}".casefold())
        return name

    events = {name: free("event", name) for name in dict.fromkeys(c.event.name for c in one.commands)}
    for command in one.commands:
        command.name = free("command", command.name)
        command.event = replace(command.event, name=events[command.event.name])
    for view in one.views:
        view.name = free("view", view.name)
