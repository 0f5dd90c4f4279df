import datetime

from eventstorming.v1 import job_pb2 as _job_pb2
from eventstorming.v1 import model_pb2 as _model_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AttachRequest(_message.Message):
    __slots__ = ("poller_id",)
    POLLER_ID_FIELD_NUMBER: _ClassVar[int]
    poller_id: str
    def __init__(self, poller_id: _Optional[str] = ...) -> None: ...

class AttachResponse(_message.Message):
    __slots__ = ("instance_id", "slots_total", "slots_free", "draining", "build_id", "language_model", "runs_begun")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SLOTS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FREE_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    BUILD_ID_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_MODEL_FIELD_NUMBER: _ClassVar[int]
    RUNS_BEGUN_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    slots_total: int
    slots_free: int
    draining: bool
    build_id: str
    language_model: str
    runs_begun: int
    def __init__(self, instance_id: _Optional[str] = ..., slots_total: _Optional[int] = ..., slots_free: _Optional[int] = ..., draining: _Optional[bool] = ..., build_id: _Optional[str] = ..., language_model: _Optional[str] = ..., runs_begun: _Optional[int] = ...) -> None: ...

class ExecuteRequest(_message.Message):
    __slots__ = ("job_id", "epoch", "start", "recall", "ack", "cancel", "beat_echo")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    RECALL_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    BEAT_ECHO_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    epoch: int
    start: Start
    recall: Recall
    ack: Ack
    cancel: Cancel
    beat_echo: BeatEcho
    def __init__(self, job_id: _Optional[str] = ..., epoch: _Optional[int] = ..., start: _Optional[_Union[Start, _Mapping]] = ..., recall: _Optional[_Union[Recall, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ..., cancel: _Optional[_Union[Cancel, _Mapping]] = ..., beat_echo: _Optional[_Union[BeatEcho, _Mapping]] = ...) -> None: ...

class Start(_message.Message):
    __slots__ = ("input", "time_left", "tokens_used", "step_timeout", "max_tokens", "silence_told")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    TIME_LEFT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_USED_FIELD_NUMBER: _ClassVar[int]
    STEP_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SILENCE_TOLD_FIELD_NUMBER: _ClassVar[int]
    input: _job_pb2.JobInput
    time_left: _duration_pb2.Duration
    tokens_used: int
    step_timeout: _duration_pb2.Duration
    max_tokens: int
    silence_told: bool
    def __init__(self, input: _Optional[_Union[_job_pb2.JobInput, _Mapping]] = ..., time_left: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., tokens_used: _Optional[int] = ..., step_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_tokens: _Optional[int] = ..., silence_told: _Optional[bool] = ...) -> None: ...

class Recall(_message.Message):
    __slots__ = ("entries", "last")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[JournalEntry]
    last: bool
    def __init__(self, entries: _Optional[_Iterable[_Union[JournalEntry, _Mapping]]] = ..., last: _Optional[bool] = ...) -> None: ...

class JournalEntry(_message.Message):
    __slots__ = ("key", "value", "tokens", "unusable", "borrowed")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    UNUSABLE_FIELD_NUMBER: _ClassVar[int]
    BORROWED_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    tokens: int
    unusable: bool
    borrowed: bool
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ..., tokens: _Optional[int] = ..., unusable: _Optional[bool] = ..., borrowed: _Optional[bool] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("seqs",)
    SEQS_FIELD_NUMBER: _ClassVar[int]
    seqs: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, seqs: _Optional[_Iterable[int]] = ...) -> None: ...

class Cancel(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class BeatEcho(_message.Message):
    __slots__ = ("beat", "may_ask", "draining")
    BEAT_FIELD_NUMBER: _ClassVar[int]
    MAY_ASK_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    beat: int
    may_ask: bool
    draining: bool
    def __init__(self, beat: _Optional[int] = ..., may_ask: _Optional[bool] = ..., draining: _Optional[bool] = ...) -> None: ...

class ExecuteResponse(_message.Message):
    __slots__ = ("job_id", "epoch", "seq", "accepted", "answer", "snapshot", "progress", "log", "beat", "completed", "preview")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    BEAT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    epoch: int
    seq: int
    accepted: Accepted
    answer: JournalEntry
    snapshot: ModelSnapshot
    progress: Progress
    log: Log
    beat: Beat
    completed: Completed
    preview: ModelSnapshot
    def __init__(self, job_id: _Optional[str] = ..., epoch: _Optional[int] = ..., seq: _Optional[int] = ..., accepted: _Optional[_Union[Accepted, _Mapping]] = ..., answer: _Optional[_Union[JournalEntry, _Mapping]] = ..., snapshot: _Optional[_Union[ModelSnapshot, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., log: _Optional[_Union[Log, _Mapping]] = ..., beat: _Optional[_Union[Beat, _Mapping]] = ..., completed: _Optional[_Union[Completed, _Mapping]] = ..., preview: _Optional[_Union[ModelSnapshot, _Mapping]] = ...) -> None: ...

class Accepted(_message.Message):
    __slots__ = ("instance_id", "total_progress", "run")
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    instance_id: str
    total_progress: int
    run: int
    def __init__(self, instance_id: _Optional[str] = ..., total_progress: _Optional[int] = ..., run: _Optional[int] = ...) -> None: ...

class ModelSnapshot(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.EventStormingModel
    def __init__(self, model: _Optional[_Union[_model_pb2.EventStormingModel, _Mapping]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("current", "total")
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    current: int
    total: int
    def __init__(self, current: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class Log(_message.Message):
    __slots__ = ("line", "key")
    LINE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    line: _job_pb2.LogLine
    key: str
    def __init__(self, line: _Optional[_Union[_job_pb2.LogLine, _Mapping]] = ..., key: _Optional[str] = ...) -> None: ...

class Beat(_message.Message):
    __slots__ = ("beat",)
    BEAT_FIELD_NUMBER: _ClassVar[int]
    beat: int
    def __init__(self, beat: _Optional[int] = ...) -> None: ...

class Completed(_message.Message):
    __slots__ = ("model", "tokens_used")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TOKENS_USED_FIELD_NUMBER: _ClassVar[int]
    model: _model_pb2.EventStormingModel
    tokens_used: int
    def __init__(self, model: _Optional[_Union[_model_pb2.EventStormingModel, _Mapping]] = ..., tokens_used: _Optional[int] = ...) -> None: ...

class CheckRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CheckResponse(_message.Message):
    __slots__ = ("ok", "problem", "language_model", "latency")
    OK_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_MODEL_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    problem: str
    language_model: str
    latency: _duration_pb2.Duration
    def __init__(self, ok: _Optional[bool] = ..., problem: _Optional[str] = ..., language_model: _Optional[str] = ..., latency: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GenerateRequest(_message.Message):
    __slots__ = ("input", "include_partial_models")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PARTIAL_MODELS_FIELD_NUMBER: _ClassVar[int]
    input: _job_pb2.JobInput
    include_partial_models: bool
    def __init__(self, input: _Optional[_Union[_job_pb2.JobInput, _Mapping]] = ..., include_partial_models: _Optional[bool] = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("progress", "log", "partial", "completed")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    progress: Progress
    log: _job_pb2.LogLine
    partial: ModelSnapshot
    completed: Completed
    def __init__(self, progress: _Optional[_Union[Progress, _Mapping]] = ..., log: _Optional[_Union[_job_pb2.LogLine, _Mapping]] = ..., partial: _Optional[_Union[ModelSnapshot, _Mapping]] = ..., completed: _Optional[_Union[Completed, _Mapping]] = ...) -> None: ...
