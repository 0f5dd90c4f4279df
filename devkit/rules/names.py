"""What a text does to each aggregate of a context, under names that are unique; names that are asked for appear literally."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from devkit.rules import asked, lexicon, naming
from devkit.rules.analysis import Analysis, Found
from devkit.rules.english_lists import is_person
from devkit.rules.facts import Action, Term
from executor import tenses


@dataclass(slots=True)
class Command:
    """With the event it leads to; `lines` are empty where no sentence gave it."""

    name: str
    alias: str
    event: Term
    actor: str = ""
    lines: str = ""


@dataclass(slots=True)
class View:
    name: str
    alias: str
    many: bool
    actor: str = ""
    lines: str = ""


@dataclass(slots=True)
class Named:
    """An aggregate with what is done to it and asked about it."""

    term: Term
    commands: list[Command] = field(default_factory=list)
    views: list[View] = field(default_factory=list)


def names(
    owned: Sequence[Term], analysis: Analysis, required: asked.Blocks, lines: asked.Lines, *, korean: bool
) -> list[Named]:
    """What the text does to each aggregate of the context, and the required names, literally."""
    named = [_named(analysis.of(term.name) or Found(term)) for term in owned]
    _add(
        named,
        asked.texts(required.get("events")),
        lambda one: [c.event.name for c in one.commands],
        _with_event,
    )
    _add(
        named,
        asked.texts(required.get("commands")),
        lambda one: [c.name for c in one.commands],
        _with_command,
    )
    _add(named, asked.texts(required.get("read_models")), lambda one: [v.name for v in one.views], _with_view)
    taken: set[str] = set()
    for one in named:
        one.commands = one.commands or [_begun(one.term, korean=korean)]
        elements: list[Command | View] = [*one.commands, *one.views]
        for element in elements:
            found = (n for n, line in lines if element.name in line)
            element.lines = element.lines or asked.numbers(list(found)[:2])
        _make_unique(one, taken)
    return named


def _named(found: Found) -> Named:
    def said(action: Action) -> tuple[str, str]:
        same = [other.place for other in found.actions if other.command.name == action.command.name]
        return action.actor.alias if action.actor else "", asked.where(same)

    return Named(
        found.term,
        [Command(a.command.name, a.command.alias, a.event, *said(a)) for a in found.commands],
        [View(a.command.name, a.command.alias, a.command.plural, *said(a)) for a in found.questions],
    )


# ---------------------------------------------------------------- names that are asked for


def _add(
    named: Sequence[Named],
    wanted: Collection[str],
    present: Callable[[Named], list[str]],
    into: Callable[[Named, str, Collection[str]], None],
) -> None:
    for name in dict.fromkeys(wanted):
        if name and named and all(name not in present(one) for one in named):
            into(_home_of(name, named), name, wanted)


def _with_event(one: Named, name: str, wanted: Collection[str]) -> None:
    """It takes the place of the one that it restates; another gets a command of its own."""
    for command in one.commands:
        if command.event.name not in wanted and _restates(command.event.name, name):
            command.event = Term(name, command.event.alias)
            return
    one.commands.append(_plain(tenses.imperative(name), name))


def _with_command(one: Named, name: str, wanted: Collection[str]) -> None:
    """It takes the place of the one with its verb; another leads to the event its name suggests."""
    for command in one.commands:
        if command.name not in wanted and _restates_command(command.name, name):
            command.name = name
            return
    one.commands.append(_plain(name, tenses.past_tense(name)))


def _plain(command: str, event: str) -> Command:
    return Command(command, naming.sentence_case(command), Term(event, naming.sentence_case(event)))


def _with_view(one: Named, name: str, wanted: Collection[str]) -> None:
    """It takes the place of a look-up of the text with as many results, if there is one."""
    many = naming.is_plural(naming.head(name))
    same = next((view for view in one.views if view.many == many and view.name not in wanted), None)
    if same:
        same.name = name
    else:
        one.views.append(View(name, naming.sentence_case(name), many))


def _home_of(name: str, named: Sequence[Named]) -> Named:
    """The aggregate whose name is in the required name; else the one whose actions have its words; else the first."""
    low = name.casefold()
    for one in sorted(named, key=lambda one: -len(one.term.name)):
        if one.term.name.casefold() in low or naming.plural(one.term.name) in low:
            return one
    return max(named, key=lambda one: _likeness(name, one))


def _likeness(name: str, one: Named) -> int:
    """How much of an aggregate's behaviour a name speaks of: what restates it counts most."""
    same = any(_restates(c.event.name, name) or _restates_command(c.name, name) for c in one.commands)
    known = {word for command in one.commands for word in naming.parts(command.name)}
    return 10 * same + len(set(naming.parts(name)) & known)


def participle(event: str) -> str:
    """The verb of an event's name; "" where there is none."""
    return tenses.base_of(naming.head(event)) or ""


def _restates(event: str, other: str) -> bool:
    """BookBorrowed says what BookLent says."""
    things = set(naming.parts(event)[:-1]) & set(naming.parts(other)[:-1])
    return bool(things) and _same_verb(participle(event), participle(other))


def _restates_command(command: str, other: str) -> bool:
    words, others = naming.parts(command), naming.parts(other)
    return bool(set(words[1:]) & set(others[1:])) and _same_verb(words[0], others[0])


def _same_verb(one: str, other: str) -> bool:
    same = lexicon.pairs("english_words.txt", "same_as")
    return bool(one) and same.get(one, one) == same.get(other, other)


# ---------------------------------------------------------------- names that must be


def _begun(term: Term, *, korean: bool) -> Command:
    """An aggregate that nothing happens to must at least come into being."""
    person = is_person(naming.head(term.name))
    verb, noun = ("Register", "등록") if person else ("Create", "생성")
    name = verb + term.name
    event = tenses.past_tense(name)
    if korean:
        return Command(name, f"{term.alias} {noun}", Term(event, f"{term.alias} {noun}됨"))
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
