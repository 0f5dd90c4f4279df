"""What each step's answer looks like. These are the JSON schemas the language model is held to, in the subset that strict
structured output allows: every member required, no free-form maps, no defaults (`llm.structured` sees to that). Code never
trusts them further than types, and needs of an answer no more than its names: one in an older or shorter form is used for
what it has.

Answers take most of the time of a job, so they say nothing twice and nothing that code can fill in.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Strict(BaseModel):
    """Members that are not asked for are ignored; those that are missing say nothing."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """A bare text stands for an answer that has no more than its first member."""
        return {next(iter(cls.model_fields)): value} if isinstance(value, str) else value


def _assigned(value: Any) -> Any:
    """{"field": "fee", "value": "20"} and {"event": ...} as the texts they are now."""
    if not isinstance(value, dict):
        return value
    parts = [part for part in list(value.values())[:2] if isinstance(part, str)]
    return "=".join(parts)


Said = Annotated[str, BeforeValidator(_assigned)]
"""`field=value`, or a bare name."""


class Named(Strict):
    """A PascalCase name in English and a display name in the user's language."""

    name: str
    alias: str = ""


class QuestionAnswer(Strict):
    """What the text leaves open, about an element by its name."""

    text: str
    about: str = ""
    lines: str = ""  # as the prompt shows them: "2-4,7"


# ---------------------------------------------------------------- from requirements to an outline


class ContextAnswer(Named):
    """A bounded context, and which lines are its own."""

    purpose: str = ""
    aggregates: list[Named] = []
    owns: str = ""
    sees: str = ""  # lines that another context owns


class ExternalSystemAnswer(Named):
    """Software of others."""

    purpose: str = ""
    lines: str = ""


class OutlineAnswer(Strict):
    """Step `outline`, per chunk of the text."""

    contexts: list[ContextAnswer]
    roles: list[str] = []
    external_systems: list[ExternalSystemAnswer] = []
    silent: str = ""  # lines that describe nothing to be modelled
    questions: list[QuestionAnswer] = []


class MergedContext(Named):
    """What becomes of contexts that several chunks have found."""

    purpose: str = ""
    replaces: list[str] = []  # names of the contexts it stands for, its own included


class MergeAnswer(Strict):
    """Step `merge`, once, only when several chunks found contexts."""

    contexts: list[MergedContext]


# ---------------------------------------------------------------- from an outline to all names


class KeptReference(Strict):
    """A field that holds the key of another aggregate."""

    field: str
    aggregate: str = ""
    alias: str = ""


class PartAnswer(Named):
    """An inner type by name: an entity, else a value object."""

    entity: bool = False


class ItemAnswer(Strict):
    """One value of an enumeration."""

    value: str
    alias: str = ""


class EnumerationAnswer(Named):
    """A closed set of values."""

    items: list[ItemAnswer] = []


class EventAnswer(Named):
    """What has happened once a command was obeyed."""

    state: str = ""  # item of the status enumeration that holds afterwards


class CommandAnswer(Named):
    """Who gives it, and the events it leads to."""

    actor: str = ""
    lines: str = ""
    events: list[EventAnswer] = []


class ReadModelAnswer(Named):
    """Who looks, at one or `many`, and what is shown."""

    actor: str = ""
    many: bool = True
    shows: list[str] = []
    lines: str = ""


class AggregateAnswer(Named):
    """What belongs together, by name; fields come later."""

    description: str = ""
    references: list[KeptReference] = []
    parts: list[PartAnswer] = []
    enumerations: list[EnumerationAnswer] = []
    commands: list[CommandAnswer] = []
    read_models: list[ReadModelAnswer] = []


class CallAnswer(Strict):
    """A command that asks software of others."""

    system: str
    command: str = ""


class DraftAnswer(Strict):
    """Step `draft`, per bounded context, or per group of aggregates of a larger one."""

    aggregates: list[AggregateAnswer]
    calls: list[CallAnswer] = []
    questions: list[QuestionAnswer] = []


# ---------------------------------------------------------------- from names to the whole


class FieldAnswer(Strict):
    """`type`: String, Long and the like, or one of the aggregate's own."""

    name: str
    type: str = "String"
    alias: str = ""


class PartFields(Strict):
    """What an inner type is made of; `key` of an entity."""

    name: str
    key: str = ""
    fields: list[FieldAnswer] = []


class CommandBehaviour(Strict):
    """What a command carries, by name of the field."""

    name: str
    kind: str = ""  # create, update or delete
    fields: list[str] = []
    description: str = ""


class EventBehaviour(Strict):
    """What an event carries beyond its command."""

    name: str
    adds: list[str] = []


class ReadModelBehaviour(Strict):
    """By which fields it is looked up."""

    name: str
    by: list[str] = []


class BehaviourAnswer(Strict):
    """Step `behaviour`, per aggregate: fills what the draft has named; invents nothing."""

    key: str = ""
    fields: list[FieldAnswer] = []
    parts: list[PartFields] = []
    others: list[FieldAnswer] = []  # carried or shown, but not kept by the root
    commands: list[CommandBehaviour] = []
    events: list[EventBehaviour] = []
    read_models: list[ReadModelBehaviour] = []
    rules: list[str] = []


class PolicyAnswer(Named):
    """What happens by itself after an event, or at a time."""

    trigger: str = ""
    timer: str = ""
    condition: str = ""
    commands: list[str] = Field(default=[], validation_alias=AliasChoices("commands", "results"))
    reason: str = ""
    lines: str = ""


class PoliciesAnswer(Strict):
    """Step `policies`, once for the whole model."""

    policies: list[PolicyAnswer]
    questions: list[QuestionAnswer] = []


class ScenarioAnswer(Strict):
    """An example; nothing in `then`: a refusal."""

    title: str
    command: str
    given: list[Said] = []
    when: list[Said] = []
    then: list[Said] = []


class RefusalAnswer(Strict):
    """An example of a rule, by its number, that forbids a command."""

    title: str
    command: str
    rule: int = 0
    actor: str = ""
    given: list[Said] = []
    when: list[Said] = []
    told: str = ""


class ScenariosAnswer(Strict):
    """Step `scenarios`, per aggregate."""

    example: list[Said] = []
    scenarios: list[ScenarioAnswer] = []
    refusals: list[RefusalAnswer] = []


class ScreenAnswer(Strict):
    """A sketch, row by row."""

    owner: str  # name of a command or read model
    rows: list[str] = []


class ScreensAnswer(Strict):
    """Step `screens`, per aggregate."""

    screens: list[ScreenAnswer]
