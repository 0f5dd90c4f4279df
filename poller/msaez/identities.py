"""Under which id each sticker and line is published: the one it was shown under, else one made from its ordinal path.

A run that goes on after an upgrade may find the same elements under other ordinals, and others instead of some: what
is shown is recognised by kind and name, and what is new takes over a sticker that nothing else claims. Pure.
"""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator

from poller.msaez.canvas import Canvas, link, members, read, text
from poller.msaez.encoding import Json
from poller.msaez.layout import BESIDE
from poller.resolved import Member, Resolved
from poller.resolved.names import plain

KINDS = ("BoundedContext", "Aggregate", "Command", "Event", "View", "Policy", "UI", "Actor")
"""Owners come before what belongs to them."""

Wanted = tuple[str, str, str]
"""Path, the name it is traced by, and the path of its owner."""
_Key = Callable[[str, str, str], Hashable]
_BY_NAME: list[_Key] = [
    lambda identity, name, owner: (identity, name),
    lambda identity, name, owner: (name, owner),
    lambda identity, name, owner: name,
    lambda identity, name, owner: owner,
    lambda identity, name, owner: None,
]
_BY_OWNER = [_BY_NAME[1], _BY_NAME[3], _BY_NAME[2], _BY_NAME[4]]


_LEGAL = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Identities:
    """`elements` and `relations` are what the canvas showed when the run began, decoded."""

    def __init__(self, job_id: str, elements: Json = None, relations: Json = None) -> None:
        self._namespace = _namespace(job_id)
        self.shown = read({"elements": _legal(elements), "relations": _legal(relations)}, None)

    def made(self, path: str, taken: Collection[str] = ()) -> str:
        """The id of what has never been shown before."""
        while (identity := str(uuid.uuid5(self._namespace, path))) in taken:
            path += "'"
        return identity

    def stickers(self, found: Resolved) -> dict[str, str]:
        """The id of every sticker by its path; screens and actors are below their owner."""
        ids: dict[str, str] = {}
        for kind in KINDS:
            free = dict(shown_stickers(self.shown, kind))
            wanted = list(_wanted(found, kind))
            if free:
                ids |= self._recognised(kind, wanted, free, ids)
            ids |= {path: self.made(path, self.shown.elements) for path, _, _ in wanted if path not in ids}
        return ids

    def _recognised(
        self, kind: str, wanted: list[Wanted], free: dict[str, tuple[str, str]], ids: dict[str, str]
    ) -> dict[str, str]:
        recognised: dict[str, str] = {}
        for key in _BY_OWNER if kind in ("UI", "Actor") else _BY_NAME:
            alike: dict[Hashable, list[str]] = defaultdict(list)
            for identity, (name, owner) in free.items():
                alike[key(identity, name, owner)].append(identity)
            for path, name, owner in wanted:
                if path not in recognised and (same := alike[key(self.made(path), name, ids.get(owner, ""))]):
                    recognised[path] = same.pop(0)
                    del free[recognised[path]]
        return recognised

    def lines(self, wanted: Iterable[tuple[str, str, str]]) -> dict[str, str]:
        """The id of every line (path, id of its start and of its end) by its path: that of the one shown between these."""
        wanted = list(wanted)
        shown = {
            (text(line.get("from")), text(line.get("to"))): key for key, line in self.shown.relations.items()
        }
        ids = {path: shown[ends] for path, *ends_ in wanted if (ends := tuple(ends_)) in shown}
        taken = set(ids.values())
        return ids | {path: self.made(path, taken) for path, _, _ in wanted if path not in ids}


def _legal(things: Json) -> dict[str, Json]:
    return {key: thing for key, thing in members(things).items() if _LEGAL.fullmatch(key)}


def _namespace(job_id: str) -> uuid.UUID:
    try:
        return uuid.UUID(job_id)
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_OID, job_id)


def _wanted(found: Resolved, kind: str) -> Iterator[Wanted]:
    if kind == "BoundedContext":
        yield from ((context.path, plain(context.message.name), "") for context in found.contexts)
    for aggregate in found.aggregates:
        users = [*aggregate.commands, *aggregate.read_models]
        own = {
            "Command": aggregate.commands,
            "Event": aggregate.events,
            "View": aggregate.read_models,
            "Policy": aggregate.crossing,
        }
        if kind == "Aggregate":
            yield aggregate.path, plain(aggregate.message.name), aggregate.context.path
        elif kind == "UI":
            yield from ((f"{user.path}/ui", f"{user.name}UI", user.path) for user in users)
        elif kind == "Actor":
            yield from ((f"{user.path}/actor", role_of(user), user.path) for user in users if role_of(user))
        else:
            yield from ((node.path, plain(node.message.name), aggregate.path) for node in own.get(kind, ()))


def role_of(user: Member) -> str:
    """Name of the actor on the canvas; empty for none."""
    return plain(user.message.actor.strip())[:128]


def shown_stickers(shown: Canvas, kind: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Id, and by what name and below which owner's id each of the kind is shown."""
    users = {
        _place(user["elementView"]): key for key, user in shown.of("Command", "View") if "elementView" in user
    }
    for key, element in shown.of(kind):
        owner = link(element, "boundedContext" if kind == "Aggregate" else "aggregate")
        if kind == "UI":
            owner = link(element, "command") or link(element, "readModel")
        elif kind == "Actor":
            owner = users.get(_place(element.get("elementView"), 2 * BESIDE), "")
        yield key, (text(element.get("traceName")) or text(element.get("name")), owner)


def _place(view: object, left: int = 0) -> Hashable:
    """Where a sticker stands; an actor stands to the `left` of whom it uses, and nothing else says whose it is."""
    x, y = (members(view).get(axis) for axis in "xy")
    return (x + left, y) if isinstance(x, int | float) else None
