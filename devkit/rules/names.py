"""Answers about names: commands, events and read models of each aggregate, and the policies between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from devkit.rules import asked, lexicon, naming, verbs
from devkit.rules.analysis import Analysis, Found, analyse
from devkit.rules.asked import Blocks
from devkit.rules.english_lists import is_person
from devkit.rules.facts import Action, Place, Reaction, Term
from devkit.rules.forms import (
    AggregateNames,
    CommandName,
    EventName,
    NamesAnswer,
    PolicyAnswer,
    ReadModelName,
)
from executor import tenses


def names(blocks: Blocks) -> NamesAnswer:
    """What the text does to each aggregate of the context, and the required names, literally."""
    facts = asked.facts(blocks)
    owned = asked.terms(blocks.get("aggregates"))
    siblings = asked.terms(blocks.get("siblings"))
    analysis = analyse(facts, [*owned, *siblings], closed=bool(blocks.get("closed")))
    given = blocks.get("required")
    required: dict[str, Any] = given if isinstance(given, dict) else {}
    named = [_named(term, analysis.of(term.name) or Found(term)) for term in owned]
    for add in (_add_events, _add_commands, _add_read_models):
        named = add(named, required)
    korean = asked.korean(blocks)
    named = [
        one if one.commands else _begun(one, term.alias if korean else "")
        for one, term in zip(named, owned, strict=True)
    ]
    return NamesAnswer(aggregates=_unique([_located(one, asked.lines(blocks)) for one in named]))


def policies(blocks: Blocks, model: Sequence[dict[str, Any]]) -> list[PolicyAnswer]:
    """Reactions of the text whose two sides are events of different aggregates of the model."""
    facts = asked.facts(blocks)
    terms = [Term(str(entry.get("aggregate", "")), str(entry.get("aggregate", ""))) for entry in model]
    analysis = analyse(facts, terms)
    found: dict[str, PolicyAnswer] = {}
    for reaction in facts.reactions:
        for policy in _policies(reaction, analysis, model, korean=asked.korean(blocks)):
            found.setdefault(policy.name, policy)
    return list(found.values())


# ---------------------------------------------------------------- names


def _named(term: Term, found: Found) -> AggregateNames:
    commands, events = [], []
    for action in found.commands:
        actor = action.actor.alias if action.actor else ""
        places = _places(found, action)
        commands.append(
            CommandName(
                name=action.command.name,
                alias=action.command.alias,
                actor=actor,
                emits=[action.event.name],
                sources=places,
            )
        )
        events.append(EventName(name=action.event.name, alias=action.event.alias, sources=places))
    return AggregateNames(
        aggregate=term.name,
        commands=commands,
        events=events,
        read_models=[_question(found, action) for action in found.questions],
    )


def _places(found: Found, action: Action) -> list[Any]:
    same = [other.place for other in found.actions if other.command.name == action.command.name]
    return asked.sources(same)


def _question(found: Found, action: Action) -> ReadModelName:
    return ReadModelName(
        name=action.command.name,
        alias=action.command.alias,
        actor=action.actor.alias if action.actor else "",
        multiple=action.command.plural,
        sources=_places(found, action),
    )


def _add_events(named: list[AggregateNames], required: dict[str, Any]) -> list[AggregateNames]:
    """A required event takes the place of the one it restates; another gets a command of its own, if none is required."""
    for name in _missing(required, "events", [event.name for one in named for event in one.events]):
        home = _home_of(name, named)
        event = EventName(name=name, alias=naming.sentence_case(name), sources=[])
        named = [_with_event(one, event) if one.aggregate == home else one for one in named]
    return named


def _with_event(one: AggregateNames, event: EventName) -> AggregateNames:
    command = _command_for(event.name)
    same = next(
        (other for other in one.events if _restates(other.name, event.name)),
        None,
    )
    if same:
        event = event.model_copy(update={"alias": same.alias, "sources": same.sources})
        events = [event if other is same else other for other in one.events]
        commands = [
            c.model_copy(update={"emits": [event.name if e == same.name else e for e in c.emits]})
            for c in one.commands
        ]
        return one.model_copy(update={"events": events, "commands": commands})
    made = CommandName(
        name=command, alias=naming.sentence_case(command), actor="", emits=[event.name], sources=[]
    )
    return one.model_copy(update={"events": [*one.events, event], "commands": [*one.commands, made]})


def _command_for(event: str) -> str:
    """BookRegistered -> RegisterBook; a name without a participle is recorded."""
    words = naming.parts(event)
    verb = _participle(event)
    if verb and len(words) > 1:
        return naming.pascal(verb) + naming.pascal(" ".join(words[:-1]))
    return f"Record{naming.pascal(event)}"


def _participle(event: str) -> str:
    """The verb of an event's name; verbs that say the same count as one."""
    words = naming.parts(event)
    verb = verbs.as_form(words[-1], "part") or verbs.guessed_from_ed(words[-1]) if words else None
    return verb.base if verb else ""


def _begun(one: AggregateNames, alias: str) -> AggregateNames:
    """An aggregate that nothing happens to must at least come into being; `alias`: what a Korean text calls it."""
    person = is_person((naming.parts(one.aggregate) or [""])[-1])
    verb, noun = ("register", "등록") if person else ("create", "생성")
    command = naming.pascal(verb) + one.aggregate
    event = one.aggregate + naming.pascal(tenses.participle(verb))
    called = (
        (f"{alias} {noun}", f"{alias} {noun}됨")
        if alias
        else (naming.sentence_case(command), naming.sentence_case(event))
    )
    made = CommandName(name=command, alias=called[0], actor="", emits=[event], sources=[])
    return one.model_copy(
        update={"commands": [made], "events": [EventName(name=event, alias=called[1], sources=[])]}
    )


def _restates(event: str, other: str) -> bool:
    """BookBorrowed says what BookLent says."""
    things = set(naming.parts(event)[:-1]) & set(naming.parts(other)[:-1])
    return bool(things) and _same_verb(_participle(event), _participle(other))


def _restates_command(command: str, other: str) -> bool:
    words, others = naming.parts(command), naming.parts(other)
    return bool(set(words[1:]) & set(others[1:])) and _same_verb(words[0], others[0])


def _same_verb(one: str, other: str) -> bool:
    same = lexicon.pairs("english_words.txt", "same_as")
    return bool(one) and same.get(one, one) == same.get(other, other)


def _located(one: AggregateNames, lines: Sequence[tuple[int, str]]) -> AggregateNames:
    """Elements that no sentence gave stand where the text has their names."""

    def at(name: str) -> list[Any]:
        return asked.sources([Place(number, name) for number, line in lines if name in line], most=2)

    return one.model_copy(
        update={
            "commands": [
                c if c.sources else c.model_copy(update={"sources": at(c.name)}) for c in one.commands
            ],
            "events": [e if e.sources else e.model_copy(update={"sources": at(e.name)}) for e in one.events],
            "read_models": [
                r if r.sources else r.model_copy(update={"sources": at(r.name)}) for r in one.read_models
            ],
        }
    )


def _add_commands(named: list[AggregateNames], required: dict[str, Any]) -> list[AggregateNames]:
    """A required command takes the place of the one with its verb; another leads to the event its name suggests."""
    for name in _missing(required, "commands", [command.name for one in named for command in one.commands]):
        home = _home_of(name, named)
        named = [_with_command(one, name, named) if one.aggregate == home else one for one in named]
    return named


def _with_command(one: AggregateNames, name: str, named: Sequence[AggregateNames]) -> AggregateNames:
    wanted = set(_required_now(named))
    same = next((c for c in one.commands if _restates_command(c.name, name) and c.name not in wanted), None)
    if same:
        renamed = same.model_copy(update={"name": name, "alias": same.alias})
        return one.model_copy(update={"commands": [renamed if c is same else c for c in one.commands]})
    event = _event_for(name)
    events = (
        one.events
        if any(e.name == event for e in one.events)
        else [*one.events, EventName(name=event, alias=naming.sentence_case(event), sources=[])]
    )
    command = CommandName(name=name, alias=naming.sentence_case(name), actor="", emits=[event], sources=[])
    return one.model_copy(update={"commands": [*one.commands, command], "events": events})


def _required_now(named: Sequence[AggregateNames]) -> list[str]:
    """Names that were added on request have no source."""
    return [command.name for one in named for command in one.commands if not command.sources]


def _event_for(command: str) -> str:
    words = naming.parts(command)
    verb = verbs.as_form(words[0], "base") or verbs.guessed(words[0]) if words else None
    if verb is None or len(words) < 2:
        return f"{naming.pascal(command)}Done"
    return naming.pascal(" ".join(words[1:])) + naming.pascal(verb.participle)


def _add_read_models(named: list[AggregateNames], required: dict[str, Any]) -> list[AggregateNames]:
    for name in _missing(required, "read_models", [view.name for one in named for view in one.read_models]):
        home = _home_of(name, named)
        last = (naming.parts(name) or [""])[-1]
        named = [
            _with_read_model(one, name, many=naming.is_plural(last)) if one.aggregate == home else one
            for one in named
        ]
    return named


def _with_read_model(one: AggregateNames, name: str, *, many: bool) -> AggregateNames:
    """It takes the place of a look-up of the text with as many results, if there is one."""
    same = next((view for view in one.read_models if view.multiple == many and view.sources), None)
    if same:
        views = [view.model_copy(update={"name": name}) if view is same else view for view in one.read_models]
        return one.model_copy(update={"read_models": views})
    made = ReadModelName(name=name, alias=naming.sentence_case(name), actor="", multiple=many, sources=[])
    return one.model_copy(update={"read_models": [*one.read_models, made]})


def _missing(required: dict[str, Any], kind: str, present: Sequence[str]) -> list[str]:
    wanted = [str(name) for name in required.get(kind) or []]
    return [name for name in dict.fromkeys(wanted) if name and name not in present]


def _home_of(name: str, named: Sequence[AggregateNames]) -> str:
    """The aggregate whose name is in the required name; else the one whose actions have its words; else the first."""
    low = name.casefold()
    for one in sorted(named, key=lambda one: -len(one.aggregate)):
        if one.aggregate.casefold() in low or naming.plural(one.aggregate) in low:
            return one.aggregate
    scores = [(_likeness(name, one), -position, one.aggregate) for position, one in enumerate(named)]
    return max(scores)[2] if scores else ""


def _likeness(name: str, one: AggregateNames) -> int:
    """How much of an aggregate's behaviour a name speaks of: what restates it counts most."""
    same = any(_restates(event.name, name) for event in one.events)
    same = same or any(_restates_command(command.name, name) for command in one.commands)
    known = {word for command in one.commands for word in naming.parts(command.name)}
    return 10 * same + len(set(naming.parts(name)) & known)


def _unique(named: Sequence[AggregateNames]) -> list[AggregateNames]:
    """No two commands, events or look-ups of a context share a name: the later one is named after its aggregate too."""
    taken: set[str] = set()
    return [_renamed(one, taken) for one in named]


def _renamed(one: AggregateNames, taken: set[str]) -> AggregateNames:
    new = {event.name: _free(f"e:{event.name}", one.aggregate, taken)[2:] for event in one.events}
    events = {new[event.name]: event.model_copy(update={"name": new[event.name]}) for event in one.events}
    commands = [
        command.model_copy(
            update={
                "name": _free(f"c:{command.name}", one.aggregate, taken)[2:],
                "emits": [new.get(name, name) for name in command.emits],
            }
        )
        for command in one.commands
    ]
    views = [
        view.model_copy(update={"name": _free(f"r:{view.name}", one.aggregate, taken)[2:]})
        for view in one.read_models
    ]
    return one.model_copy(
        update={"events": list(events.values()), "commands": commands, "read_models": views}
    )


def _free(name: str, aggregate: str, taken: set[str]) -> str:
    if name.casefold() in taken:
        name = f"{name}Of{aggregate}"
    taken.add(name.casefold())
    return name


# ---------------------------------------------------------------- policies


def _policies(
    reaction: Reaction, analysis: Analysis, model: Sequence[dict[str, Any]], *, korean: bool
) -> list[PolicyAnswer]:
    made = []
    for trigger in reaction.triggers:
        cause = _event_in(model, trigger, analysis)
        effects = [_event_in(model, result, analysis) for result in reaction.results]
        results = [event for event in effects if event and cause and event["aggregate"] != cause["aggregate"]]
        if cause and results:
            made.append(_policy(reaction, cause, results, korean=korean))
    return made


def _policy(
    reaction: Reaction, cause: dict[str, str], results: Sequence[dict[str, str]], *, korean: bool
) -> PolicyAnswer:
    first = results[0]
    name = f"{first['command']}On{cause['name']}"
    alias = (
        f"{cause['alias'].removesuffix('됨')} 시 {first['command_alias']}"
        if korean
        else naming.sentence_case(f"{first['command']} when {cause['alias']}")
    )
    unique = list(dict.fromkeys(result["name"] for result in results))
    return PolicyAnswer(
        name=name,
        alias=alias,
        reason=reaction.text,
        trigger=cause["name"],
        results=unique,
        sources=asked.sources([reaction.place]),
    )


def _event_in(model: Sequence[dict[str, Any]], action: Action, analysis: Analysis) -> dict[str, str] | None:
    """The model's event that an action leads to: by name, else by its participle in the action's aggregate."""
    home = analysis.home(action)
    low = action.event.name.casefold()
    near: dict[str, str] | None = None
    for entry in model:
        for event in asked.listed(entry.get("events")):
            name = str(event.get("name", ""))
            found = {
                "name": name, "alias": str(event.get("alias") or name), "aggregate": str(entry.get("aggregate", "")), "context": str(entry.get("context", "")),
                "command": action.command.name, "command_alias": action.command.alias,
            }  # fmt: skip
            if name.casefold() == low or name.casefold().startswith(f"{low}of"):
                return found
            same_home = home is not None and found["aggregate"] == home.term.name
            if (
                near is None
                and same_home
                and _participle(name)
                and _participle(name) == _participle(action.event.name)
            ):
                near = found
    return near
