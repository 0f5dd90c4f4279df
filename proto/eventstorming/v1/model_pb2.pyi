from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Language(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LANGUAGE_UNSPECIFIED: _ClassVar[Language]
    LANGUAGE_ENGLISH: _ClassVar[Language]
    LANGUAGE_KOREAN: _ClassVar[Language]

class CommandKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMMAND_KIND_UNSPECIFIED: _ClassVar[CommandKind]
    COMMAND_KIND_CREATE: _ClassVar[CommandKind]
    COMMAND_KIND_UPDATE: _ClassVar[CommandKind]
    COMMAND_KIND_DELETE: _ClassVar[CommandKind]
LANGUAGE_UNSPECIFIED: Language
LANGUAGE_ENGLISH: Language
LANGUAGE_KOREAN: Language
COMMAND_KIND_UNSPECIFIED: CommandKind
COMMAND_KIND_CREATE: CommandKind
COMMAND_KIND_UPDATE: CommandKind
COMMAND_KIND_DELETE: CommandKind

class EventStormingModel(_message.Message):
    __slots__ = ("language", "bounded_contexts", "policies", "references", "actors", "source_text", "external_systems", "open_questions")
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    BOUNDED_CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    ACTORS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TEXT_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_SYSTEMS_FIELD_NUMBER: _ClassVar[int]
    OPEN_QUESTIONS_FIELD_NUMBER: _ClassVar[int]
    language: Language
    bounded_contexts: _containers.RepeatedCompositeFieldContainer[BoundedContext]
    policies: _containers.RepeatedCompositeFieldContainer[Policy]
    references: _containers.RepeatedCompositeFieldContainer[AggregateReference]
    actors: _containers.RepeatedCompositeFieldContainer[Actor]
    source_text: str
    external_systems: _containers.RepeatedCompositeFieldContainer[ExternalSystem]
    open_questions: _containers.RepeatedCompositeFieldContainer[OpenQuestion]
    def __init__(self, language: _Optional[_Union[Language, str]] = ..., bounded_contexts: _Optional[_Iterable[_Union[BoundedContext, _Mapping]]] = ..., policies: _Optional[_Iterable[_Union[Policy, _Mapping]]] = ..., references: _Optional[_Iterable[_Union[AggregateReference, _Mapping]]] = ..., actors: _Optional[_Iterable[_Union[Actor, _Mapping]]] = ..., source_text: _Optional[str] = ..., external_systems: _Optional[_Iterable[_Union[ExternalSystem, _Mapping]]] = ..., open_questions: _Optional[_Iterable[_Union[OpenQuestion, _Mapping]]] = ...) -> None: ...

class BoundedContext(_message.Message):
    __slots__ = ("ordinal", "name", "alias", "description", "aggregates", "ranges_in_description", "purpose")
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    AGGREGATES_FIELD_NUMBER: _ClassVar[int]
    RANGES_IN_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    ordinal: int
    name: str
    alias: str
    description: str
    aggregates: _containers.RepeatedCompositeFieldContainer[Aggregate]
    ranges_in_description: bool
    purpose: str
    def __init__(self, ordinal: _Optional[int] = ..., name: _Optional[str] = ..., alias: _Optional[str] = ..., description: _Optional[str] = ..., aggregates: _Optional[_Iterable[_Union[Aggregate, _Mapping]]] = ..., ranges_in_description: _Optional[bool] = ..., purpose: _Optional[str] = ...) -> None: ...

class Aggregate(_message.Message):
    __slots__ = ("ordinal", "name", "alias", "description", "fields", "value_objects", "enumerations", "commands", "events", "read_models", "invariants", "ranges")
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    VALUE_OBJECTS_FIELD_NUMBER: _ClassVar[int]
    ENUMERATIONS_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    READ_MODELS_FIELD_NUMBER: _ClassVar[int]
    INVARIANTS_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    ordinal: int
    name: str
    alias: str
    description: str
    fields: _containers.RepeatedCompositeFieldContainer[Field]
    value_objects: _containers.RepeatedCompositeFieldContainer[ValueObject]
    enumerations: _containers.RepeatedCompositeFieldContainer[Enumeration]
    commands: _containers.RepeatedCompositeFieldContainer[Command]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    read_models: _containers.RepeatedCompositeFieldContainer[ReadModel]
    invariants: _containers.RepeatedScalarFieldContainer[str]
    ranges: _containers.RepeatedCompositeFieldContainer[SourceRange]
    def __init__(self, ordinal: _Optional[int] = ..., name: _Optional[str] = ..., alias: _Optional[str] = ..., description: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[Field, _Mapping]]] = ..., value_objects: _Optional[_Iterable[_Union[ValueObject, _Mapping]]] = ..., enumerations: _Optional[_Iterable[_Union[Enumeration, _Mapping]]] = ..., commands: _Optional[_Iterable[_Union[Command, _Mapping]]] = ..., events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., read_models: _Optional[_Iterable[_Union[ReadModel, _Mapping]]] = ..., invariants: _Optional[_Iterable[str]] = ..., ranges: _Optional[_Iterable[_Union[SourceRange, _Mapping]]] = ...) -> None: ...

class Field(_message.Message):
    __slots__ = ("name", "type", "is_key", "alias", "ranges", "references")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_KEY_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    is_key: bool
    alias: str
    ranges: _containers.RepeatedCompositeFieldContainer[SourceRange]
    references: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., is_key: _Optional[bool] = ..., alias: _Optional[str] = ..., ranges: _Optional[_Iterable[_Union[SourceRange, _Mapping]]] = ..., references: _Optional[str] = ...) -> None: ...

class ValueObject(_message.Message):
    __slots__ = ("name", "alias", "fields", "ranges", "is_entity")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    IS_ENTITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    alias: str
    fields: _containers.RepeatedCompositeFieldContainer[Field]
    ranges: _containers.RepeatedCompositeFieldContainer[SourceRange]
    is_entity: bool
    def __init__(self, name: _Optional[str] = ..., alias: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[Field, _Mapping]]] = ..., ranges: _Optional[_Iterable[_Union[SourceRange, _Mapping]]] = ..., is_entity: _Optional[bool] = ...) -> None: ...

class Enumeration(_message.Message):
    __slots__ = ("name", "alias", "items", "ranges")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    name: str
    alias: str
    items: _containers.RepeatedCompositeFieldContainer[EnumerationItem]
    ranges: _containers.RepeatedCompositeFieldContainer[SourceRange]
    def __init__(self, name: _Optional[str] = ..., alias: _Optional[str] = ..., items: _Optional[_Iterable[_Union[EnumerationItem, _Mapping]]] = ..., ranges: _Optional[_Iterable[_Union[SourceRange, _Mapping]]] = ...) -> None: ...

class EnumerationItem(_message.Message):
    __slots__ = ("value", "ranges", "alias")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    value: str
    ranges: _containers.RepeatedCompositeFieldContainer[SourceRange]
    alias: str
    def __init__(self, value: _Optional[str] = ..., ranges: _Optional[_Iterable[_Union[SourceRange, _Mapping]]] = ..., alias: _Optional[str] = ...) -> None: ...

class AggregateReference(_message.Message):
    __slots__ = ("from_aggregate", "to_aggregate", "reason", "fields")
    FROM_AGGREGATE_FIELD_NUMBER: _ClassVar[int]
    TO_AGGREGATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    from_aggregate: str
    to_aggregate: str
    reason: str
    fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, from_aggregate: _Optional[str] = ..., to_aggregate: _Optional[str] = ..., reason: _Optional[str] = ..., fields: _Optional[_Iterable[str]] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ("ordinal", "name", "alias", "description", "kind", "actor", "fields", "emits", "scenarios", "screen", "ranges", "refusals", "external_systems")
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    EMITS_FIELD_NUMBER: _ClassVar[int]
    SCENARIOS_FIELD_NUMBER: _ClassVar[int]
    SCREEN_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_SYSTEMS_FIELD_NUMBER: _ClassVar[int]
    ordinal: int
    name: str
    alias: str
    description: str
    kind: CommandKind
    actor: str
    fields: _containers.RepeatedCompositeFieldContainer[Field]
    emits: _containers.RepeatedScalarFieldContainer[str]
    scenarios: _containers.RepeatedCompositeFieldContainer[Scenario]
    screen: Screen
    ranges: _containers.RepeatedCompositeFieldContainer[SourceRange]
    refusals: _containers.RepeatedCompositeFieldContainer[Refusal]
    external_systems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ordinal: _Optional[int] = ..., name: _Optional[str] = ..., alias: _Optional[str] = ..., description: _Optional[str] = ..., kind: _Optional[_Union[CommandKind, str]] = ..., actor: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[Field, _Mapping]]] = ..., emits: _Optional[_Iterable[str]] = ..., scenarios: _Optional[_Iterable[_Union[Scenario, _Mapping]]] = ..., screen: _Optional[_Union[Screen, _Mapping]] = ..., ranges: _Optional[_Iterable[_Union[SourceRange, _Mapping]]] = ..., refusals: _Optional[_Iterable[_Union[Refusal, _Mapping]]] = ..., external_systems: _Optional[_Iterable[str]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("ordinal", "name", "alias", "description", "fields", "ranges", "state")
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ordinal: int
    name: str
    alias: str
    description: str
    fields: _containers.RepeatedCompositeFieldContainer[Field]
    ranges: _containers.RepeatedCompositeFieldContainer[SourceRange]
    state: str
    def __init__(self, ordinal: _Optional[int] = ..., name: _Optional[str] = ..., alias: _Optional[str] = ..., description: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[Field, _Mapping]]] = ..., ranges: _Optional[_Iterable[_Union[SourceRange, _Mapping]]] = ..., state: _Optional[str] = ...) -> None: ...

class ReadModel(_message.Message):
    __slots__ = ("ordinal", "name", "alias", "description", "actor", "parameters", "multiple", "screen", "ranges", "columns")
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_FIELD_NUMBER: _ClassVar[int]
    SCREEN_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ordinal: int
    name: str
    alias: str
    description: str
    actor: str
    parameters: _containers.RepeatedCompositeFieldContainer[Field]
    multiple: bool
    screen: Screen
    ranges: _containers.RepeatedCompositeFieldContainer[SourceRange]
    columns: _containers.RepeatedCompositeFieldContainer[Field]
    def __init__(self, ordinal: _Optional[int] = ..., name: _Optional[str] = ..., alias: _Optional[str] = ..., description: _Optional[str] = ..., actor: _Optional[str] = ..., parameters: _Optional[_Iterable[_Union[Field, _Mapping]]] = ..., multiple: _Optional[bool] = ..., screen: _Optional[_Union[Screen, _Mapping]] = ..., ranges: _Optional[_Iterable[_Union[SourceRange, _Mapping]]] = ..., columns: _Optional[_Iterable[_Union[Field, _Mapping]]] = ...) -> None: ...

class Policy(_message.Message):
    __slots__ = ("ordinal", "name", "alias", "reason", "trigger", "results", "bounded_context", "ranges", "condition", "commands", "timer", "inputs")
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    BOUNDED_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    TIMER_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    ordinal: int
    name: str
    alias: str
    reason: str
    trigger: str
    results: _containers.RepeatedScalarFieldContainer[str]
    bounded_context: str
    ranges: _containers.RepeatedCompositeFieldContainer[SourceRange]
    condition: str
    commands: _containers.RepeatedScalarFieldContainer[str]
    timer: str
    inputs: _containers.RepeatedCompositeFieldContainer[PolicyInput]
    def __init__(self, ordinal: _Optional[int] = ..., name: _Optional[str] = ..., alias: _Optional[str] = ..., reason: _Optional[str] = ..., trigger: _Optional[str] = ..., results: _Optional[_Iterable[str]] = ..., bounded_context: _Optional[str] = ..., ranges: _Optional[_Iterable[_Union[SourceRange, _Mapping]]] = ..., condition: _Optional[str] = ..., commands: _Optional[_Iterable[str]] = ..., timer: _Optional[str] = ..., inputs: _Optional[_Iterable[_Union[PolicyInput, _Mapping]]] = ...) -> None: ...

class PolicyInput(_message.Message):
    __slots__ = ("parameter", "aggregate", "by")
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    AGGREGATE_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    parameter: str
    aggregate: str
    by: str
    def __init__(self, parameter: _Optional[str] = ..., aggregate: _Optional[str] = ..., by: _Optional[str] = ...) -> None: ...

class Actor(_message.Message):
    __slots__ = ("name", "alias")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    name: str
    alias: str
    def __init__(self, name: _Optional[str] = ..., alias: _Optional[str] = ...) -> None: ...

class ExternalSystem(_message.Message):
    __slots__ = ("ordinal", "name", "alias", "description", "ranges")
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    ordinal: int
    name: str
    alias: str
    description: str
    ranges: _containers.RepeatedCompositeFieldContainer[SourceRange]
    def __init__(self, ordinal: _Optional[int] = ..., name: _Optional[str] = ..., alias: _Optional[str] = ..., description: _Optional[str] = ..., ranges: _Optional[_Iterable[_Union[SourceRange, _Mapping]]] = ...) -> None: ...

class OpenQuestion(_message.Message):
    __slots__ = ("ordinal", "text", "about", "bounded_context", "ranges")
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    BOUNDED_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    ordinal: int
    text: str
    about: str
    bounded_context: str
    ranges: _containers.RepeatedCompositeFieldContainer[SourceRange]
    def __init__(self, ordinal: _Optional[int] = ..., text: _Optional[str] = ..., about: _Optional[str] = ..., bounded_context: _Optional[str] = ..., ranges: _Optional[_Iterable[_Union[SourceRange, _Mapping]]] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("title", "actor", "given", "when", "told")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    WHEN_FIELD_NUMBER: _ClassVar[int]
    TOLD_FIELD_NUMBER: _ClassVar[int]
    title: str
    actor: str
    given: ScenarioClause
    when: ScenarioClause
    told: str
    def __init__(self, title: _Optional[str] = ..., actor: _Optional[str] = ..., given: _Optional[_Union[ScenarioClause, _Mapping]] = ..., when: _Optional[_Union[ScenarioClause, _Mapping]] = ..., told: _Optional[str] = ...) -> None: ...

class Scenario(_message.Message):
    __slots__ = ("title", "given", "when", "then")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    WHEN_FIELD_NUMBER: _ClassVar[int]
    THEN_FIELD_NUMBER: _ClassVar[int]
    title: str
    given: ScenarioClause
    when: ScenarioClause
    then: _containers.RepeatedCompositeFieldContainer[ScenarioClause]
    def __init__(self, title: _Optional[str] = ..., given: _Optional[_Union[ScenarioClause, _Mapping]] = ..., when: _Optional[_Union[ScenarioClause, _Mapping]] = ..., then: _Optional[_Iterable[_Union[ScenarioClause, _Mapping]]] = ...) -> None: ...

class ScenarioClause(_message.Message):
    __slots__ = ("name", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _containers.RepeatedCompositeFieldContainer[ScenarioValue]
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[_Union[ScenarioValue, _Mapping]]] = ...) -> None: ...

class ScenarioValue(_message.Message):
    __slots__ = ("field", "value")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    field: str
    value: str
    def __init__(self, field: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class Screen(_message.Message):
    __slots__ = ("html",)
    HTML_FIELD_NUMBER: _ClassVar[int]
    html: str
    def __init__(self, html: _Optional[str] = ...) -> None: ...

class SourceRange(_message.Message):
    __slots__ = ("start_line", "start_column", "end_line", "end_column")
    START_LINE_FIELD_NUMBER: _ClassVar[int]
    START_COLUMN_FIELD_NUMBER: _ClassVar[int]
    END_LINE_FIELD_NUMBER: _ClassVar[int]
    END_COLUMN_FIELD_NUMBER: _ClassVar[int]
    start_line: int
    start_column: int
    end_line: int
    end_column: int
    def __init__(self, start_line: _Optional[int] = ..., start_column: _Optional[int] = ..., end_line: _Optional[int] = ..., end_column: _Optional[int] = ...) -> None: ...
