"""Behaviour: parameters of commands, members of events, query parameters, and example values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from devkit.rules import asked, naming, verbs
from devkit.rules.analysis import Found, analyse
from devkit.rules.asked import Blocks
from devkit.rules.details import field_type
from devkit.rules.facts import Action, Term
from devkit.rules.forms import (
    BehaviourAnswer,
    CommandBehaviour,
    EventBehaviour,
    FieldAnswer,
    ReadModelBehaviour,
)

Kind = Literal["create", "update", "delete"]
_EXAMPLES = {
    "Long": "1001",
    "Integer": "2",
    "Double": "12.5",
    "BigDecimal": "25.00",
    "Boolean": "true",
    "Date": "2030-01-15",
}


def behaviour(blocks: Blocks) -> BehaviourAnswer:
    """Fills what has been named: from the sentence's own words first, then from the aggregate's attributes."""
    aggregate = _aggregate(blocks)
    found = _found(blocks, aggregate)
    said = {action.command.name: action for action in (*found.commands, *found.questions)}
    events = {action.event.name: action for action in found.commands}
    kinds = _event_kinds(asked.listed(blocks.get("commands")), said)
    return BehaviourAnswer(
        commands=[_command(one, aggregate, said) for one in asked.listed(blocks.get("commands"))],
        events=[_event(one, aggregate, events, kinds) for one in asked.listed(blocks.get("events"))],
        read_models=[_read_model(one, aggregate, said) for one in asked.listed(blocks.get("read_models"))],
    )


def example(field: dict[str, Any], items: dict[str, list[str]]) -> str:
    """A value a person would write for a field."""
    name, java = str(field.get("name", "")), str(field.get("type", "String"))
    inner = java.removeprefix("List<").removesuffix(">")
    if values := items.get(inner):
        return values[0]
    if inner in _EXAMPLES:
        return _EXAMPLES[inner]
    words = naming.parts(name)
    if "email" in words:
        return "kim@example.com"
    if "phone" in words:
        return "010-1234-5678"
    return f"{naming.title(name)} 1" if words else "N/A"


# ---------------------------------------------------------------- behaviour


def _aggregate(blocks: Blocks) -> dict[str, Any]:
    given = blocks.get("aggregate")
    return given if isinstance(given, dict) else {}


def _found(blocks: Blocks, aggregate: dict[str, Any]) -> Found:
    term = (asked.terms([aggregate]) or [Term("Aggregate", "Aggregate")])[0]
    return analyse(asked.facts(blocks), [term]).of(term.name) or Found(term)


def _command(one: dict[str, Any], aggregate: dict[str, Any], said: dict[str, Action]) -> CommandBehaviour:
    name = str(one.get("name", ""))
    action = said.get(name)
    kind = _kind(name, action)
    own = _own_fields(action, aggregate)
    keys, rest = _keys(aggregate), _rest(aggregate)
    fields = (
        [*own, *rest]
        if kind == "create"
        else [*keys, *own, *([] if kind == "delete" else _changed(name, rest))]
    )
    return CommandBehaviour(
        name=name, description=action.place.quote if action else "", kind=kind, fields=_once(fields)
    )


def _event(
    one: dict[str, Any], aggregate: dict[str, Any], said: dict[str, Action], kinds: dict[str, Kind]
) -> EventBehaviour:
    name = str(one.get("name", ""))
    action = said.get(name)
    kind = kinds.get(name, "update")
    keys, rest = _keys(aggregate), _rest(aggregate)
    state = [field for field in rest if naming.parts(field.name)[-1:] == ["status"]]
    fields = (
        [*keys, *rest]
        if kind == "create"
        else [*keys, *([] if kind == "delete" else [*_own_fields(action, aggregate), *state])]
    )
    return EventBehaviour(name=name, description=action.place.quote if action else "", fields=_once(fields))


def _read_model(
    one: dict[str, Any], aggregate: dict[str, Any], said: dict[str, Action]
) -> ReadModelBehaviour:
    name = str(one.get("name", ""))
    action = said.get(name)
    state = [field for field in _rest(aggregate) if naming.parts(field.name)[-1:] == ["status"]]
    parameters = state if one.get("multiple") and state else _keys(aggregate)
    return ReadModelBehaviour(
        name=name, description=action.place.quote if action else "", parameters=_once(parameters)
    )


def _event_kinds(commands: Sequence[dict[str, Any]], said: dict[str, Action]) -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for command in commands:
        name = str(command.get("name", ""))
        for event in command.get("emits") or []:
            kinds.setdefault(str(event), _kind(name, said.get(name)))
    return kinds


def _kind(name: str, action: Action | None) -> Kind:
    """What the verb does; a command that nobody spoke of is judged by its own first word."""
    if action and action.kind in ("create", "delete"):
        return "create" if action.kind == "create" else "delete"
    if action:
        return "update"
    verb = verbs.as_form((naming.parts(name) or [""])[0], "base")
    if verb and verb.kind in ("create", "delete"):
        return "create" if verb.kind == "create" else "delete"
    return "update"


def _own_fields(action: Action | None, aggregate: dict[str, Any]) -> list[FieldAnswer]:
    """What the sentence itself gives along, typed as the aggregate has it."""
    known = {str(field.get("name", "")).casefold(): field for field in asked.listed(aggregate.get("fields"))}
    made = []
    for term in action.fields if action else ():
        name = naming.camel(term.name)
        same = known.get(name.casefold())
        java = str(same.get("type", "String")) if same else field_type(name)
        made.append(FieldAnswer(name=name, type=java, is_key=False, alias=term.alias, sources=[]))
    return made


def _changed(command: str, fields: Sequence[FieldAnswer]) -> list[FieldAnswer]:
    """Attributes that the command's name speaks of; updating and changing as such concern all of them."""
    words = naming.parts(command)
    if words[:1] in (["update"], ["modify"], ["edit"]) and len(words) == 2:
        return list(fields)
    return [
        field for field in fields if naming.parts(field.name) and set(naming.parts(field.name)) <= set(words)
    ]


def _keys(aggregate: dict[str, Any]) -> list[FieldAnswer]:
    return [_copy(field) for field in asked.listed(aggregate.get("fields")) if field.get("is_key")]


def _rest(aggregate: dict[str, Any]) -> list[FieldAnswer]:
    return [_copy(field) for field in asked.listed(aggregate.get("fields")) if not field.get("is_key")]


def _copy(field: dict[str, Any]) -> FieldAnswer:
    return FieldAnswer(
        name=str(field.get("name", "")), type=str(field.get("type", "String")), is_key=bool(field.get("is_key")),
        alias=str(field.get("alias") or naming.title(str(field.get("name", "")))), sources=[],
    )  # fmt: skip


def _once(fields: Sequence[FieldAnswer]) -> list[FieldAnswer]:
    kept: dict[str, FieldAnswer] = {}
    for field in fields:
        kept.setdefault(field.name.casefold(), field)
    return [field for key, field in kept.items() if key]
