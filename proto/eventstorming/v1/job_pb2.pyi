import datetime

from eventstorming.v1 import model_pb2 as _model_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ElementKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ELEMENT_KIND_UNSPECIFIED: _ClassVar[ElementKind]
    ELEMENT_KIND_AGGREGATE: _ClassVar[ElementKind]
    ELEMENT_KIND_COMMAND: _ClassVar[ElementKind]
    ELEMENT_KIND_EVENT: _ClassVar[ElementKind]
    ELEMENT_KIND_READ_MODEL: _ClassVar[ElementKind]
    ELEMENT_KIND_POLICY: _ClassVar[ElementKind]
    ELEMENT_KIND_OPEN_QUESTION: _ClassVar[ElementKind]

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_QUEUED: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_COMPLETED: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]
    JOB_STATE_REMOVED: _ClassVar[JobState]

class LogLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOG_LEVEL_UNSPECIFIED: _ClassVar[LogLevel]
    LOG_LEVEL_INFO: _ClassVar[LogLevel]
    LOG_LEVEL_WARNING: _ClassVar[LogLevel]
    LOG_LEVEL_ERROR: _ClassVar[LogLevel]

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_INPUT: _ClassVar[ErrorReason]
    ERROR_REASON_JOB_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_JOB_EXISTS: _ClassVar[ErrorReason]
    ERROR_REASON_WRONG_STATE: _ClassVar[ErrorReason]
    ERROR_REASON_NO_FREE_SLOT: _ClassVar[ErrorReason]
    ERROR_REASON_DRAINING: _ClassVar[ErrorReason]
    ERROR_REASON_OVERTAKEN: _ClassVar[ErrorReason]
    ERROR_REASON_LLM_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_LLM_MISCONFIGURED: _ClassVar[ErrorReason]
    ERROR_REASON_LIMIT_REACHED: _ClassVar[ErrorReason]
    ERROR_REASON_NOTHING_USABLE: _ClassVar[ErrorReason]
    ERROR_REASON_DATABASE_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_UNAUTHENTICATED: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_AVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_INTERNAL: _ClassVar[ErrorReason]
ELEMENT_KIND_UNSPECIFIED: ElementKind
ELEMENT_KIND_AGGREGATE: ElementKind
ELEMENT_KIND_COMMAND: ElementKind
ELEMENT_KIND_EVENT: ElementKind
ELEMENT_KIND_READ_MODEL: ElementKind
ELEMENT_KIND_POLICY: ElementKind
ELEMENT_KIND_OPEN_QUESTION: ElementKind
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_QUEUED: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_COMPLETED: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_REMOVED: JobState
LOG_LEVEL_UNSPECIFIED: LogLevel
LOG_LEVEL_INFO: LogLevel
LOG_LEVEL_WARNING: LogLevel
LOG_LEVEL_ERROR: LogLevel
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_INVALID_INPUT: ErrorReason
ERROR_REASON_JOB_NOT_FOUND: ErrorReason
ERROR_REASON_JOB_EXISTS: ErrorReason
ERROR_REASON_WRONG_STATE: ErrorReason
ERROR_REASON_NO_FREE_SLOT: ErrorReason
ERROR_REASON_DRAINING: ErrorReason
ERROR_REASON_OVERTAKEN: ErrorReason
ERROR_REASON_LLM_UNAVAILABLE: ErrorReason
ERROR_REASON_LLM_MISCONFIGURED: ErrorReason
ERROR_REASON_LIMIT_REACHED: ErrorReason
ERROR_REASON_NOTHING_USABLE: ErrorReason
ERROR_REASON_DATABASE_UNAVAILABLE: ErrorReason
ERROR_REASON_UNAUTHENTICATED: ErrorReason
ERROR_REASON_NOT_AVAILABLE: ErrorReason
ERROR_REASON_INTERNAL: ErrorReason

class JobInput(_message.Message):
    __slots__ = ("job_id", "requirements", "draft", "language", "user_id", "project_id", "edits")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    EDITS_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    requirements: str
    draft: Draft
    language: _model_pb2.Language
    user_id: str
    project_id: str
    edits: _containers.RepeatedCompositeFieldContainer[Edit]
    def __init__(self, job_id: _Optional[str] = ..., requirements: _Optional[str] = ..., draft: _Optional[_Union[Draft, _Mapping]] = ..., language: _Optional[_Union[_model_pb2.Language, str]] = ..., user_id: _Optional[str] = ..., project_id: _Optional[str] = ..., edits: _Optional[_Iterable[_Union[Edit, _Mapping]]] = ...) -> None: ...

class Edit(_message.Message):
    __slots__ = ("kind", "name", "alias", "code_name", "removed")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    CODE_NAME_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    kind: ElementKind
    name: str
    alias: str
    code_name: str
    removed: bool
    def __init__(self, kind: _Optional[_Union[ElementKind, str]] = ..., name: _Optional[str] = ..., alias: _Optional[str] = ..., code_name: _Optional[str] = ..., removed: _Optional[bool] = ...) -> None: ...

class Draft(_message.Message):
    __slots__ = ("contexts",)
    CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    contexts: _containers.RepeatedCompositeFieldContainer[DraftContext]
    def __init__(self, contexts: _Optional[_Iterable[_Union[DraftContext, _Mapping]]] = ...) -> None: ...

class DraftContext(_message.Message):
    __slots__ = ("name", "alias", "requirements", "aggregates", "required_commands", "required_events", "required_read_models")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    AGGREGATES_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_COMMANDS_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_EVENTS_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_READ_MODELS_FIELD_NUMBER: _ClassVar[int]
    name: str
    alias: str
    requirements: str
    aggregates: _containers.RepeatedCompositeFieldContainer[DraftAggregate]
    required_commands: _containers.RepeatedScalarFieldContainer[str]
    required_events: _containers.RepeatedScalarFieldContainer[str]
    required_read_models: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., alias: _Optional[str] = ..., requirements: _Optional[str] = ..., aggregates: _Optional[_Iterable[_Union[DraftAggregate, _Mapping]]] = ..., required_commands: _Optional[_Iterable[str]] = ..., required_events: _Optional[_Iterable[str]] = ..., required_read_models: _Optional[_Iterable[str]] = ...) -> None: ...

class DraftAggregate(_message.Message):
    __slots__ = ("name", "alias", "enumerations", "value_objects", "references", "required_attributes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    ENUMERATIONS_FIELD_NUMBER: _ClassVar[int]
    VALUE_OBJECTS_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    alias: str
    enumerations: _containers.RepeatedCompositeFieldContainer[DraftType]
    value_objects: _containers.RepeatedCompositeFieldContainer[DraftType]
    references: _containers.RepeatedScalarFieldContainer[str]
    required_attributes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., alias: _Optional[str] = ..., enumerations: _Optional[_Iterable[_Union[DraftType, _Mapping]]] = ..., value_objects: _Optional[_Iterable[_Union[DraftType, _Mapping]]] = ..., references: _Optional[_Iterable[str]] = ..., required_attributes: _Optional[_Iterable[str]] = ...) -> None: ...

class DraftType(_message.Message):
    __slots__ = ("name", "alias")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    name: str
    alias: str
    def __init__(self, name: _Optional[str] = ..., alias: _Optional[str] = ...) -> None: ...

class LogLine(_message.Message):
    __slots__ = ("level", "message", "created_at")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    level: LogLevel
    message: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, level: _Optional[_Union[LogLevel, str]] = ..., message: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("job_id", "state", "position", "current_progress", "total_progress", "created_at", "started_at", "ended_at", "attempts", "failure", "log", "url", "title", "board_url")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    CURRENT_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    BOARD_URL_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    state: JobState
    position: int
    current_progress: int
    total_progress: int
    created_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    attempts: int
    failure: str
    log: _containers.RepeatedCompositeFieldContainer[LogLine]
    url: str
    title: str
    board_url: str
    def __init__(self, job_id: _Optional[str] = ..., state: _Optional[_Union[JobState, str]] = ..., position: _Optional[int] = ..., current_progress: _Optional[int] = ..., total_progress: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempts: _Optional[int] = ..., failure: _Optional[str] = ..., log: _Optional[_Iterable[_Union[LogLine, _Mapping]]] = ..., url: _Optional[str] = ..., title: _Optional[str] = ..., board_url: _Optional[str] = ...) -> None: ...

class SubmitJobRequest(_message.Message):
    __slots__ = ("input", "like_job_id")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    LIKE_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    input: JobInput
    like_job_id: str
    def __init__(self, input: _Optional[_Union[JobInput, _Mapping]] = ..., like_job_id: _Optional[str] = ...) -> None: ...

class SubmitJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("job_id", "include_model", "include_msaez", "format")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_MODEL_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_MSAEZ_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    include_model: bool
    include_msaez: bool
    format: str
    def __init__(self, job_id: _Optional[str] = ..., include_model: _Optional[bool] = ..., include_msaez: _Optional[bool] = ..., format: _Optional[str] = ...) -> None: ...

class GetJobResponse(_message.Message):
    __slots__ = ("job", "model", "msaez_json", "export")
    JOB_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MSAEZ_JSON_FIELD_NUMBER: _ClassVar[int]
    EXPORT_FIELD_NUMBER: _ClassVar[int]
    job: Job
    model: _model_pb2.EventStormingModel
    msaez_json: str
    export: Export
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ..., model: _Optional[_Union[_model_pb2.EventStormingModel, _Mapping]] = ..., msaez_json: _Optional[str] = ..., export: _Optional[_Union[Export, _Mapping]] = ...) -> None: ...

class Export(_message.Message):
    __slots__ = ("file", "media_type", "content")
    FILE_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    file: str
    media_type: str
    content: bytes
    def __init__(self, file: _Optional[str] = ..., media_type: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("states", "page_size", "page_token", "created_from", "created_until")
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CREATED_FROM_FIELD_NUMBER: _ClassVar[int]
    CREATED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[JobState]
    page_size: int
    page_token: str
    created_from: _timestamp_pb2.Timestamp
    created_until: _timestamp_pb2.Timestamp
    def __init__(self, states: _Optional[_Iterable[_Union[JobState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., created_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchJobRequest(_message.Message):
    __slots__ = ("job_id", "include_model")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_MODEL_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    include_model: bool
    def __init__(self, job_id: _Optional[str] = ..., include_model: _Optional[bool] = ...) -> None: ...

class WatchJobResponse(_message.Message):
    __slots__ = ("job", "model")
    JOB_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    job: Job
    model: _model_pb2.EventStormingModel
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ..., model: _Optional[_Union[_model_pb2.EventStormingModel, _Mapping]] = ...) -> None: ...

class CancelJobRequest(_message.Message):
    __slots__ = ("job_id", "cancelled_by")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_BY_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    cancelled_by: str
    def __init__(self, job_id: _Optional[str] = ..., cancelled_by: _Optional[str] = ...) -> None: ...

class CancelJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class RetryJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class RetryJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class DeleteJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class DeleteJobResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
