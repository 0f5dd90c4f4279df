"""The flow of a bounded context as EventCatalog draws it. Policies are steps of it; systems of others are external services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from poller.board.wall import id_of, title_of
from poller.board.words import export_words_for
from poller.exports._schemas import Json, flat
from poller.exports._terms import terms
from poller.exports.eventcatalog.elements import Ids
from poller.exports.eventcatalog.page import GRAPH, filled, head, page, pointer
from poller.resolved import Aggregate, Context, Member, Resolved


class Flows:
    """One for each context."""

    def __init__(self, found: Resolved, ids: Ids) -> None:
        self._words, self._ids = export_words_for(found.model), ids
        self._users = {it.name: _user(it) for it in found.model.actors}
        self._users |= {it.message.name: _external(it.message) for it in found.systems}

    def page(self, context: Context) -> str:
        """What leads to what, step by step."""
        steps: dict[str, Json] = {}
        for aggregate in context.aggregates:
            for step in chain(self._command_steps(aggregate), self._policy_steps(aggregate)):
                known = steps.setdefault(step["id"], {**step, "next_steps": []})
                known["next_steps"] += [it for it in step["next_steps"] if it not in known["next_steps"]]
        about = head(self._ids.flow(context), context, context.message.purpose)
        return page({**about, "steps": list(steps.values())}, GRAPH)

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
            told = filled(
                title=flat(title_of(policy.message)),
                type=self._words["policy"],
                summary=policy.message.reason.strip(),
                color="purple",
                properties=dict(line.split(": ", 1) for line in terms(policy.message, self._words)),
            )
            yield _step(id_of(policy), told["title"], map(id_of, ends), custom=told)
            yield from (self._message_step(end, []) for end in ends)

    def _message_step(self, member: Member, ends: Iterable[str]) -> Json:
        message = pointer(self._ids.messages[member.path])
        return _step(id_of(member), flat(title_of(member.message)), ends, message=message)


def _user(actor: Any) -> Json:
    title = flat(title_of(actor))
    return _step(f"actor {title}", title, [], actor={"name": title})


def _external(system: Any) -> Json:
    told = filled(name=flat(title_of(system)), summary=system.description.strip())
    return _step(f"system {told['name']}", told["name"], [], externalSystem=told)


def _step(identity: str, title: str, ends: Iterable[str], **what: Json) -> Json:
    return {"id": identity, "title": title, **what, "next_steps": _ends(ends)}


def _ends(steps: Iterable[str]) -> list[Json]:
    return [{"id": step} for step in steps]
