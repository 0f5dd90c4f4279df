"""AsyncAPI 3: every event and every command as a message with its schema, on a channel of its own; policies receive, or send when time has come.

Systems of others are tags of the operations that call them; open questions stand in the descriptions.
"""

import json
from collections.abc import Iterator
from itertools import chain

from eventstorming.v1.model_pb2 import EventStormingModel

from poller.board.wall import title_of
from poller.board.words import export_words_for
from poller.exports._format import Format
from poller.exports._names import identifier
from poller.exports._schemas import Json, Schemas, flat
from poller.exports._terms import questions, terms
from poller.resolved import Aggregate, Context, Member, Node, Policy, Resolved, resolve
from poller.resolved.names import Register


def to_asyncapi(model: EventStormingModel) -> str:
    """One document in JSON, which is YAML too."""
    return json.dumps(_Document(resolve(model)).value(), ensure_ascii=False, indent=2) + "\n"


class _Document:
    def __init__(self, found: Resolved) -> None:
        self._found = found
        self._words, self._asked = export_words_for(found.model), questions(found, named=True)
        register, tags = Register(), Register()
        members = [(it, kind) for it in found.aggregates for kind in ("events", "commands")]
        self._keys = {
            member.path: register.take(identifier(member))
            for it, kind in members
            for member in getattr(it, kind)
        }
        self._schemas = Schemas(found, at="#/components/schemas/")
        self._tags = {system.path: tags.take(identifier(system)) for system in found.systems}

    def value(self) -> Json:
        names = ", ".join(flat(title_of(context.message)) for context in self._found.contexts)
        return {
            "asyncapi": "3.0.0",
            "info": {"title": names[:200] or "EventStorming", "version": "1.0.0", **_said(*self._left())},
            "defaultContentType": "application/json",
            "channels": dict(self._channels()),
            "operations": dict(self._operations()),
            "components": {
                "messages": dict(self._messages()),
                "schemas": dict(chain(*map(self._schemas.types, self._found.aggregates))),
                "tags": dict(self._systems()),
            },
        }

    def _left(self) -> Iterator[str]:
        """Questions about what has no description here."""
        told = {it.path for *_, it, _ in self._members()} | {it.path for it, _ in self._policies()}
        for path, asked in self._asked.items():
            if path not in told:
                yield from asked

    def _systems(self) -> Iterator[tuple[str, Json]]:
        for system in self._found.systems:
            said = _said(system.message.description)
            yield self._tags[system.path], {"name": flat(title_of(system.message)), **said}

    def _members(self) -> Iterator[tuple[Context, Aggregate, Member, str]]:
        for aggregate in self._found.aggregates:
            for member in aggregate.events:
                yield aggregate.context, aggregate, member, "send"
            for member in aggregate.commands:
                yield aggregate.context, aggregate, member, "receive"

    def _channels(self) -> Iterator[tuple[str, Json]]:
        for context, aggregate, member, _ in self._members():
            key = self._keys[member.path]
            yield (
                key,
                {
                    "address": ".".join((identifier(context), identifier(aggregate), key)),
                    "title": flat(title_of(member.message)),
                    "messages": {key: {"$ref": f"#/components/messages/{key}"}},
                },
            )

    def _operations(self) -> Iterator[tuple[str, Json]]:
        register = Register()
        for _, _, member, action in self._members():
            called = [{"$ref": f"#/components/tags/{self._tags[system.path]}"} for system in member.systems]
            operation = self._operation(action, member, member, member.message.description)
            name = register.take(f"{action}{self._keys[member.path]}")
            yield name, operation | ({"tags": called} if called else {})
        for policy, action in self._policies():
            name = register.take(f"on{identifier(policy)}")
            said = (policy.message.reason, *terms(policy.message, self._words), *self._asked[policy.path])
            yield name, self._operation(action, policy.trigger or policy.commands[0], policy, *said)

    def _policies(self) -> Iterator[tuple[Policy, str]]:
        """What a policy without a trigger gives is sent when its time has come."""
        for aggregate in self._found.aggregates:
            yield from ((it, "receive" if it.trigger else "send") for it in aggregate.policies)

    def _operation(self, action: str, member: Member, node: Node, *said: str) -> Json:
        channel = {"$ref": f"#/channels/{self._keys[member.path]}"}
        return {"action": action, "channel": channel, "title": flat(title_of(node.message)), **_said(*said)}

    def _messages(self) -> Iterator[tuple[str, Json]]:
        for _, aggregate, member, _ in self._members():
            key, message = self._keys[member.path], member.message
            yield (
                key,
                {
                    "name": key,
                    "title": flat(title_of(message)),
                    **_said(message.description, *self._asked[member.path]),
                    "payload": self._schemas.object(aggregate, message.fields),
                },
            )


def _said(*texts: str) -> Json:
    """A paragraph each."""
    told = "\n\n".join(flat(text) for text in texts if text.strip())
    return {"description": told} if told else {}


FORMAT = Format(
    title=("AsyncAPI 3", "AsyncAPI 3"), file="asyncapi.json", media_type="application/json", write=to_asyncapi
)
