"""What the rules work out before it is put into the form of an answer: one record for each kind of thing, with its sources."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Record):
    """Where the text says it: a line number as shown in the prompt and a few words copied from that line."""

    line: int
    quote: str


class Named(Record):
    """A PascalCase name in English and a display name in the user's language."""

    name: str
    alias: str


# ---------------------------------------------------------------- from requirements to a draft


class ContextAnswer(Named):
    description: str
    aggregates: list[Named]  # the aggregates this context owns, so that no two contexts invent the same one
    sources: list[Source]


class ContextsAnswer(Record):
    """Step `contexts`, per chunk of the text."""

    contexts: list[ContextAnswer]


class DraftedAggregate(Named):
    description: str
    enumerations: list[Named]
    value_objects: list[Named]
    references: list[str]  # names of aggregates, of any context, that it refers to
    sources: list[Source]


class DraftAnswer(Record):
    """Step `draft`, per bounded context."""

    aggregates: list[DraftedAggregate]


# ---------------------------------------------------------------- from a draft to names


class FieldAnswer(Record):
    name: str
    type: str
    is_key: bool
    alias: str
    sources: list[Source]


class ValueObjectAnswer(Named):
    fields: list[FieldAnswer]
    sources: list[Source]


class ItemAnswer(Record):
    value: str
    sources: list[Source]


class EnumerationAnswer(Named):
    items: list[ItemAnswer]
    sources: list[Source]


class DetailsAnswer(Record):
    """Step `details`, per aggregate."""

    description: str
    fields: list[FieldAnswer]
    value_objects: list[ValueObjectAnswer]
    enumerations: list[EnumerationAnswer]
    invariants: list[str]
    sources: list[Source]


class CommandName(Named):
    actor: str
    emits: list[str]  # names of events of the same aggregate
    sources: list[Source]


class EventName(Named):
    sources: list[Source]


class ReadModelName(Named):
    actor: str
    multiple: bool
    sources: list[Source]


class AggregateNames(Record):
    aggregate: str
    commands: list[CommandName]
    events: list[EventName]
    read_models: list[ReadModelName]


class NamesAnswer(Record):
    """Step `names`, per bounded context."""

    aggregates: list[AggregateNames]


# ---------------------------------------------------------------- from names to the whole


class CommandBehaviour(Record):
    name: str
    description: str
    kind: Literal["create", "update", "delete"]
    fields: list[FieldAnswer]


class EventBehaviour(Record):
    name: str
    description: str
    fields: list[FieldAnswer]


class ReadModelBehaviour(Record):
    name: str
    description: str
    parameters: list[FieldAnswer]


class BehaviourAnswer(Record):
    """Step `behaviour`, per aggregate: fills what the names step has named; invents nothing."""

    commands: list[CommandBehaviour]
    events: list[EventBehaviour]
    read_models: list[ReadModelBehaviour]


class PolicyAnswer(Named):
    reason: str
    trigger: str
    results: list[str]
    sources: list[Source]
