"""What an aggregate keeps in which of its states, as far as its commands, events and examples tell.

An example shows the aggregate before a command. Values that only a later command brings would contradict it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from executor.graph.identifiers import words
from executor.model import Aggregate, Command, CommandKind, Event, loose

Step = tuple[str, str]
"""A state, and one that a command leads to from there."""

_COUNTED: Final = {"Integer", "Double", "BigDecimal"}


class LifeCycle:
    """`steps`: seen in examples of commands that create nothing."""

    def __init__(self, aggregate: Aggregate, steps: Iterable[Step]) -> None:
        self._fields = [f for f in aggregate.fields if not f.is_key]
        self._events = {event.name: event for event in aggregate.events}
        reached = {event.state for event in aggregate.events if event.state}
        self._status = {
            item.value: e.name
            for e in aggregate.enumerations
            if any(item.value in reached for item in e.items)
            for item in e.items
        }
        self._next: Mapping[str, set[str]] = defaultdict(set)
        for before, after in steps:
            if self._status.get(before) == self._status.get(after):
                self._next[before].add(after)
        self._first: set[str] = set()
        """The states in which the aggregate is created, and the loose names of what is known of it then."""
        self._begun: set[str] = set()
        self._brought: Mapping[str, set[str]] = defaultdict(set)
        """By loose name: the states in which those commands leave the aggregate that bring the field; "" for none."""
        for command in aggregate.commands:
            for event in self._emitted(command):
                names = set(_brings(command, event))
                if command.kind is CommandKind.CREATE:
                    self._begun |= names
                    self._first |= {event.state} - {""}
                for name in names:
                    self._brought[name].add(event.state)

    def unknown(self, command: Command, stated: Collection[str], values: Mapping[str, str]) -> set[str]:
        """Loose names of the root's fields that have no value yet when the command comes.

        `values` has the usual values by loose name, the stated ones among them; what is `stated` is known.
        """
        later = {event.state for event in self._emitted(command)}
        unsettled = {
            loose(f.name)
            for f in self._fields
            if f.type in self._status.values()
            and loose(f.name) not in stated
            and (not self._settled(f.type, f.name) or values.get(loose(f.name)) in later)
        }
        states = {
            values[loose(f.name)]
            for f in self._fields
            if f.type in self._status.values() and loose(f.name) in values.keys() - unsettled
        }
        unknown = {loose(f.name) for f in self._fields if not self._known(loose(f.name), states)}
        return (unknown | unsettled) - set(stated) - self._counted_on(command)

    def _settled(self, status: str, name: str) -> bool:
        """Whether an aggregate has this status from its creation on, or nothing tells of its creation."""
        return (
            not self._first
            or loose(name) in self._begun
            or any(self._status.get(s) == status for s in self._first)
        )

    def _known(self, name: str, states: Collection[str]) -> bool:
        brought = self._brought.get(name)
        if not brought or name in self._begun:
            return True
        here = {s for s in states if self._status.get(s) in {self._status.get(b) for b in brought if b}}
        if here & brought:
            return True
        if here & self._reached(self._first - brought, without=brought):
            return False
        return bool(here & self._reached(brought - {""}))

    def _reached(self, states: Collection[str], without: Collection[str] = ()) -> set[str]:
        """The states, and every one that follows from them."""
        reached, left = set(states), list(states)
        while left:
            fresh = self._next.get(left.pop(), set()) - reached - set(without)
            reached |= fresh
            left += fresh
        return reached

    def _counted_on(self, command: Command) -> set[str]:
        """Numbers that the command's events tell anew and the command does not carry: they follow from what they were."""
        carried = {loose(f.name) for f in command.fields}
        told = {loose(f.name) for event in self._emitted(command) for f in event.fields if f.type in _COUNTED}
        return told - carried

    def _emitted(self, command: Command) -> Iterator[Event]:
        return (self._events[name] for name in command.emits if name in self._events)


def _brings(command: Command, event: Event) -> Iterator[str]:
    """What is known after the event, by loose name: what either carries, and the time that is called after it (signedOn of AgreementSigned)."""
    yield from (loose(f.name) for f in (*command.fields, *event.fields))
    happened = (words(event.name) or [""])[-1]
    yield from (loose(happened + when) for when in ("On", "At", "Date", "By"))
