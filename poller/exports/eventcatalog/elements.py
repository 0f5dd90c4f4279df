"""The pages of a catalog's elements: what each of them is called there, and what its page says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from eventstorming.v1.model_pb2 import Field

from poller.board.wall import title_of
from poller.board.words import export_words_for
from poller.exports import glossary
from poller.exports._names import identifier
from poller.exports._schemas import Json, Schemas, flat
from poller.exports._terms import policy_lines, questions
from poller.exports.eventcatalog.page import GRAPH, filled, head, listed, page, pointer
from poller.msaez.fields import element_of
from poller.resolved import Aggregate, Context, Member, Node, Policy, Resolved, System
from poller.resolved.names import Register

_KINDS: Final = {"events": "events", "commands": "commands", "read_models": "queries"}
"""Folder of each kind of message."""


def members(aggregates: Iterable[Aggregate]) -> Iterator[tuple[Aggregate, str, Member]]:
    """Every message of theirs, with its aggregate and the folder of its kind."""
    for aggregate in aggregates:
        for kind, folder in _KINDS.items():
            yield from ((aggregate, folder, member) for member in getattr(aggregate, kind))


class Ids:
    """What each element is called in the catalog, by its path in the model."""

    def __init__(self, found: Resolved) -> None:
        services, messages = Register(), Register()
        self.services = {it.path: services.take(f"{identifier(it)}Service") for it in found.contexts}
        self.services |= {it.path: services.take(identifier(it)) for it in found.systems}
        self.domains = _ids(found.contexts)
        self.entities = _ids(found.aggregates)
        self.messages = {it.path: messages.take(identifier(it)) for _, _, it in members(found.aggregates)}

    def flow(self, context: Context) -> str:
        """The one flow of a context."""
        return f"{self.domains[context.path]}Flow"


def _ids(nodes: Iterable[Node]) -> dict[str, str]:
    register = Register()
    return {node.path: register.take(identifier(node)) for node in nodes}


class Elements:
    """The page of each."""

    def __init__(self, found: Resolved, ids: Ids) -> None:
        self._found, self._ids = found, ids
        self._words, self._asked = export_words_for(found.model), questions(found, named=False)
        self._schemas = Schemas(found, at="#/$defs/")
        self._roots = {it.message.name: ids.entities[it.path] for it in reversed(list(found.aggregates))}

    def domain(self, context: Context) -> str:
        """A context with its service, its entities and its flow."""
        about = {
            **head(self._ids.domains[context.path], context, context.message.purpose),
            "services": [pointer(self._ids.services[context.path])],
            "entities": self._own_entities(context),
            "flows": [pointer(self._ids.flow(context))],
        }
        return page(about, GRAPH, self._asked_about(context))

    def _own_entities(self, context: Context) -> list[Json]:
        return [pointer(self._ids.entities[aggregate.path]) for aggregate in context.aggregates]

    def service(self, context: Context) -> str:
        """What a context takes and tells, and its policies."""
        policies = [policy for aggregate in context.aggregates for policy in aggregate.policies]
        own = {it.path: kind for _, kind, it in members(context.aggregates)}
        given = [command for policy in policies for command in policy.commands]
        triggers = [policy.trigger for policy in policies if policy.trigger]
        sends = [path for path, kind in own.items() if kind == "events"]
        receives = [path for path, kind in own.items() if kind != "events"]
        about = {
            **head(self._ids.services[context.path], context, context.message.purpose),
            "sends": self._pointers([*sends, *(it.path for it in given if it.path not in own)]),
            "receives": self._pointers([*receives, *(it.path for it in triggers if it.path not in own)]),
            "entities": self._own_entities(context),
        }
        return page(about, GRAPH, *(self._policy(policy) for policy in policies))

    def _policy(self, policy: Policy) -> str:
        first, *lines = policy_lines(policy, self._words)
        return listed(first, [*lines, *self._asked[policy.path]])

    def system(self, system: System) -> str:
        """Receives what calls it, sends what it gives."""
        commands = [command for it in self._found.aggregates for command in it.commands]
        gives = [command.path for command in commands if command.message.actor == system.message.name]
        about = {
            **head(self._ids.services[system.path], system, system.message.description),
            "externalSystem": True,
            "sends": self._pointers(gives),
            "receives": self._pointers(command.path for command in commands if system in command.systems),
        }
        return page(about, GRAPH)

    def _pointers(self, paths: Iterable[str]) -> list[Json]:
        return [pointer(self._ids.messages[path]) for path in dict.fromkeys(paths)]

    def entity(self, aggregate: Aggregate) -> str:
        """An aggregate with its fields and rules."""
        message = aggregate.message
        enums = {it.name: [flat(item.value) for item in it.items] for it in message.enumerations}
        about = {
            **head(self._ids.entities[aggregate.path], aggregate, message.description),
            "aggregateRoot": True,
            "identifier": next((flat(field.name) for field in message.fields if field.is_key), ""),
            "properties": [self._property(field, enums) for field in message.fields],
        }
        return page(about, listed(self._words["rules"], message.invariants), self._asked_about(aggregate))

    def _property(self, field: Field, enums: Mapping[str, list[str]]) -> Json:
        inner = element_of(field.type)
        return filled(
            name=flat(field.name),
            type="array" if inner != field.type else flat(field.type),
            items={"type": flat(inner)} if inner != field.type else None,
            required=field.is_key,
            description=field.alias.strip() and flat(field.alias),
            references=self._roots.get(field.references),
            enum=enums.get(inner),
        )

    def message(self, member: Member) -> str:
        """A command, an event or a query; its fields are in `schema`."""
        message = member.message
        about = {
            **head(self._ids.messages[member.path], member, message.description),
            "schemaPath": "schema.json",
        }
        refused = [f"{it.title}: {it.told}" for it in getattr(message, "refusals", ())]
        shown = [it.alias or it.name for it in getattr(message, "columns", ())]
        blocks = listed(self._words["refusals"], refused), listed(self._words["columns"], shown)
        return page(about, GRAPH, *blocks, self._asked_about(member))

    def schema(self, aggregate: Aggregate, member: Member) -> str:
        """JSON Schema of what a message carries, as a file."""
        message = member.message
        fields = message.parameters if hasattr(message, "parameters") else message.fields
        value = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": flat(title_of(message)),
            **self._schemas.object(aggregate, fields),
            "$defs": dict(self._schemas.types(aggregate)),
        }
        return json.dumps(value, ensure_ascii=False, indent=2) + "\n"

    def _asked_about(self, node: Node) -> str:
        return listed(self._words["questions"], self._asked[node.path])


def language(context: Context) -> str:
    """The glossary of one context."""
    ids = Register()
    words = [
        {"id": ids.take(flat(name)), "name": flat(term), "summary": flat(meaning or kind)}
        for term, name, kind, meaning, _ in glossary.rows(context)
    ]
    return page({"dictionary": words})
