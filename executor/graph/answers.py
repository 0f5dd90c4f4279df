"""What each step's answer looks like. These are the JSON schemas the language model is held to, in the subset that strict
structured output allows: every member required, no free-form maps, no defaults. Code never trusts them further than types.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Strict):
    """Where the text says it: a line number as shown in the prompt and a few words copied from that line."""

    line: int
    quote: str


class Named(Strict):
    """A PascalCase name in English and a display name in the user's language."""

    name: str
    alias: str


# ---------------------------------------------------------------- from requirements to a draft


class ContextAnswer(Named):
    description: str
    aggregates: list[Named]  # the aggregates this context owns, so that no two contexts invent the same one
    sources: list[Source]


class ContextsAnswer(Strict):
    """Step `contexts`, per chunk of the text."""

    contexts: list[ContextAnswer]


class MergedContext(Named):
    description: str
    replaces: list[str]  # names of the contexts it stands for, its own included


class MergeAnswer(Strict):
    """Step `merge`, once, only when several chunks found contexts."""

    contexts: list[MergedContext]


class LineRange(Strict):
    context: str  # name of a context, or "" for lines that describe no behaviour
    first_line: int
    last_line: int


class LineMapAnswer(Strict):
    """Step `line_map`, per chunk: which lines belong to which context; a line may belong to several."""

    ranges: list[LineRange]


class DraftedAggregate(Named):
    description: str
    enumerations: list[Named]
    value_objects: list[Named]
    references: list[str]  # names of aggregates, of any context, that it refers to
    sources: list[Source]


class DraftAnswer(Strict):
    """Step `draft`, per bounded context."""

    aggregates: list[DraftedAggregate]


# ---------------------------------------------------------------- from a draft to names


class FieldAnswer(Strict):
    name: str
    type: str
    is_key: bool
    alias: str
    sources: list[Source]


class ValueObjectAnswer(Named):
    fields: list[FieldAnswer]
    sources: list[Source]


class ItemAnswer(Strict):
    value: str
    sources: list[Source]


class EnumerationAnswer(Named):
    items: list[ItemAnswer]
    sources: list[Source]


class DetailsAnswer(Strict):
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


class AggregateNames(Strict):
    aggregate: str
    commands: list[CommandName]
    events: list[EventName]
    read_models: list[ReadModelName]


class NamesAnswer(Strict):
    """Step `names`, per bounded context."""

    aggregates: list[AggregateNames]


# ---------------------------------------------------------------- from names to the whole


class CommandBehaviour(Strict):
    name: str
    description: str
    kind: Literal["create", "update", "delete"]
    fields: list[FieldAnswer]


class EventBehaviour(Strict):
    name: str
    description: str
    fields: list[FieldAnswer]


class ReadModelBehaviour(Strict):
    name: str
    description: str
    parameters: list[FieldAnswer]


class BehaviourAnswer(Strict):
    """Step `behaviour`, per aggregate: fills what the names step has named; invents nothing."""

    commands: list[CommandBehaviour]
    events: list[EventBehaviour]
    read_models: list[ReadModelBehaviour]


class Value(Strict):
    field: str
    value: str


class EventValues(Strict):
    event: str
    values: list[Value]


class ScenarioAnswer(Strict):
    command: str
    title: str
    given: list[Value]
    when: list[Value]
    then: list[EventValues]


class ScenariosAnswer(Strict):
    """Step `scenarios`, per aggregate."""

    scenarios: list[ScenarioAnswer]


class ScreenAnswer(Strict):
    owner: str  # name of a command or read model
    html: str


class ScreensAnswer(Strict):
    """Step `screens`, per aggregate."""

    screens: list[ScreenAnswer]


class PolicyAnswer(Named):
    reason: str
    trigger: str
    results: list[str]
    sources: list[Source]


class PoliciesAnswer(Strict):
    """Step `policies`, per bounded context."""

    policies: list[PolicyAnswer]


class ReferenceAnswer(Strict):
    """Step `references`, per pair of aggregates that the drafts join in both directions: the one direction to keep."""

    from_aggregate: str
    to_aggregate: str
    reason: str
