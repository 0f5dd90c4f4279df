"""What an aggregate keeps in which of its states, as far as its commands, events and examples tell.

An example shows the aggregate before a command. Values that only a later command brings would contradict it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from executor.graph.identifiers import words
from executor.model import Aggregate, Command, CommandKind, Event, loose

Step = tuple[str, str]
"""A state, and one that a command leads to from there."""


class LifeCycle:
    """`steps`: seen in examples."""

    def __init__(self, aggregate: Aggregate, steps: Iterable[Step]) -> None:
        self._fields = [f for f in aggregate.fields if not f.is_key]
        self._next: Mapping[str, set[str]] = defaultdict(set)
        for before, after in steps:
            self._next[before].add(after)
        events = {event.name: event for event in aggregate.events}
        self._begins: set[str] = set()
        """What a creation brings, by loose name."""
        self._brought: Mapping[str, set[str]] = defaultdict(set)
        """By loose name: the states in which those commands leave the aggregate that bring the field later; "" for none."""
        for command in aggregate.commands:
            for event in (events[name] for name in command.emits if name in events):
                for name in _brings(command, event):
                    if command.kind is CommandKind.CREATE:
                        self._begins.add(name)
                    self._brought[name].add(event.state)

    def unknown(self, states: Collection[str]) -> set[str]:
        """Loose names of the fields that have no value yet in these states (one of each status that the aggregate has)."""
        return {loose(f.name) for f in self._fields if not self._known(f.name, states)}

    def _known(self, name: str, states: Collection[str]) -> bool:
        brought = self._brought.get(loose(name))
        if not brought or loose(name) in self._begins:
            return True
        return any(state and not self._reached(state).isdisjoint(states) for state in brought)

    def _reached(self, state: str) -> set[str]:
        """The state, and every one that follows from it."""
        reached, left = {state}, [state]
        while left:
            fresh = self._next.get(left.pop(), set()) - reached
            reached |= fresh
            left += fresh
        return reached


def _brings(command: Command, event: Event) -> Iterator[str]:
    """What is known after the event, by loose name: what either carries, and the time that is called after it (signedOn of AgreementSigned)."""
    yield from (loose(f.name) for f in (*command.fields, *event.fields))
    happened = (words(event.name) or [""])[-1]
    yield from (loose(happened + when) for when in ("On", "At", "Date", "By"))
