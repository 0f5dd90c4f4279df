"""Between proto messages and the executor's own values: a model out, a job's input in. Nothing else.

The values of `executor.model` carry the member names of model.proto, so one walk over the members serves every type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from eventstorming.v1 import executor_pb2, job_pb2, model_pb2

from executor.edits import Edit, Kind
from executor.errors import InvalidInput
from executor.graph.given import DraftAggregate, DraftContext, GraphInput, Named, RequiredNames
from executor.graph.text import language_of
from executor.model import CommandKind, EventStormingModel, Language


@dataclass(frozen=True, slots=True)
class Pending:
    """A snapshot that is put together only if it is still the last one when its turn comes. `early`: a preview."""

    message: Callable[[], executor_pb2.ModelSnapshot]
    early: bool = False


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
    return model_pb2.EventStormingModel(**_members(model))


def _members(element: Any) -> dict[str, Any]:
    """What a message is made of: members that say nothing are left out, but an element without content stays."""
    return {
        name: value
        for name in element.__dataclass_fields__
        if (value := _plain(getattr(element, name))) or isinstance(value, dict)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _ENUMS[value] if isinstance(value, Enum) else value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, int) else _members(value)


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


_KINDS: Final = {
    job_pb2.ELEMENT_KIND_AGGREGATE: Kind.AGGREGATE,
    job_pb2.ELEMENT_KIND_COMMAND: Kind.COMMAND,
    job_pb2.ELEMENT_KIND_EVENT: Kind.EVENT,
    job_pb2.ELEMENT_KIND_READ_MODEL: Kind.READ_MODEL,
    job_pb2.ELEMENT_KIND_POLICY: Kind.POLICY,
    job_pb2.ELEMENT_KIND_OPEN_QUESTION: Kind.QUESTION,
}


def edits(job: job_pb2.JobInput) -> tuple[Edit, ...]:
    """What is to be changed on the model; an edit of a kind that a newer poller knows is left out."""
    return tuple(
        Edit(
            kind=_KINDS[edit.kind],
            name=edit.name,
            alias=edit.alias,
            code_name=edit.code_name,
            removed=edit.removed,
        )
        for edit in job.edits
        if edit.kind in _KINDS
    )


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
