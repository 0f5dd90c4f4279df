"""What the canvas showed of a job and its finished model does not have: kept, since nothing once shown may disappear.

After an upgrade a job is asked other questions and may end with fewer stickers of a kind than it had shown. These are
added to the model as the canvas tells of them, so that they get a place, and lines, like all others. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from eventstorming.v1 import model_pb2

from poller.msaez.canvas import classes, entries, is_root, kind_of, link, own_fields, text
from poller.msaez.constants import VIEW_KEY
from poller.msaez.encoding import Json
from poller.msaez.fields import BUILT_IN, element_of, listed
from poller.msaez.identities import KINDS, Identities, shown_stickers
from poller.resolved import resolve

_LISTS = {"Aggregate": "aggregates", "Command": "commands", "Event": "events", "View": "read_models"}
_DOES = {
    "POST": model_pb2.COMMAND_KIND_CREATE,
    "PUT": model_pb2.COMMAND_KIND_UPDATE,
    "DELETE": model_pb2.COMMAND_KIND_DELETE,
}


def with_kept(
    model: model_pb2.EventStormingModel, identities: Identities
) -> tuple[model_pb2.EventStormingModel, list[str]]:
    """The model itself, or a copy with all it lacks, and what people call that: screens and actors have no name of their own."""
    claimed = set(identities.stickers(resolve(model)).values())
    left = {key: element for key, element in identities.shown.of(*KINDS) if key not in claimed}
    if not left:
        return model, []
    whole = model_pb2.EventStormingModel()
    whole.CopyFrom(model)
    _Keeping(whole, identities).keep(left)
    named = (element for element in left.values() if kind_of(element) not in ("UI", "Actor"))
    return whole, [text(element.get("displayName")) or text(element.get("name")) for element in named]


class _Keeping:
    """Adds to the model. Elements are known by the ids of their stickers."""

    def __init__(self, model: model_pb2.EventStormingModel, identities: Identities) -> None:
        self._model, self._shown = model, identities.shown
        found = resolve(model)
        ids = identities.stickers(found)
        nodes = [*found.contexts, *found.nodes]
        self._known: dict[str, Any] = {ids[node.path]: node.message for node in nodes if node.path in ids}
        self._aliases = {_bare(node.alias) for node in nodes} - {""}

    def keep(self, left: dict[str, dict[str, Json]]) -> None:
        """Containers come before their contents, commands and events before policies."""
        for key, element in left.items():
            kind = kind_of(element)
            owner = self._owner(kind, element, left)
            if kind == "BoundedContext":
                context = self._known[key] = self._new(self._model.bounded_contexts, element)
                context.description = text(element.get("description"))
            elif kind == "Policy":
                self._keep_policy(key, element)
            elif owner is not None and hasattr(owner, _LISTS.get(kind, "")):
                self._known[key] = self._new(getattr(owner, _LISTS[kind]), element)
                getattr(self, f"_fill_{kind.lower()}")(self._known[key], element, owner)
        self._link(left)
        for key, (role, user) in shown_stickers(self._shown, "Actor"):
            if key in left and user in self._known:
                self._known[user].actor = self._known[user].actor or role

    def _owner(self, kind: str, element: dict[str, Json], left: dict[str, dict[str, Json]]) -> Any:
        """Where it was; a command without events there, or an event without commands, goes where there are some."""
        place = link(element, "boundedContext" if kind == "Aggregate" else "aggregate")
        owner, other = self._known.get(place), {"Command": "events", "Event": "commands"}.get(kind)
        if other is None or not hasattr(owner, other) or getattr(owner, other):
            return owner
        events = (each for each in left.values() if kind_of(each) == "Event")
        if kind == "Command" and any(link(each, "aggregate") == place for each in events):
            return owner
        aggregates = (each for context in self._model.bounded_contexts for each in context.aggregates)
        return next((each for each in aggregates if getattr(each, other)), owner)

    def _new(self, siblings: Any, element: dict[str, Json]) -> Any:
        """With an alias only if nothing else has it."""
        added = siblings.add(ordinal=max((each.ordinal for each in siblings), default=0) + 1)
        added.name = text(element.get("traceName")) or text(element.get("name"))
        alias = text(element.get("displayName"))
        if _bare(alias) not in self._aliases:
            self._aliases.add(_bare(alias))
            added.alias = alias
        return added

    def _fill_aggregate(self, added: model_pb2.Aggregate, element: dict[str, Json], _: Any) -> None:
        drawn = [kind for kind in classes(element).values() if not is_root(kind)]
        for kind in drawn:
            if items := [text(item.get("value")) for item in entries(kind.get("items"))]:
                enumeration = added.enumerations.add(name=text(kind.get("name")))
                enumeration.items.extend(model_pb2.EnumerationItem(value=item) for item in items)
            else:
                is_entity = kind.get("isVO") is not True
                added.value_objects.add(name=text(kind.get("name")), is_entity=is_entity)
        for value, kind in zip(added.value_objects, (k for k in drawn if "items" not in k), strict=False):
            value.fields.extend(_fields(own_fields(kind), added))
        added.fields.extend(_fields(own_fields(element), added))

    def _fill_command(self, added: model_pb2.Command, element: dict[str, Json], owner: Any) -> None:
        added.description = text(element.get("description"))
        added.kind = _DOES.get(text((element.get("controllerInfo") or {}).get("method")), _DOES["POST"])
        added.fields.extend(_fields(own_fields(element), owner))

    def _fill_event(self, added: model_pb2.Event, element: dict[str, Json], owner: Any) -> None:
        added.fields.extend(_fields(own_fields(element), owner))

    def _fill_view(self, added: model_pb2.ReadModel, element: dict[str, Json], owner: Any) -> None:
        added.parameters.extend(_fields(entries(element.get("queryParameters")), owner))
        columns = [field for field in own_fields(element) if field.get("name") != VIEW_KEY["name"]]
        added.columns.extend(_fields(columns, owner))

    def _keep_policy(self, key: str, element: dict[str, Json]) -> None:
        """Between the events it stood between where these are still of two aggregates; else between some that are."""
        triggers = [source for source, target in self._shown.lines("Event", "Policy") if target == key]
        results = [target for source, target in self._shown.lines("Policy", "Event") if source == key]
        owners = {
            event.name: aggregate.name
            for context in self._model.bounded_contexts
            for aggregate in context.aggregates
            for event in aggregate.events
        }
        trigger = next(
            (self._known[each].name for each in triggers if each in self._known), next(iter(owners), "")
        )
        elsewhere = [name for name, owner in owners.items() if owner != owners.get(trigger)]
        led = [name for each in results if (name := getattr(self._known.get(each), "name", "")) in elsewhere]
        policy = self._new(self._model.policies, element)
        policy.reason, policy.trigger = text(element.get("description")), trigger
        policy.results.extend(led or elsewhere[:1])

    def _link(self, left: Iterable[str]) -> None:
        """A command that is kept leads where it led, an event comes from where it came from; else the first one will do."""
        for source, target in self._shown.lines("Command", "Event"):
            if (source in left or target in left) and source in self._known and target in self._known:
                self._known[source].emits.append(self._known[target].name)
        kept = {id(self._known[key]) for key in left if key in self._known}
        for aggregate in resolve(self._model).aggregates:
            emitted = {event.path for command in aggregate.commands for event in command.emits}
            for command in aggregate.commands:
                if id(command.message) in kept and not command.emits and aggregate.events:
                    command.message.emits.append(aggregate.events[0].message.name)
            for event in aggregate.events:
                if id(event.message) in kept and event.path not in emitted and aggregate.commands:
                    aggregate.commands[0].message.emits.append(event.message.name)


def _fields(shown: list[dict[str, Json]], aggregate: Any) -> Iterator[model_pb2.Field]:
    """Of types that the aggregate has."""
    known = {kind.name for kind in (*aggregate.value_objects, *aggregate.enumerations)} | BUILT_IN
    for field in shown:
        kind = text(field.get("className"))
        yield model_pb2.Field(
            name=text(field.get("traceName")) or text(field.get("name")),
            type=kind if element_of(kind) in known else listed("String", kind),
            is_key=field.get("isKey") is True,
            alias=text(field.get("displayName")),
        )


def _bare(alias: str) -> str:
    return "".join(alias.split()).casefold()
