"""AsyncAPI 3: every event and every command as a message with its schema, on a channel of its own; policies receive."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from eventstorming.v1.model_pb2 import EventStormingModel, Field

from poller.board.text import clean, one_line
from poller.board.wall import title_of
from poller.exports._format import Format
from poller.exports._names import identifier
from poller.resolved import Aggregate, Context, Member, Resolved, resolve
from poller.resolved.names import Register

_Json = dict[str, Any]
_TYPES: Final[dict[str, _Json]] = {
    "Long": {"type": "integer", "format": "int64"},
    "Integer": {"type": "integer", "format": "int32"},
    "Double": {"type": "number", "format": "double"},
    "BigDecimal": {"type": "number"},
    "Boolean": {"type": "boolean"},
    "Date": {"type": "string", "format": "date"},
}


def to_asyncapi(model: EventStormingModel) -> str:
    """One document in JSON, which is YAML too."""
    return json.dumps(_Document(resolve(model)).value(), ensure_ascii=False, indent=2) + "\n"


class _Document:
    def __init__(self, found: Resolved) -> None:
        self._found = found
        register, types = Register(), Register()
        members = [(it, kind) for it in found.aggregates for kind in ("events", "commands")]
        self._keys = {
            member.path: register.take(identifier(member))
            for it, kind in members
            for member in getattr(it, kind)
        }
        self._types = {
            (it.path, declared.name): types.take(f"{identifier(it)}.{identifier_of(declared.name)}")
            for it in found.aggregates
            for declared in (*it.message.value_objects, *it.message.enumerations)
        }

    def value(self) -> _Json:
        names = ", ".join(_flat(title_of(context.message)) for context in self._found.contexts)
        return {
            "asyncapi": "3.0.0",
            "info": {"title": names[:200] or "EventStorming", "version": "1.0.0"},
            "defaultContentType": "application/json",
            "channels": dict(self._channels()),
            "operations": dict(self._operations()),
            "components": {"messages": dict(self._messages()), "schemas": dict(self._schemas())},
        }

    def _members(self) -> Iterator[tuple[Context, Aggregate, Member, str]]:
        for aggregate in self._found.aggregates:
            for member in aggregate.events:
                yield aggregate.context, aggregate, member, "send"
            for member in aggregate.commands:
                yield aggregate.context, aggregate, member, "receive"

    def _channels(self) -> Iterator[tuple[str, _Json]]:
        for context, aggregate, member, _ in self._members():
            key = self._keys[member.path]
            yield (
                key,
                {
                    "address": ".".join((identifier(context), identifier(aggregate), key)),
                    "title": _flat(title_of(member.message)),
                    "messages": {key: {"$ref": f"#/components/messages/{key}"}},
                },
            )

    def _operations(self) -> Iterator[tuple[str, _Json]]:
        register = Register()
        for _, _, member, action in self._members():
            yield (
                register.take(f"{action}{self._keys[member.path]}"),
                self._operation(action, member, member.message),
            )
        for aggregate in self._found.aggregates:
            for policy in aggregate.policies:
                if policy.trigger is not None:
                    name = register.take(f"on{identifier(policy)}")
                    yield name, self._operation("receive", policy.trigger, policy.message)

    def _operation(self, action: str, member: Member, message: Any) -> _Json:
        said = getattr(message, "description", "") or getattr(message, "reason", "")
        channel = {"$ref": f"#/channels/{self._keys[member.path]}"}
        return {"action": action, "channel": channel, "title": _flat(title_of(message)), **_said(said)}

    def _messages(self) -> Iterator[tuple[str, _Json]]:
        for _, aggregate, member, _ in self._members():
            key, message = self._keys[member.path], member.message
            yield (
                key,
                {
                    "name": key,
                    "title": _flat(title_of(message)),
                    **_said(message.description),
                    "payload": self._object(aggregate, message.fields),
                },
            )

    def _schemas(self) -> Iterator[tuple[str, _Json]]:
        for aggregate in self._found.aggregates:
            for value in aggregate.message.value_objects:
                shape = self._object(aggregate, value.fields)
                yield self._types[aggregate.path, value.name], {"title": _flat(title_of(value)), **shape}
            for declared in aggregate.message.enumerations:
                values = list(dict.fromkeys(_flat(item.value) for item in declared.items)) or ["–"]
                yield (
                    self._types[aggregate.path, declared.name],
                    {"title": _flat(title_of(declared)), "type": "string", "enum": values},
                )

    def _object(self, aggregate: Aggregate, fields: Iterable[Field]) -> _Json:
        properties = {_flat(field.name): self._field(aggregate, field) for field in fields}
        required = [_flat(field.name) for field in fields if field.is_key]
        return {"type": "object", "properties": properties} | ({"required": required} if required else {})

    def _field(self, aggregate: Aggregate, field: Field) -> _Json:
        inner = field.type.removeprefix("List<").removesuffix(">")
        known = self._types.get((aggregate.path, inner))
        shape = {"$ref": f"#/components/schemas/{known}"} if known else _TYPES.get(inner, {"type": "string"})
        if inner != field.type:
            return {"type": "array", "items": shape}
        titled = {"title": _flat(field.alias)} if field.alias and not known else {}
        return {**shape, **titled}


def identifier_of(name: str) -> str:
    """Of a type, which is no node of its own."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)[:60] or "Type"


def _said(text: str) -> _Json:
    return {"description": _flat(text)} if text.strip() else {}


def _flat(text: str) -> str:
    return one_line(clean(text)).strip() or "–"


FORMAT = Format(
    title=("AsyncAPI 3", "AsyncAPI 3"), file="asyncapi.json", media_type="application/json", write=to_asyncapi
)
