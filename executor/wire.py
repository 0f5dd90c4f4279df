"""Between proto messages and the executor's own values: the model both ways, a job's input one way. Nothing else.

The values of `executor.model` carry the member names of model.proto, so one walk over the members serves every type.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from eventstorming.v1 import executor_pb2, job_pb2, model_pb2

from executor.errors import InvalidInput
from executor.graph.state import DraftAggregate, DraftContext, GraphInput, Named, RequiredNames
from executor.graph.text import language_of
from executor.model import CommandKind, EventStormingModel, Language


@dataclass(frozen=True, slots=True)
class Pending:
    """A snapshot that is put together only if it is still the last one when its turn comes."""

    message: Callable[[], executor_pb2.ModelSnapshot]


Event = executor_pb2.Progress | executor_pb2.Log | Pending | executor_pb2.Completed
"""What a run tells of itself."""

_ENUMS: Final[dict[Any, int]] = {
    Language.ENGLISH: model_pb2.LANGUAGE_ENGLISH,
    Language.KOREAN: model_pb2.LANGUAGE_KOREAN,
    CommandKind.CREATE: model_pb2.COMMAND_KIND_CREATE,
    CommandKind.UPDATE: model_pb2.COMMAND_KIND_UPDATE,
    CommandKind.DELETE: model_pb2.COMMAND_KIND_DELETE,
}


def model_to_proto(model: EventStormingModel) -> model_pb2.EventStormingModel:
    """The model as a message."""
    message = model_pb2.EventStormingModel()
    _fill(message, model)
    return message


def model_from_proto(message: model_pb2.EventStormingModel) -> EventStormingModel:
    """The model in a message; an unspecified language is English, an unspecified kind of command an update."""
    model = _read(EventStormingModel, message)
    assert isinstance(model, EventStormingModel)
    return model


def _fill(message: Any, value: Any) -> None:
    kind: type = type(value)
    for name in _members(kind):
        content = getattr(value, name)
        if isinstance(content, tuple):
            _extend(getattr(message, name), content)
        elif is_dataclass(content):
            target = getattr(message, name)
            target.SetInParent()
            _fill(target, content)
        elif content is not None:
            setattr(message, name, _ENUMS[content] if isinstance(content, Enum) else content)


def _extend(target: Any, content: Sequence[Any]) -> None:
    for item in content:
        if is_dataclass(item):
            _fill(target.add(), item)
        else:
            target.append(item)


@cache
def _members(kind: type) -> tuple[str, ...]:
    return tuple(member.name for member in fields(kind))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, message: Any) -> Any:
    members = {}
    for name, hint in _hints(kind).items():
        present = not _optional(hint) or message.HasField(name)
        members[name] = _value(_plain(hint), getattr(message, name)) if present else None
    return kind(**members)


def _optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _plain(hint: Any) -> Any:
    return get_args(hint)[0] if _optional(hint) else hint


def _value(hint: Any, content: Any) -> Any:
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], item) for item in content)
    if is_dataclass(hint):
        return _read(hint, content)
    if hint is Language:
        return Language.KOREAN if content == model_pb2.LANGUAGE_KOREAN else Language.ENGLISH
    if hint is CommandKind:
        return next(
            (k for k, n in _ENUMS.items() if n == content and isinstance(k, CommandKind)), CommandKind.UPDATE
        )
    return content


# ---------------------------------------------------------------- input of a job


def graph_input(job: job_pb2.JobInput) -> GraphInput:
    """What the graph is to generate. Raises InvalidInput, in the user's language, when there is nothing to start from."""
    language = _language(job)
    if job.WhichOneof("source") == "draft":
        contexts = tuple(_context(context) for context in job.draft.contexts)
        if not contexts:
            raise InvalidInput(
                language.pick(
                    "The draft has no bounded context.", "초안에 바운디드 컨텍스트가 하나도 없습니다."
                )
            )
        return GraphInput(language=language, contexts=contexts)
    if not job.requirements.strip():
        raise InvalidInput(language.pick("The requirements are empty.", "요구사항이 비어 있습니다."))
    return GraphInput(language=language, requirements=job.requirements)


def _language(job: job_pb2.JobInput) -> Language:
    if job.language == model_pb2.LANGUAGE_KOREAN:
        return Language.KOREAN
    if job.language == model_pb2.LANGUAGE_ENGLISH:
        return Language.ENGLISH
    return language_of(job.requirements + "".join(f"{c.alias} {c.requirements}" for c in job.draft.contexts))


def _context(context: job_pb2.DraftContext) -> DraftContext:
    return DraftContext(
        name=context.name,
        alias=context.alias,
        requirements=context.requirements,
        aggregates=tuple(_aggregate(aggregate) for aggregate in context.aggregates),
        required=RequiredNames(
            commands=tuple(context.required_commands),
            events=tuple(context.required_events),
            read_models=tuple(context.required_read_models),
        ),
    )


def _aggregate(aggregate: job_pb2.DraftAggregate) -> DraftAggregate:
    return DraftAggregate(
        name=aggregate.name,
        alias=aggregate.alias,
        enumerations=_named(aggregate.enumerations),
        value_objects=_named(aggregate.value_objects),
        references=tuple(aggregate.references),
        required_attributes=tuple(aggregate.required_attributes),
    )


def _named(drafted: Sequence[job_pb2.DraftType]) -> tuple[Named, ...]:
    return tuple(Named(name=item.name, alias=item.alias) for item in drafted)
