"""Checks on how elements hang together: ids, containers, relations, screens, ports (1 to 7, 12, 13, 17)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from poller.msaez.canvas import (
    CONTAINED,
    Canvas,
    Problems,
    class_lines,
    classes,
    diagram_fields,
    entries,
    link,
    members,
    text,
    texts,
    twice,
)
from poller.msaez.encoding import Json

LINES = {("Command", "Event"), ("Event", "Policy"), ("Policy", "Event"), ("Aggregate", "Aggregate")}
_LINKED = (*CONTAINED, "UI", "Actor", "Aggregate")


def ids_agree(canvas: Canvas) -> Problems:
    """1: key, id and the ids of the views are one."""
    for key, element in canvas.elements.items():
        yield from _identity(key, element, ("elementView", "hexagonalView"))
        for inner, kind in classes(element).items():
            yield from _identity(inner, kind, ("elementView",))
        for inner, line in class_lines(element).items():
            yield from _identity(inner, line, ("relationView",))
    for key, relation in canvas.relations.items():
        yield from _identity(key, relation, ("relationView", "hexagonalView"))


def _identity(key: str, thing: dict[str, Json], views: Iterable[str]) -> Problems:
    ids = {"id": thing.get("id")}
    ids |= {f"{view}.id": members(thing[view]).get("id") for view in views if view in thing}
    wrong = [member for member, identity in ids.items() if identity != key]
    if wrong:
        yield f"{', '.join(wrong)} of {text(thing.get('name')) or key} differ from the key {key}."


def containers_exist(canvas: Canvas) -> Problems:
    """2: links lead to a context and an aggregate, and both agree."""
    for key, element in canvas.of(*_LINKED):
        context = canvas.linked(element, "boundedContext", "BoundedContext")
        if not context:
            yield f"{canvas.called(key)} is in no existing bounded context."
        elif canvas.kind(key) != "Aggregate":
            yield from _aggregate_agrees(canvas, key, element, context)


def _aggregate_agrees(canvas: Canvas, key: str, element: dict[str, Json], context: str) -> Problems:
    owner = canvas.linked(element, "aggregate", "Aggregate")
    if owner and link(canvas.elements[owner], "boundedContext") != context:
        yield f"{canvas.called(key)} and its aggregate are in different bounded contexts."
    if not owner and (canvas.kind(key) in CONTAINED or link(element, "aggregate")):
        yield f"{canvas.called(key)} is in no existing aggregate."


def contexts_list_aggregates(canvas: Canvas) -> Problems:
    """3: a context lists exactly the aggregates that point to it."""
    inside: dict[str, list[str]] = {}
    for key, aggregate in canvas.of("Aggregate"):
        inside.setdefault(link(aggregate, "boundedContext"), []).append(key)
    for key, context in canvas.of("BoundedContext"):
        listed = [text(entry.get("id")) for entry in entries(context.get("aggregates"))]
        if sorted(listed) != sorted(inside.get(key, [])):
            yield f"{canvas.called(key)} does not list exactly its aggregates."


def relations_are_sound(canvas: Canvas) -> Problems:
    """4: ends exist and are of a pair of kinds that is drawn; no line twice, none to itself."""
    pairs = Counter((text(r.get("from")), text(r.get("to"))) for r in canvas.relations.values())
    for relation in canvas.relations.values():
        source, target = text(relation.get("from")), text(relation.get("to"))
        for sentence in _relation_faults(canvas, relation, source, target):
            yield f"The relation {canvas.called(source)} to {canvas.called(target)} {sentence}."
        if pairs[source, target] > 1:
            yield f"{canvas.called(source)} and {canvas.called(target)} are related twice."


def _relation_faults(canvas: Canvas, relation: dict[str, Json], source: str, target: str) -> Iterator[str]:
    if source not in canvas.elements or target not in canvas.elements:
        yield "has an end that does not exist"
    elif source == target:
        yield "leads to where it starts"
    elif (canvas.kind(source), canvas.kind(target)) not in LINES:
        yield "joins kinds that are not joined"
    for view in ("relationView", "hexagonalView"):
        shown = members(relation.get(view))
        if (shown.get("from"), shown.get("to")) != (relation.get("from"), relation.get("to")):
            yield f"has other ends in its {view}"


def commands_emit(canvas: Canvas) -> Problems:
    """5: relations and outputEvents of a command name the same events, of its own aggregate."""
    emitted: dict[str, list[str]] = {}
    for source, target in canvas.lines("Command", "Event"):
        emitted.setdefault(source, []).append(target)
    for key, command in canvas.of("Command"):
        events = emitted.get(key, [])
        if not events:
            yield f"{canvas.called(key)} leads to no event."
        elif {canvas.name(event) for event in events} != set(texts(command.get("outputEvents"))):
            yield f"{canvas.called(key)}: outputEvents and relations name different events."
        if any(_owner(canvas, event) != link(command, "aggregate") for event in events):
            yield f"{canvas.called(key)} leads to an event of another aggregate."


def _owner(canvas: Canvas, key: str) -> str:
    return link(canvas.elements.get(key, {}), "aggregate")


def events_have_sources(canvas: Canvas) -> Problems:
    """6: some command or policy leads to every event."""
    reached = {target for kind in ("Command", "Policy") for _, target in canvas.lines(kind, "Event")}
    for key, _ in canvas.of("Event"):
        if key not in reached:
            yield f"Nothing leads to {canvas.called(key)}."


def policies_cross(canvas: Canvas) -> Problems:
    """7: a policy has a trigger and results, across aggregates, and lives where a result does.

    Which result came first cannot be read from a stored model (RTDB sorts by id), so any of them will do.
    """
    triggers, results = list(canvas.lines("Event", "Policy")), list(canvas.lines("Policy", "Event"))
    for key, policy in canvas.of("Policy"):
        sources = {_owner(canvas, event) for event, target in triggers if target == key}
        targets = {_owner(canvas, event) for source, event in results if source == key}
        if not sources or not targets:
            yield f"{canvas.called(key)} lacks {'a result' if sources else 'a trigger'}."
        elif sources & targets:
            yield f"{canvas.called(key)} leads back into the aggregate of its trigger."
        elif link(policy, "aggregate") not in targets:
            yield f"{canvas.called(key)} is not in the aggregate of its result."


def references_are_drawn(canvas: Canvas) -> Problems:
    """12: what a field refers to exists and is related; no pair refers both ways."""
    by_name = {canvas.name(key): key for key, _ in canvas.of("Aggregate")}
    lines = set(canvas.lines("Aggregate", "Aggregate"))
    for key, aggregate in canvas.of("Aggregate"):
        wanted = {text(field.get("referenceClass")) for field in diagram_fields(aggregate)} - {""}
        for name in sorted(wanted):
            if name not in by_name:
                yield f"{canvas.called(key)} refers to the unknown aggregate {name}."
            elif (key, by_name[name]) not in lines:
                yield f"{canvas.called(key)} refers to {name} without a relation."
    for source, target in lines:
        if (target, source) in lines and source < target:
            yield f"{canvas.called(source)} and {canvas.called(target)} refer to each other."


def screens_have_owners(canvas: Canvas) -> Problems:
    """13: one screen per command and read model, and none without."""
    owned: Counter[str] = Counter()
    for key, screen in canvas.of("UI"):
        owner = canvas.linked(screen, "command", "Command") or canvas.linked(screen, "readModel", "View")
        owned[owner] += 1
        if not owner:
            yield f"{canvas.called(key)} belongs to no existing command or read model."
    for key, _ in canvas.of("Command", "View"):
        if owned[key] != 1:
            yield f"{canvas.called(key)} has {owned[key]} screens instead of one."


def ports_differ(canvas: Canvas) -> Problems:
    """17: no port twice."""
    contexts = canvas.of("BoundedContext")
    ports = {key: str(context["portGenerated"]) for key, context in contexts if "portGenerated" in context}
    repeated = twice(ports.values())
    for key, port in ports.items():
        if port in repeated:
            yield f"{canvas.called(key)} has the port {port}, and so has another context."
