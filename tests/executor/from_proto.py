"""A model read back from its message, as the executor's own values: no program needs it, tests compare with it."""

from __future__ import annotations

import types
from dataclasses import is_dataclass
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from eventstorming.v1 import model_pb2

from executor.model import CommandKind, EventStormingModel, Language

PREFIXES: dict[Any, tuple[Any, str]] = {
    Language: (model_pb2.Language, "LANGUAGE_"),
    CommandKind: (model_pb2.CommandKind, "COMMAND_KIND_"),
}


def model_from_proto(message: model_pb2.EventStormingModel) -> EventStormingModel:
    """Every member, by the name that both sides give it."""
    model = _value(EventStormingModel, message)
    assert isinstance(model, EventStormingModel)
    return model


def _value(hint: Any, content: Any) -> Any:
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], item) for item in content)
    if is_dataclass(hint):
        return hint(**{name: _member(of, content, name) for name, of in get_type_hints(hint).items()})
    return _enum(hint, content) if hint in PREFIXES else content


def _member(hint: Any, message: Any, name: str) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        return _value(get_args(hint)[0], getattr(message, name)) if message.HasField(name) else None
    return _value(hint, getattr(message, name))


def _enum(kind: type[StrEnum], number: int) -> StrEnum:
    numbers, prefix = PREFIXES[kind]
    return kind[numbers.Name(number).removeprefix(prefix)]
