"""The questions as they are asked, answered from what the rules work out: one function for each step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from devkit.rules import asked, behaviour, contexts, details, forms, names, naming
from devkit.rules.asked import Blocks
from devkit.rules.loose_ends import (
    NEITHER,
    NEITHER_KO,
    condition_of,
    is_foreign,
    left_open,
    refusal_of,
    systems_in,
    timer_of,
    unclear,
)
from executor.graph import answers

_DESCRIBED = re.compile(
    r"(?P<name>.+?)(?: \((?P<alias>.*?)\))?(?: by (?P<actor>.+?))?(?: -> (?P<emits>.+)|: (?P<shows>.*))?$"
)


# ---------------------------------------------------------------- the outline


def outline(blocks: Blocks) -> answers.OutlineAnswer:
    """Areas of the text, whose each line is, who acts, which systems and loose ends it mentions."""
    lines, korean = asked.lines(blocks), asked.korean(blocks)
    if is_foreign(lines):
        told = NEITHER_KO if korean else NEITHER
        return answers.OutlineAnswer(contexts=[], questions=[answers.QuestionAnswer(text=told, lines="")])
    found = contexts.contexts(blocks).contexts
    known: list[dict[str, object]] = [
        {"name": c.name, "alias": c.alias, "aggregates": [a.model_dump() for a in c.aggregates]}
        for c in found
    ]
    homes = contexts.homes(blocks, known)
    actors = (a.actor.alias for a in asked.facts(blocks).every_action() if a.actor)
    return answers.OutlineAnswer(
        contexts=[
            answers.ContextAnswer(
                name=c.name,
                alias=c.alias,
                purpose=c.description,
                aggregates=[answers.Named(name=a.name, alias=a.alias) for a in c.aggregates],
                owns=_numbers(n for n, at in homes.items() if at[-1:] == [c.name]),
                sees=_numbers(n for n, at in homes.items() if c.name in at[:-1]),
            )
            for c in found
        ],
        roles=list(dict.fromkeys(actors)),
        external_systems=[
            answers.ExternalSystemAnswer(name=term.name, alias=term.alias, lines=str(n))
            for term, n in systems_in(lines)
        ],
        silent=_numbers(n for n, at in homes.items() if not at),
        questions=[
            answers.QuestionAnswer(text=text, lines=str(n))
            for text, n in (*unclear(asked.facts(blocks)), *left_open(lines, korean=korean))
        ],
    )


def _numbers(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))


def merge(blocks: Blocks) -> answers.MergeAnswer:
    """Contexts of one name become one; so do contexts that own the same aggregate."""
    kept: list[tuple[dict[str, Any], set[str], list[str]]] = []
    for context in asked.listed(blocks.get("contexts")):
        name = str(context.get("name", ""))
        owned = {str(aggregate).casefold() for aggregate in context.get("aggregates", [])}
        for other, known, replaces in kept:
            if str(other.get("name", "")).casefold() == name.casefold() or owned & known:
                known |= owned
                replaces.append(name)
                break
        else:
            kept.append((context, owned, [name]))
    return answers.MergeAnswer(
        contexts=[
            answers.MergedContext(name=str(context.get("name", "")), replaces=list(dict.fromkeys(replaces)))
            for context, _, replaces in kept
        ]
    )


# ---------------------------------------------------------------- drafts


def draft(blocks: Blocks) -> answers.DraftAnswer:
    """The aggregates of a context with the types and references its text gives them, and what is done with them."""
    given = blocks.get("context")
    context: dict[str, Any] = given if isinstance(given, dict) else {}
    drafted = {one.name: one for one in contexts.draft(blocks).aggregates}
    listed = asked.listed(context.get("aggregates")) or [
        {"name": one.name, "alias": one.alias} for one in drafted.values()
    ]
    others = asked.listed(blocks.get("others"))
    named = names.names(
        {
            **blocks,
            "aggregates": listed,
            "siblings": others[0].get("aggregates") if others else [],
            "closed": not context.get("purpose"),
        }
    )
    by_name = {one.aggregate: one for one in named.aggregates}
    made = []
    for one in listed:
        name = str(one.get("name", ""))
        if name in by_name:
            made.append(_drafted(one, drafted.get(name), by_name[name], blocks))
    systems = [str(s.get("alias") or s.get("name", "")) for s in asked.listed(blocks.get("systems"))]
    return answers.DraftAnswer(aggregates=made, calls=list(_calls(made, systems, asked.lines(blocks))))


def _drafted(
    given: dict[str, Any], drafted: forms.DraftedAggregate | None, named: forms.AggregateNames, blocks: Blocks
) -> answers.AggregateAnswer:
    inside = _inside(given, drafted, blocks)
    references = [str(name) for name in given.get("references") or (drafted.references if drafted else [])]
    events = {event.name: event for event in named.events}
    columns = [field.name for field in inside.fields][:6]
    return answers.AggregateAnswer(
        name=named.aggregate,
        alias=str(given.get("alias", "")) or (drafted.alias if drafted else ""),
        description=drafted.description if drafted else "",
        references=[
            answers.KeptReference(field=f"{naming.camel(name)}Id", aggregate=name) for name in references
        ],
        parts=[answers.PartAnswer(name=v.name, alias=v.alias) for v in inside.value_objects],
        enumerations=[
            answers.EnumerationAnswer(
                name=e.name,
                alias=e.alias,
                items=[answers.ItemAnswer(value=item.value) for item in e.items],
            )
            for e in inside.enumerations
        ],
        commands=[
            answers.CommandAnswer(
                name=c.name,
                alias=c.alias,
                actor=c.actor,
                lines=_places(c.sources),
                events=[answers.EventAnswer(name=e, alias=events[e].alias) for e in c.emits if e in events],
            )
            for c in named.commands
        ],
        read_models=[
            answers.ReadModelAnswer(
                name=r.name,
                alias=r.alias,
                actor=r.actor,
                many=r.multiple,
                shows=columns,
                lines=_places(r.sources),
            )
            for r in named.read_models
        ],
    )


def _inside(
    given: dict[str, Any], drafted: forms.DraftedAggregate | None, blocks: Blocks
) -> forms.DetailsAnswer:
    """Types and fields of an aggregate, those that a draft has named among them."""
    found = drafted or forms.DraftedAggregate(
        name="", alias="", description="", enumerations=[], value_objects=[], references=[], sources=[]
    )
    whole = {
        **given,
        "enumerations": [
            *asked.listed(given.get("enumerations")),
            *(e.model_dump() for e in found.enumerations),
        ],
        "value_objects": [
            *asked.listed(given.get("value_objects")),
            *(v.model_dump() for v in found.value_objects),
        ],
        "references": given.get("references") or found.references,
    }
    return details.details({**blocks, "aggregate": whole})


def _places(sources: Sequence[forms.Source]) -> str:
    return _numbers(dict.fromkeys(source.line for source in sources))


def _calls(
    made: Sequence[answers.AggregateAnswer], systems: Sequence[str], lines: Sequence[tuple[int, str]]
) -> Iterator[answers.CallAnswer]:
    """A command calls the systems that its lines name."""
    text = {str(n): line.casefold() for n, line in lines}
    for command in (c for a in made for c in a.commands):
        for system in systems:
            if any(system.casefold() in text.get(n, "") for n in command.lines.split(",")):
                yield answers.CallAnswer(system=system, command=command.name)


# ---------------------------------------------------------------- behaviour


def work_out(blocks: Blocks) -> answers.BehaviourAnswer:
    """Fields from the text; what carries them from the sentences' own words first, then from the aggregate."""
    given = blocks.get("aggregate")
    aggregate: dict[str, Any] = given if isinstance(given, dict) else {}
    kept = {r.partition(": ")[0]: r.partition(": ")[2] for r in _texts(aggregate.get("references"))}
    parts = [_read(part)["name"] for part in _texts(aggregate.get("parts"))]
    enumerations = aggregate.get("enumerations")
    items: dict[str, Any] = enumerations if isinstance(enumerations, dict) else {}
    inside = details.details(
        {
            **blocks,
            "aggregate": {
                **aggregate,
                "enumerations": [{"name": name} for name in items],
                "value_objects": [{"name": name} for name in parts],
                "references": list(kept.values()),
            },
        }
    )
    fields = [f for f in inside.fields if f.name not in kept]
    state = {
        "name": aggregate.get("name", ""),
        "alias": aggregate.get("alias", ""),
        "fields": [f.model_dump() for f in inside.fields],
    }
    commands = [_read(said) for said in _texts(aggregate.get("commands"))]
    views = [_read(said) for said in _texts(aggregate.get("read_models"))]
    emitted = dict.fromkeys(event for command in commands for event in command["emits"])
    carried = behaviour.behaviour(
        {
            **blocks,
            "aggregate": state,
            "commands": commands,
            "events": [{"name": event} for event in emitted],
            "read_models": [
                {**view, "multiple": naming.is_plural((naming.parts(view["name"]) or [""])[-1])}
                for view in views
            ],
        }
    )
    known = {f.name.casefold() for f in inside.fields} | {name.casefold() for name in kept}
    lists = [*(c.fields for c in carried.commands), *(e.fields for e in carried.events)]
    every = [f for carrying in lists for f in carrying]
    others = {f.name: f for f in every if f.name.casefold() not in known}
    own = {
        name: [f.name for c in carried.commands if name in _emits(c.name, commands) for f in c.fields]
        for name in emitted
    }
    return answers.BehaviourAnswer(
        key=next((f.name for f in fields if f.is_key), ""),
        fields=[_field(f) for f in fields],
        parts=[
            answers.PartFields(name=v.name, fields=[_field(f) for f in v.fields])
            for v in inside.value_objects
            if v.name in parts
        ],
        others=[_field(f) for f in others.values()],
        commands=[
            answers.CommandBehaviour(
                name=c.name, kind=c.kind, fields=[f.name for f in c.fields], description=c.description
            )
            for c in carried.commands
        ],
        events=[
            answers.EventBehaviour(name=e.name, adds=adds)
            for e in carried.events
            if (adds := [f.name for f in e.fields if f.name not in own.get(e.name, ()) and not f.is_key])
        ],
        read_models=[
            answers.ReadModelBehaviour(name=r.name, by=[f.name for f in r.parameters])
            for r in carried.read_models
            if not all(f.is_key for f in r.parameters)
        ],
        rules=inside.invariants,
    )


def _emits(name: str, commands: Sequence[dict[str, Any]]) -> list[str]:
    return next((c["emits"] for c in commands if c["name"] == name), [])


def _texts(given: object) -> list[str]:
    return [one for one in given if isinstance(one, str)] if isinstance(given, list) else []


def _read(said: str) -> dict[str, Any]:
    """A command, read model or part as prompts describe it."""
    found = _DESCRIBED.match(said)
    parts = found.groupdict() if found else {}
    return {
        "name": parts.get("name") or said,
        "alias": parts.get("alias") or "",
        "actor": parts.get("actor") or "",
        "emits": (parts.get("emits") or "").split(" | ") if parts.get("emits") else [],
    }


def _field(field: forms.FieldAnswer) -> answers.FieldAnswer:
    return answers.FieldAnswer(name=field.name, type=field.type, alias=field.alias)


# ---------------------------------------------------------------- the rest


def policies(blocks: Blocks) -> answers.PoliciesAnswer:
    """Reactions of the text, with the condition and the time that their sentence gives."""
    model: list[dict[str, Any]] = []
    emitters: dict[str, str] = {}
    for entry in asked.listed(blocks.get("model")):
        commands = [_read(said) for said in _texts(entry.get("commands"))]
        events = dict.fromkeys(event for command in commands for event in command["emits"])
        emitters |= {event: c["name"] for c in reversed(commands) for event in c["emits"]}
        model.append(
            {**entry, "events": [{"name": event, "alias": naming.sentence_case(event)} for event in events]}
        )
    return answers.PoliciesAnswer(
        policies=[
            answers.PolicyAnswer(
                name=policy.name,
                alias=policy.alias,
                trigger=policy.trigger,
                timer=timer_of(policy.reason),
                condition=condition_of(policy.reason),
                commands=list(
                    dict.fromkeys(emitters[result] for result in policy.results if result in emitters)
                ),
                reason=policy.reason,
                lines=_places(policy.sources),
            )
            for policy in names.policies(blocks, model)
        ]
    )


def scenarios(blocks: Blocks) -> answers.ScenariosAnswer:
    """One example per command, and one refusal per rule, at the command that the rule is most about."""
    given = blocks.get("aggregate")
    aggregate: dict[str, Any] = given if isinstance(given, dict) else {}
    enumerations = aggregate.get("enumerations")
    items = (
        {name: list(values) for name, values in enumerations.items()}
        if isinstance(enumerations, dict)
        else {}
    )
    commands, korean = asked.listed(blocks.get("commands")), asked.korean(blocks)
    typed = [_typed(field) for field in _texts(aggregate.get("fields"))]
    return answers.ScenariosAnswer(
        example=[f"{field['name']}={behaviour.example(field, items)}" for field in typed],
        scenarios=[
            answers.ScenarioAnswer(
                title=_succeeds(command, korean=korean),
                command=str(command.get("name", "")),
                then=list(command.get("emits") or ()),
            )
            for command in commands
        ],
        refusals=[
            answers.RefusalAnswer(title=rule, command=refusal_of(rule, commands), rule=number, told=rule)
            for number, rule in enumerate(_texts(aggregate.get("rules")), 1)
            if commands
        ],
    )


def _typed(field: str) -> dict[str, str]:
    name, _, kind = field.partition(": ")
    return {"name": name, "type": kind.removesuffix(" (key)")}


def _succeeds(command: dict[str, Any], *, korean: bool) -> str:
    alias = str(command.get("alias") or naming.sentence_case(str(command.get("name", ""))))
    return f"{alias}: 정상 처리" if korean else f"{alias} succeeds"


def screens(blocks: Blocks) -> answers.ScreensAnswer:
    """A form for a command, a filter and a table for a read model."""
    given = blocks.get("aggregate")
    aggregate: dict[str, Any] = given if isinstance(given, dict) else {}
    types = {one["name"]: one for one in map(_typed, _texts(aggregate.get("fields")))}

    def value(name: str) -> str:
        return behaviour.example(types.get(name, {"name": name, "type": details.field_type(name)}), {})

    def rows(names: object) -> list[str]:
        return [f"{name}={value(name)}" for name in _texts(names)]

    forms_ = [(one, rows(one.get("fields"))) for one in asked.listed(blocks.get("commands"))]
    views = [
        (one, [*rows(one.get("parameters")), f"| {' | '.join(map(value, _texts(one.get('columns'))))} |"])
        for one in asked.listed(blocks.get("read_models"))
    ]
    return answers.ScreensAnswer(
        screens=[
            answers.ScreenAnswer(owner=str(one.get("name", "")), rows=said) for one, said in (*forms_, *views)
        ]
    )
