"""What the rules read out of a text, the same for every language. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal["create", "update", "delete", "query", "input", "notify"]


@dataclass(frozen=True, slots=True)
class Place:
    """A line as numbered in the prompt, and words copied from it; `beside` are the other lines of the same sentence."""

    line: int
    quote: str
    beside: tuple[int, ...] = ()


NOWHERE = Place(0, "")
"""Of what a sentence says, whatever line it stands in."""


@dataclass(frozen=True, slots=True)
class Term:
    """A concept: PascalCase English singular, and how the text calls it."""

    name: str
    alias: str
    plural: bool = False

    def __add__(self, other: Term) -> Term:
        if self.name and other.name.startswith(self.name):
            return other
        return Term(self.name + other.name, f"{self.alias} {other.alias}".strip(), other.plural)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Action:
    """Somebody does something to something; `command` and `event` are its two names. Each sentence's is one of its own."""

    place: Place
    kind: Kind
    verb: str
    actor: Term | None
    thing: Term
    owner: Term | None = None
    command: Term
    event: Term
    fields: tuple[Term, ...] = ()
    automatic: bool = False


def noticed(place: Place, verb: str, thing: Term, owner: Term | None, command: Term, event: Term) -> Action:
    """What happens to a thing without anybody's doing."""
    return Action(
        place=place, kind="update", verb=verb, actor=None, thing=thing, owner=owner, command=command, event=event, automatic=True
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """When the first happens, or time alone has come, the second follows: under a condition, in the sentence's own words."""

    place: Place
    triggers: tuple[Action, ...]
    results: tuple[Action, ...]
    text: str
    condition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """What a thing records; a group is one that consists of them and has no identity of its own."""

    place: Place
    owner: Term
    names: tuple[Term, ...]
    group: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """An attribute of a thing that takes one of some values."""

    place: Place
    owner: Term | None
    name: Term
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A sentence that always holds."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A line that names what follows."""

    place: Place
    level: int
    term: Term
    generic: bool
    quiet: bool = False  # over what is no behaviour


@dataclass(frozen=True, slots=True)
class Field:
    """An attribute with its type: of a table definition, or of an aggregate."""

    name: str
    type: str
    alias: str = ""
    key: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A `CREATE TABLE` statement."""

    place: Place
    last_line: int
    term: Term
    columns: tuple[Field, ...]
    references: tuple[str, ...]


@dataclass(slots=True)
class Facts:
    """Everything found, in the order of the text. Filled by one reader, then only read."""

    actions: list[Action] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    members: list[Members] = field(default_factory=list)
    choices: list[Choices] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    unclear: list[Rule] = field(default_factory=list)  # words that nobody knows: questions, no stickers
    doubtful: list[Action] = field(default_factory=list)  # perhaps misread: questions, no stickers
    headings: list[Heading] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def so_far(self) -> tuple[int, int]:
        """How many actions and reactions there are."""
        return len(self.actions), len(self.reactions)

    def every_action(self) -> list[Action]:
        """Actions of sentences and of both sides of reactions, by line."""
        both = (action for r in self.reactions for action in (*r.triggers, *r.results))
        return sorted([*self.actions, *both], key=lambda action: action.place.line)

    def done(self) -> list[Action]:
        """What was done so far, in order; no look-ups."""
        return [one for one in self.every_action() if one.kind != "query"]

    def as_done(self, cause: Action) -> Action:
        """A cause as it was done before, to the same thing, perhaps under a longer name: `the file` is the print file."""
        done = [*self.actions, *(action for r in self.reactions for action in r.results)]
        same = (
            one
            for one in reversed(done)
            if one.verb == cause.verb and one.thing.name.endswith(cause.thing.name) and one.kind != "query"
        )
        known = next(same, None)
        return replace(known, place=cause.place) if known else cause
