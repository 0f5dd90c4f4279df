"""What each step is told: the names of its blocks, in the order of its prompt, and how elements are written there.

Blocks (see prompt.blocks), text unless said to be JSON:
  language     "English" or "Korean": for aliases, sentences, titles and labels
  lines        the part of the source text that matters, one source line each: "<number>: <text>"; numbers start at 1 and
               count in the whole text, or in the context's own text (from a draft; for `policies` through all texts)
  contexts     JSON [{name, alias, purpose, aggregates: [name]}]
  context      JSON {name, alias, purpose, aggregates: [DRAFTED], fixed: whether they are all, seen: "4,9"}: what to draft; DRAFTED is {name, alias} and,
               from a draft, enumerations, value_objects: [{name, alias}] and references: [name]; `seen` are lines of others
  others       JSON [{name, aggregates: [{name, alias}]}]: contexts and the aggregates that are drafted elsewhere
  roles        JSON [name]; systems: JSON [{name, alias}]
  required     JSON {commands: [name], events: [name], read_models: [name]}: names that must appear literally
  aggregate    JSON, see `drafted` and `whole`
  commands, read_models   JSON lists, see `scenarios` and `screens`
  model        JSON [{context, aggregate, references: [FIELD], commands: ["Name (alias) by actor -> Event | Event"], read_models: [name]}]
A FIELD is written "name: Type", an enumeration {ITEM: alias}.
"""

from __future__ import annotations

from typing import Any, Final

from executor.graph.given import DraftAggregate, Named, RequiredNames
from executor.graph.normalise import inner_fields
from executor.graph.unit import FoundContext, OtherContext
from executor.model import Aggregate, Command, ExternalSystem, Field, ReadModel, ValueObject

BLOCKS: Final[dict[str, tuple[str, ...]]] = {
    "outline": ("language", "lines"),
    "merge": ("language", "contexts"),
    "draft": ("language", "context", "others", "roles", "systems", "required", "lines"),
    "behaviour": ("language", "aggregate", "lines"),
    "policies": ("language", "model", "lines"),
    "scenarios": ("language", "aggregate", "commands", "roles", "lines"),
    "screens": ("language", "aggregate", "commands", "read_models"),
}

_MEMBERS: Final[dict[type, tuple[str, ...]]] = {
    Named: ("name", "alias"),
    ExternalSystem: ("name", "alias"),
    OtherContext: ("name", "aggregates"),
    FoundContext: ("name", "alias", "purpose"),
    DraftAggregate: ("name", "alias", "enumerations", "value_objects", "references"),
    RequiredNames: ("commands", "events", "read_models"),
}


def shown(value: Any) -> Any:
    """A value as prompts show it: of an element its usual members that say something; of several, each."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return [shown(each) for each in value]
    names = _MEMBERS[type(value)]
    return {name: shown(part) for name in names if (part := getattr(value, name)) or name in names[:2]}


def drafted(aggregate: Aggregate, attributes: tuple[str, ...]) -> dict[str, Any]:
    """An aggregate of which only names are known."""
    return {
        **_described(aggregate),
        "references": [f"{f.name}: {f.references}" for f in aggregate.fields if f.references],
        "parts": [_part(part) for part in aggregate.value_objects],
        "fields": [fielded(field) for field in inner_fields(aggregate, aggregate.fields)],
        "required_attributes": list(attributes),
        "commands": [f"{_titled(c)}{_by(c)} -> {' | '.join(c.emits)}" for c in aggregate.commands],
        "read_models": [
            f"{_titled(r)}{_by(r)}: {', '.join(f.name for f in r.columns)}" for r in aggregate.read_models
        ],
    }


def whole(aggregate: Aggregate) -> dict[str, Any]:
    """An aggregate with its state."""
    return {
        **_described(aggregate),
        "fields": [fielded(field) for field in aggregate.fields],
        "parts": {part.name: [fielded(field) for field in part.fields] for part in aggregate.value_objects},
    }


def fielded(field: Field) -> str:
    """A field as prompts write it."""
    return f"{field.name}: {field.type}{' (key)' if field.is_key else ''}"


def _described(aggregate: Aggregate) -> dict[str, Any]:
    return {
        "name": aggregate.name,
        "alias": aggregate.alias,
        "description": aggregate.description,
        "enumerations": {e.name: {i.value: i.alias for i in e.items} for e in aggregate.enumerations},
    }


def _part(part: ValueObject) -> str:
    return f"{_titled(part)}, an entity" if part.is_entity else _titled(part)


def _titled(element: Command | ReadModel | ValueObject) -> str:
    return f"{element.name} ({element.alias})" if element.alias else element.name


def _by(element: Command | ReadModel) -> str:
    return f" by {element.actor}" if element.actor else ""


def in_model(context: str, aggregate: Aggregate) -> dict[str, Any]:
    """An aggregate as one of many: what happens to it and can be known of it."""
    return {
        "context": context,
        "aggregate": aggregate.name,
        "references": [f"{f.name}: {f.references}" for f in aggregate.fields if f.references],
        "commands": [f"{_titled(c)}{_by(c)} -> {' | '.join(c.emits)}" for c in aggregate.commands],
        "read_models": [r.name for r in aggregate.read_models],
    }
