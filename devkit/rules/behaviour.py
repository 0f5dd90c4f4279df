"""Step `behaviour`: fields of an aggregate, what its commands and events carry and its look-ups ask for, the rules it guards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from devkit.rules import asked, naming, verbs
from devkit.rules.analysis import Found, analyse
from devkit.rules.asked import Blocks
from devkit.rules.details import field_type, inside, once
from devkit.rules.facts import Field, Term
from executor.graph import answers

MOST_RULES = 8


def work_out(blocks: Blocks) -> answers.BehaviourAnswer:
    """Fields from the text; what carries them from the sentences' own words first, then from the aggregate."""
    facts, aggregate = asked.facts(blocks), asked.given(blocks, "aggregate")
    term = (asked.terms([aggregate]) or [Term("Aggregate", "Aggregate")])[0]
    found = analyse(facts, [term]).of(term)
    kept = dict(said.split(": ", 1) for said in asked.texts(aggregate.get("references")) if ": " in said)
    parts = asked.terms([asked.described(part) for part in asked.texts(aggregate.get("parts"))])
    fields, made, _ = inside(
        found,
        facts,
        enumerations=asked.terms(aggregate.get("enumerations")),
        parts=parts,
        references=kept.values(),
        attributes=asked.texts(aggregate.get("required_attributes")),
    )
    known = {part.name for part in parts}
    own = [f for f in fields if f.name not in kept]
    commands = [asked.described(said) for said in asked.texts(aggregate.get("commands"))]
    carried = [_Carried(command["name"], fields, found) for command in commands]
    state = [f.name for f in fields if not f.key and naming.head(f.name) == "status"]
    pairs = reversed(list(zip(commands, carried, strict=True)))
    emitted = {event: one for command, one in pairs for event in command["emits"]}
    asking = [asked.described(said)["name"] for said in asked.texts(aggregate.get("read_models"))]
    return answers.BehaviourAnswer(
        key=next((f.name for f in own if f.key), ""),
        fields=[answers.FieldAnswer(**asdict(f)) for f in own],
        parts=[answers.PartFields(**asdict(part)) for part in made if part.name in known],
        others=[answers.FieldAnswer(**asdict(f)) for f in once(f for one in carried for f in one.fields)],
        commands=[
            answers.CommandBehaviour(
                name=one.name, kind=one.kind, fields=[f.name for f in one.fields], description=one.said
            )
            for one in carried
        ],
        events=[
            answers.EventBehaviour(name=event, adds=state)
            for event, one in emitted.items()
            if one.kind == "update" and state
        ],
        # look-ups of many are by status, others by key, which need not be said
        read_models=[
            answers.ReadModelBehaviour(name=name, by=state)
            for name in asking
            if state and naming.is_plural(naming.head(name))
        ],
        rules=[rule.text for rule in found.rules][:MOST_RULES],
    )


class _Carried:
    """What a command of an aggregate does and carries; one that nobody spoke of is judged by its own first word."""

    def __init__(self, command: str, fields: Sequence[Field], found: Found) -> None:
        action = next((one for one in found.commands if one.command.name == command), None)
        verb = verbs.as_form(next(iter(naming.parts(command)), ""), "base")
        kind = action.kind if action else verb.kind if verb else ""
        quote = action.place.quote if action else ""
        self.name, self.said = command, quote[:1].upper() + quote[1:]
        self.kind = kind if kind in ("create", "delete") else "update"
        self.fields = once(self._carried(fields, action.fields if action else ()))

    def _carried(self, fields: Sequence[Field], own: Sequence[Term]) -> Iterator[Field]:
        """What the sentence gives along; with what is made all attributes, else the key and what the name speaks of."""
        types = {field.name.casefold(): field.type for field in fields}
        rest = [field for field in fields if not field.key]
        if self.kind != "create":
            yield from (field for field in fields if field.key)
        for term in own:
            name = naming.camel(term.name)
            yield Field(name, types.get(name.casefold()) or field_type(name), term.alias)
        if self.kind != "delete":
            yield from rest if self.kind == "create" else self._changed(rest)

    def _changed(self, rest: Sequence[Field]) -> Iterable[Field]:
        """Attributes that the command's name speaks of; updating and changing as such concern all of them."""
        words = naming.parts(self.name)
        if len(words) == 2 and words[0] in ("update", "modify", "edit"):
            return rest
        return (f for f in rest if (said := naming.parts(f.name)) and set(said) <= set(words))
