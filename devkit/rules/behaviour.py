"""Step `behaviour`: fields of an aggregate, what its commands and events carry and its look-ups ask for, the rules it guards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from devkit.rules import asked, naming, verbs
from devkit.rules.analysis import Found, analyse
from devkit.rules.asked import Blocks
from devkit.rules.details import Field, Given, field_type, inside, once
from devkit.rules.facts import Action, Term
from executor.graph import answers

MOST_RULES = 8


def work_out(blocks: Blocks) -> answers.BehaviourAnswer:
    """Fields from the text; what carries them from the sentences' own words first, then from the aggregate."""
    facts, aggregate = asked.facts(blocks), asked.given(blocks, "aggregate")
    term = (asked.terms([aggregate]) or [Term("Aggregate", "Aggregate")])[0]
    found = analyse(facts, [term]).of(term.name) or Found(term)
    kept = dict(
        reference.split(": ", 1)
        for reference in asked.texts(aggregate.get("references"))
        if ": " in reference
    )
    parts = [asked.described(part) for part in asked.texts(aggregate.get("parts"))]
    given = Given(
        enumerations=asked.terms(aggregate.get("enumerations")),
        parts=asked.terms(parts),
        references=kept.values(),
        attributes=list(map(str, aggregate.get("required_attributes") or ())),
    )
    within = inside(found, facts, given)
    carried = _Carried(within.fields, found)
    commands = [asked.described(said) for said in asked.texts(aggregate.get("commands"))]
    own = [f for f in within.fields if f.name not in kept]
    known = {f.name.casefold() for f in within.fields}
    every = {f.name: f for command in commands for f in carried.by(command["name"])}
    return answers.BehaviourAnswer(
        key=next((f.name for f in own if f.key), ""),
        fields=_answers(own),
        parts=[
            answers.PartFields(name=part.name, fields=_answers(part.fields))
            for part in within.parts
            if part.name in {one["name"] for one in parts}
        ],
        others=_answers(f for f in every.values() if f.name.casefold() not in known),
        commands=[
            answers.CommandBehaviour(
                name=command["name"],
                kind=carried.kind(command["name"]),
                fields=[f.name for f in carried.by(command["name"])],
                description=carried.said(command["name"]),
            )
            for command in commands
        ],
        events=list(_events(commands, carried)),
        read_models=list(_asking(asked.texts(aggregate.get("read_models")), carried.state)),
        rules=[rule.text for rule in found.rules][:MOST_RULES],
    )


class _Carried:
    """What the commands of an aggregate carry and its events add."""

    def __init__(self, fields: Sequence[Field], found: Found) -> None:
        self._known = {field.name.casefold(): field for field in fields}
        self._keys = [field for field in fields if field.key]
        self._rest = [field for field in fields if not field.key]
        self._commands: Mapping[str, Action] = {action.command.name: action for action in found.commands}
        self.state = [field for field in self._rest if naming.head(field.name) == "status"]

    def said(self, command: str) -> str:
        action = self._commands.get(command)
        quote = action.place.quote if action else ""
        return quote[:1].upper() + quote[1:]

    def kind(self, command: str) -> str:
        """What the verb does; a command that nobody spoke of is judged by its own first word."""
        action = self._commands.get(command)
        verb = None if action else verbs.as_form(next(iter(naming.parts(command)), ""), "base")
        kind = action.kind if action else verb.kind if verb else ""
        return kind if kind in ("create", "delete") else "update"

    def by(self, command: str) -> Sequence[Field]:
        """What the sentence gives along; with what is made all attributes, else the key and what the name speaks of."""
        kind, own = self.kind(command), list(self._own(command))
        if kind == "create":
            return once((*own, *self._rest))
        return once((*self._keys, *own, *([] if kind == "delete" else self._changed(command))))

    def added(self, command: str) -> list[str]:
        """What the event of a command says beyond the command."""
        mine = {field.name for field in self.by(command)}
        adds = self.state if self.kind(command) == "update" else ()
        return [field.name for field in adds if field.name not in mine]

    def _own(self, command: str) -> Iterator[Field]:
        action = self._commands.get(command)
        for term in action.fields if action else ():
            name = naming.camel(term.name)
            same = self._known.get(name.casefold())
            yield Field(name, same.type if same else field_type(name), term.alias)

    def _changed(self, command: str) -> Iterable[Field]:
        """Attributes that the command's name speaks of; updating and changing as such concern all of them."""
        words = naming.parts(command)
        if words[:1] in (("update",), ("modify",), ("edit",)) and len(words) == 2:
            return self._rest
        return (f for f in self._rest if (said := naming.parts(f.name)) and set(said) <= set(words))


def _events(commands: Sequence[Mapping[str, Any]], carried: _Carried) -> Iterator[answers.EventBehaviour]:
    leading = {event: command["name"] for command in reversed(commands) for event in command["emits"]}
    for event in dict.fromkeys(event for command in commands for event in command["emits"]):
        if adds := carried.added(leading[event]):
            yield answers.EventBehaviour(name=event, adds=adds)


def _asking(read_models: Sequence[str], state: Sequence[Field]) -> Iterator[answers.ReadModelBehaviour]:
    """Look-ups of many are by status, others by key, which need not be said."""
    for name in (asked.described(said)["name"] for said in read_models):
        if state and naming.is_plural(naming.head(name)):
            yield answers.ReadModelBehaviour(name=name, by=[field.name for field in state])


def _answers(fields: Iterable[Field]) -> list[answers.FieldAnswer]:
    return [answers.FieldAnswer(name=f.name, type=f.type, alias=f.alias) for f in fields]
