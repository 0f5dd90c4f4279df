"""A catalog for EventCatalog: a domain and a service for each bounded context, its aggregates as entities, its messages, its flow.

Policies are steps of the flow; systems of others are external services.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from eventstorming.v1.model_pb2 import EventStormingModel, Field

from poller.board.text import escaped_markdown
from poller.board.wall import id_of, title_of
from poller.board.words import export_words_for
from poller.exports import glossary
from poller.exports._format import Format
from poller.exports._names import identifier
from poller.exports._schemas import Json, Schemas, flat
from poller.exports._terms import OF_THE_WHOLE, policy_lines, questions, terms
from poller.resolved import Aggregate, Context, Member, Node, Policy, Resolved, System, resolve
from poller.resolved.names import Register

VERSION: Final = "1.0.0"
_GRAPH: Final = "<NodeGraph />"
_README: Final = "# EventCatalog\n\nWith Node.js 22: `npm install && npm run dev`, or `npm run build` for a site in `dist`.\n"
_KINDS: Final = {"events": "events", "commands": "commands", "read_models": "queries"}
"""Folder of each kind of message."""


def catalog(model: EventStormingModel) -> dict[str, str]:
    """Every file by its path."""
    return dict(_Catalog(resolve(model)).files())


class _Catalog:
    def __init__(self, found: Resolved) -> None:
        self._found, self._words, self._asked = (
            found,
            export_words_for(found.model),
            questions(found, named=False),
        )
        self._schemas = Schemas(found, at="#/$defs/")
        services, messages = Register(), Register()
        self._services = {it.path: services.take(f"{identifier(it)}Service") for it in found.contexts}
        self._services |= {it.path: services.take(identifier(it)) for it in found.systems}
        self._domains = _ids(found.contexts)
        self._entities = _ids(found.aggregates)
        self._roots = {it.message.name: self._entities[it.path] for it in reversed(list(found.aggregates))}
        self._users = {it.name: _user(it) for it in found.model.actors}
        self._users |= {it.message.name: _external(it.message) for it in found.systems}
        self._messages = {
            it.path: messages.take(identifier(it)) for _, _, it in self._members(found.aggregates)
        }

    def files(self) -> Iterator[tuple[str, str]]:
        yield from _project(self._found)
        yield "README.md", f"{_README}\n{_list(self._words['questions'], self._asked[OF_THE_WHOLE])}\n"
        for context in self._found.contexts:
            folder = f"domains/{self._domains[context.path]}"
            yield from ((f"{folder}/{path}", text) for path, text in self._context(context))
        for system in self._found.systems:
            yield f"services/{self._services[system.path]}/index.mdx", self._system(system)

    def _members(self, aggregates: Iterable[Aggregate]) -> Iterator[tuple[Aggregate, str, Member]]:
        for aggregate in aggregates:
            for kind, folder in _KINDS.items():
                yield from ((aggregate, folder, member) for member in getattr(aggregate, kind))

    def _context(self, context: Context) -> Iterator[tuple[str, str]]:
        service = f"services/{self._services[context.path]}"
        yield "index.mdx", self._domain(context)
        yield "ubiquitous-language.mdx", _language(context)
        yield f"{service}/index.mdx", self._service(context)
        for aggregate in context.aggregates:
            yield f"entities/{self._entities[aggregate.path]}/index.mdx", self._entity(aggregate)
        for aggregate, kind, member in self._members(context.aggregates):
            folder = f"{service}/{kind}/{self._messages[member.path]}"
            yield f"{folder}/index.mdx", self._message(member)
            yield f"{folder}/schema.json", self._schema(aggregate, member)
        yield f"flows/{self._flow_of(context)}/index.mdx", self._flow(context)

    def _domain(self, context: Context) -> str:
        head = {
            **_head(self._domains[context.path], context, context.message.purpose),
            "services": [_pointer(self._services[context.path])],
            "entities": self._own_entities(context),
            "flows": [_pointer(self._flow_of(context))],
        }
        return _page(head, _GRAPH, self._asked_about(context))

    def _own_entities(self, context: Context) -> list[Json]:
        return [_pointer(self._entities[aggregate.path]) for aggregate in context.aggregates]

    def _flow_of(self, context: Context) -> str:
        return f"{self._domains[context.path]}Flow"

    def _service(self, context: Context) -> str:
        policies = [policy for aggregate in context.aggregates for policy in aggregate.policies]
        own = {it.path: kind for _, kind, it in self._members(context.aggregates)}
        given = [command for policy in policies for command in policy.commands]
        triggers = [policy.trigger for policy in policies if policy.trigger]
        sends = [path for path, kind in own.items() if kind == "events"]
        receives = [path for path, kind in own.items() if kind != "events"]
        head = {
            **_head(self._services[context.path], context, context.message.purpose),
            "sends": self._pointers([*sends, *(it.path for it in given if it.path not in own)]),
            "receives": self._pointers([*receives, *(it.path for it in triggers if it.path not in own)]),
            "entities": self._own_entities(context),
        }
        return _page(head, _GRAPH, *(self._policy(policy) for policy in policies))

    def _policy(self, policy: Policy) -> str:
        first, *lines = policy_lines(policy, self._words)
        return _list(first, [*lines, *self._asked[policy.path]])

    def _system(self, system: System) -> str:
        """Receives what calls it, sends what it gives."""
        commands = [command for it in self._found.aggregates for command in it.commands]
        gives = [command.path for command in commands if command.message.actor == system.message.name]
        head = {
            **_head(self._services[system.path], system, system.message.description),
            "externalSystem": True,
            "sends": self._pointers(gives),
            "receives": self._pointers(command.path for command in commands if system in command.systems),
        }
        return _page(head, _GRAPH)

    def _pointers(self, paths: Iterable[str]) -> list[Json]:
        return [_pointer(self._messages[path]) for path in dict.fromkeys(paths)]

    def _entity(self, aggregate: Aggregate) -> str:
        message = aggregate.message
        enums = {it.name: [flat(item.value) for item in it.items] for it in message.enumerations}
        head = {
            **_head(self._entities[aggregate.path], aggregate, message.description),
            "aggregateRoot": True,
            "identifier": next((flat(field.name) for field in message.fields if field.is_key), ""),
            "properties": [self._property(field, enums) for field in message.fields],
        }
        return _page(head, _list(self._words["rules"], message.invariants), self._asked_about(aggregate))

    def _property(self, field: Field, enums: Mapping[str, list[str]]) -> Json:
        inner = field.type.removeprefix("List<").removesuffix(">")
        return _filled(
            name=flat(field.name),
            type="array" if inner != field.type else flat(field.type),
            items={"type": flat(inner)} if inner != field.type else None,
            required=field.is_key,
            description=field.alias.strip() and flat(field.alias),
            references=self._roots.get(field.references),
            enum=enums.get(inner),
        )

    def _message(self, member: Member) -> str:
        message = member.message
        head = {
            **_head(self._messages[member.path], member, message.description),
            "schemaPath": "schema.json",
        }
        refused = [f"{it.title}: {it.told}" for it in getattr(message, "refusals", ())]
        shown = [it.alias or it.name for it in getattr(message, "columns", ())]
        blocks = _list(self._words["refusals"], refused), _list(self._words["columns"], shown)
        return _page(head, _GRAPH, *blocks, self._asked_about(member))

    def _schema(self, aggregate: Aggregate, member: Member) -> str:
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
        return _list(self._words["questions"], self._asked[node.path])

    def _flow(self, context: Context) -> str:
        steps: dict[str, Json] = {}
        for aggregate in context.aggregates:
            for step in chain(self._command_steps(aggregate), self._policy_steps(aggregate)):
                known = steps.setdefault(step["id"], {**step, "next_steps": []})
                known["next_steps"] += [it for it in step["next_steps"] if it not in known["next_steps"]]
        head = _head(self._flow_of(context), context, context.message.purpose)
        return _page({**head, "steps": list(steps.values())}, _GRAPH)

    def _command_steps(self, aggregate: Aggregate) -> Iterator[Json]:
        """Who gives a command, what it leads to, whom it calls."""
        for command in aggregate.commands:
            if user := self._users.get(command.message.actor):
                yield {**user, "next_steps": _ends([id_of(command)])}
            called = [self._users[system.message.name] for system in command.systems]
            yield self._message_step(command, [*map(id_of, command.emits), *(it["id"] for it in called)])
            yield from (self._message_step(event, []) for event in command.emits)
            yield from called

    def _policy_steps(self, aggregate: Aggregate) -> Iterator[Json]:
        for policy in aggregate.policies:
            ends = policy.commands or policy.results
            if policy.trigger:
                yield self._message_step(policy.trigger, [id_of(policy)])
            told = _filled(
                title=flat(title_of(policy.message)),
                type=self._words["policy"],
                summary=policy.message.reason.strip(),
                color="purple",
                properties=dict(line.split(": ", 1) for line in terms(policy.message, self._words)),
            )
            yield _step(id_of(policy), told["title"], map(id_of, ends), custom=told)
            yield from (self._message_step(end, []) for end in ends)

    def _message_step(self, member: Member, ends: Iterable[str]) -> Json:
        message = _pointer(self._messages[member.path])
        return _step(id_of(member), flat(title_of(member.message)), ends, message=message)


def _ids(nodes: Iterable[Node]) -> dict[str, str]:
    register = Register()
    return {node.path: register.take(identifier(node)) for node in nodes}


def _pointer(name: str) -> Json:
    return {"id": name, "version": VERSION}


def _user(actor: Any) -> Json:
    title = flat(title_of(actor))
    return _step(f"actor {title}", title, [], actor={"name": title})


def _external(system: Any) -> Json:
    told = _filled(name=flat(title_of(system)), summary=system.description.strip())
    return _step(f"system {told['name']}", told["name"], [], externalSystem=told)


def _step(identity: str, title: str, ends: Iterable[str], **what: Json) -> Json:
    return {"id": identity, "title": title, **what, "next_steps": _ends(ends)}


def _ends(steps: Iterable[str]) -> list[Json]:
    return [{"id": step} for step in steps]


def _head(identity: str, node: Node, summary: str) -> Json:
    said = flat(summary) if summary.strip() else ""
    return _filled(id=identity, name=flat(title_of(node.message)), version=VERSION, summary=said)


def _filled(**members: Any) -> Json:
    return {name: value for name, value in members.items() if value}


def _language(context: Context) -> str:
    ids = Register()
    words = [
        {"id": ids.take(flat(name)), "name": flat(term), "summary": flat(meaning or kind)}
        for term, name, kind, meaning, _ in glossary.rows(context)
    ]
    return _page({"dictionary": words})


def _page(head: Json, *blocks: str) -> str:
    """Front matter in YAML, each value as JSON, which YAML includes; then Markdown."""
    lines = [_yaml(name, value) for name, value in head.items() if value]
    return "\n\n".join(["\n".join(["---", *lines, "---"]), *filter(None, blocks)]) + "\n"


def _yaml(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "\n".join([f"{name}:", *(f"  - {json.dumps(item, ensure_ascii=False)}" for item in value)])
    return f"{name}: {json.dumps(value, ensure_ascii=False)}"


def _list(title: str, texts: Iterable[str]) -> str:
    """Every text of the model is in a heading or an item of a list: nothing of it is code."""
    rows = "\n".join(f"- {_escaped(text)}" for text in texts)
    return f"## {_escaped(title)}\n\n{rows}" if rows else ""


def _escaped(text: str) -> str:
    """Also where MDX reads code, and EventCatalog directives and references."""
    return re.sub(r"[{}:]", r"\\\g<0>", escaped_markdown(text.replace("[[", "[ ["))) or "–"


def _project(found: Resolved) -> Iterator[tuple[str, str]]:
    """What npm and EventCatalog need beside the catalog."""
    title = ", ".join(flat(title_of(context.message)) for context in found.contexts)[:200] or "EventStorming"
    config = {"cId": str(uuid5(NAMESPACE_URL, title)), "title": title, "organizationName": "EventStorming"}
    package = {
        "private": True,
        "scripts": {"dev": "eventcatalog dev", "build": "eventcatalog build"},
        "dependencies": {"@eventcatalog/core": "^3.48.4"},
    }
    yield "eventcatalog.config.js", f"export default {json.dumps(config, ensure_ascii=False, indent=2)};\n"
    yield "package.json", json.dumps(package, indent=2) + "\n"


FORMAT = Format(
    title=("EventCatalog", "EventCatalog"),
    file="eventcatalog.zip",
    media_type="application/zip",
    write=catalog,
)
