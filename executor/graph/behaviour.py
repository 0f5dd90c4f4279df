"""Step `behaviour`: parameters, members and descriptions of the commands, events and read models of one aggregate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime

from executor.graph.answers import (
    BehaviourAnswer,
    CommandBehaviour,
    EventBehaviour,
    ReadModelBehaviour,
)
from executor.graph.asking import Remarks, ask, lines_for, outcome
from executor.graph.question import Unusable
from executor.graph.reduction import all_fields, fields, keys, kind_of, lookup, told
from executor.graph.state import AggregatePlan, AggregateUnit, Run
from executor.graph.text import Document
from executor.model import Aggregate, Command, CommandKind, Event, Field, ReadModel, loose, owners_of_screens

NOTHING = BehaviourAnswer(commands=[], events=[], read_models=[])


async def behaviour(state: AggregateUnit, runtime: Runtime[Run]) -> AggregateUnit:
    plan = state["plan"]
    remarks = Remarks("behaviour", plan.unit, plan.context.language)
    answer = await ask(
        runtime,
        "behaviour",
        plan.unit,
        BehaviourAnswer,
        _data(plan, remarks),
        lambda answer: check(answer, plan.aggregate),
    )
    if isinstance(answer, Unusable):
        remarks.warn(
            f"{plan.aggregate.name}: parameters could not be worked out, so those of the aggregate are used.",
            f"{plan.aggregate.name}: 매개변수를 만들지 못해 애그리거트의 속성을 사용합니다.",
        )
    usable = NOTHING if isinstance(answer, Unusable) else answer
    filled = reduced(usable, plan.aggregate, plan.context.document)
    update = outcome("behaviour", plan.unit, filled, remarks, answer)
    return {"plan": replace(plan, aggregate=filled), **update}


def _data(plan: AggregatePlan, remarks: Remarks) -> dict[str, object]:
    aggregate = plan.aggregate
    return {
        "language": plan.context.language,
        "aggregate": described(aggregate),
        "commands": [
            {"name": c.name, "alias": c.alias, "actor": c.actor, "emits": list(c.emits)}
            for c in aggregate.commands
        ],
        "events": [{"name": e.name, "alias": e.alias} for e in aggregate.events],
        "read_models": [
            {"name": r.name, "alias": r.alias, "actor": r.actor, "multiple": r.multiple}
            for r in aggregate.read_models
        ],
        "lines": lines_for(plan.context, words_of(aggregate), remarks),
    }


def words_of(aggregate: Aggregate) -> list[str]:
    """What lines about the aggregate are likely to mention."""
    named: list[Aggregate | Command | Event | ReadModel] = [
        aggregate,
        *owners_of_screens(aggregate),
        *aggregate.events,
    ]
    return [word for element in named for word in (element.name, element.alias)]


def described(aggregate: Aggregate) -> dict[str, Any]:
    """The aggregate as prompts show it."""
    return {
        "name": aggregate.name,
        "alias": aggregate.alias,
        "description": aggregate.description,
        "fields": shown(aggregate.fields),
        "value_objects": [{"name": v.name, "fields": shown(v.fields)} for v in aggregate.value_objects],
        "enumerations": [
            {"name": e.name, "items": [i.value for i in e.items]} for e in aggregate.enumerations
        ],
        "invariants": list(aggregate.invariants),
    }


def shown(fields: Iterable[Field]) -> list[dict[str, object]]:
    """Fields as prompts show them."""
    return [{"name": field.name, "type": field.type, "is_key": field.is_key} for field in fields]


def check(answer: BehaviourAnswer, aggregate: Aggregate) -> Iterator[str]:
    for kind, known, answered in (
        ("command", [c.name for c in aggregate.commands], [c.name for c in answer.commands]),
        ("event", [e.name for e in aggregate.events], [e.name for e in answer.events]),
        ("read model", [r.name for r in aggregate.read_models], [r.name for r in answer.read_models]),
    ):
        for name in sorted(set(known) - set(answered)):
            yield f'The {kind} "{name}" is missing.'
        for name in sorted(set(answered) - set(known)):
            yield f'There is no {kind} "{name}": answer only for the given ones.'


def reduced(answer: BehaviourAnswer, aggregate: Aggregate, lines: Document) -> Aggregate:
    """The aggregate with everything filled: from the answer where it says something valid, else from its own fields."""
    commands = lookup((c.name, c) for c in answer.commands)
    events = lookup((e.name, e) for e in answer.events)
    read_models = lookup((r.name, r) for r in answer.read_models)
    types = aggregate.type_names
    return replace(
        aggregate,
        commands=tuple(_command(c, commands, aggregate, lines, types) for c in aggregate.commands),
        events=tuple(_event(e, events, aggregate, lines, types) for e in aggregate.events),
        read_models=tuple(
            _read_model(r, read_models, aggregate, lines, types) for r in aggregate.read_models
        ),
    )


def _command(
    command: Command,
    answers: Mapping[str, CommandBehaviour],
    aggregate: Aggregate,
    lines: Document,
    types: Sequence[str],
) -> Command:
    answer = answers.get(loose(command.name))
    kind = CommandKind(answer.kind) if answer else kind_of(command.name)
    usual = keys(aggregate) if kind is CommandKind.DELETE else all_fields(aggregate)
    return replace(
        command,
        kind=kind,
        description=told(answer.description) if answer else "",
        fields=fields(answer.fields if answer else (), lines, types) or usual,
    )


def _event(
    event: Event,
    answers: Mapping[str, EventBehaviour],
    aggregate: Aggregate,
    lines: Document,
    types: Sequence[str],
) -> Event:
    answer = answers.get(loose(event.name))
    return replace(
        event,
        description=told(answer.description) if answer else "",
        fields=fields(answer.fields if answer else (), lines, types) or all_fields(aggregate),
    )


def _read_model(
    read_model: ReadModel,
    answers: Mapping[str, ReadModelBehaviour],
    aggregate: Aggregate,
    lines: Document,
    types: Sequence[str],
) -> ReadModel:
    answer = answers.get(loose(read_model.name))
    return replace(
        read_model,
        description=told(answer.description) if answer else "",
        parameters=fields(answer.parameters if answer else (), lines, types) or keys(aggregate),
    )
