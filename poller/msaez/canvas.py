"""Reading any esValue, however broken: every access gives something of the expected type. For the checks, and for what was shown before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from eventstorming.v1 import job_pb2

from poller.msaez.constants import TYPE
from poller.msaez.encoding import Json

CONTAINED = ("Command", "Event", "Policy", "View")


Problems = Iterator[str]
"""What a rule finds: a sentence each, that says on which element."""


@dataclass(slots=True)
class Canvas:
    """Elements and relations by key; members that are not objects are left out."""

    elements: dict[str, dict[str, Json]]
    relations: dict[str, dict[str, Json]]
    inputs: job_pb2.JobInput | None = None
    _kinds: dict[str, list[str]] = field(default_factory=dict)

    def of(self, *kinds: str) -> list[tuple[str, dict[str, Json]]]:
        """Elements of these kinds, in the order of the kinds."""
        if not self._kinds:
            for key, element in self.elements.items():
                self._kinds.setdefault(kind_of(element), []).append(key)
        return [(key, self.elements[key]) for kind in kinds for key in self._kinds.get(kind, ())]

    def kind(self, key: str) -> str:
        """ "" where there is no such element."""
        return kind_of(self.elements[key]) if key in self.elements else ""

    def called(self, key: str) -> str:
        """How a sentence names an element."""
        element = self.elements.get(key, {})
        return f"{kind_of(element)} {text(element.get('name'))}".strip() or key

    def name(self, key: str) -> str:
        """ "" where there is no such element, or none."""
        return text(self.elements.get(key, {}).get("name"))

    def linked(self, element: dict[str, Json], member: str, kind: str) -> str:
        """Key of the element a link points to, if it exists and is of that kind."""
        key = link(element, member)
        return key if key and self.kind(key) == kind else ""

    def home(self, element: dict[str, Json]) -> str:
        """The context an element lies in: that of its aggregate if it has one."""
        owner = self.linked(element, "aggregate", "Aggregate")
        return self.linked(self.elements[owner] if owner else element, "boundedContext", "BoundedContext")

    def lines(self, source: str, target: str) -> Iterator[tuple[str, str]]:
        """The ends of all relations between two kinds."""
        for relation in self.relations.values():
            ends = text(relation.get("from")), text(relation.get("to"))
            if (self.kind(ends[0]), self.kind(ends[1])) == (source, target):
                yield ends


def read(es_value: Json, inputs: job_pb2.JobInput | None) -> Canvas:
    """Of anything; what is no esValue has no elements."""
    value = members(es_value)
    return Canvas(_objects(value.get("elements")), _objects(value.get("relations")), inputs)


def _objects(value: Json) -> dict[str, dict[str, Json]]:
    return {key: child for key, child in members(value).items() if isinstance(child, dict)}


def kind_of(element: dict[str, Json]) -> str:
    """The last part of its `_type`: Command, Event …"""
    return text(element.get("_type")).removeprefix(TYPE)


def text(value: Json) -> str:
    """The text, or an empty one for everything else."""
    return value if isinstance(value, str) else ""


def members(value: Json) -> dict[str, Json]:
    """The object, or an empty one for everything else."""
    return value if isinstance(value, dict) else {}


def entries(value: Json) -> list[dict[str, Json]]:
    """The objects of a list."""
    return [child for child in value if isinstance(child, dict)] if isinstance(value, list) else []


def texts(value: Json) -> list[str]:
    """The texts of a list."""
    return [child for child in value if isinstance(child, str)] if isinstance(value, list) else []


def link(element: dict[str, Json], member: str) -> str:
    """The id that a link names, or an empty text."""
    return text(members(element.get(member)).get("id"))


def classes(aggregate: dict[str, Json]) -> dict[str, dict[str, Json]]:
    """The classes of its diagram, by key."""
    return _objects(members(members(aggregate.get("aggregateRoot")).get("entities")).get("elements"))


def class_lines(aggregate: dict[str, Json]) -> dict[str, dict[str, Json]]:
    """The lines between them, by key."""
    return _objects(members(members(aggregate.get("aggregateRoot")).get("entities")).get("relations"))


def is_root(kind: dict[str, Json]) -> bool:
    """Whether it is the class that stands for the aggregate itself."""
    return kind.get("isAggregateRoot") is True


def own_fields(element: dict[str, Json]) -> list[dict[str, Json]]:
    """The fields an element shows; an aggregate keeps them in its root."""
    root = element.get("aggregateRoot")
    return entries(members(root).get("fieldDescriptors") if root else element.get("fieldDescriptors"))


def diagram_fields(aggregate: dict[str, Json]) -> Iterator[dict[str, Json]]:
    """Fields of the aggregate and of every class of its diagram."""
    yield from own_fields(aggregate)
    for kind in classes(aggregate).values():
        yield from own_fields(kind)


def twice(values: Iterable[str]) -> set[str]:
    """The values that occur more than once."""
    seen: set[str] = set()
    return {value for value in values if value in seen or seen.add(value)}  # type: ignore[func-returns-value]  # add is the point
