"""Compares a model with what a modeller expects of its text. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from executor.model import EventStormingModel, SourceRange

EXPECTED = Path(__file__).parent / "expected"
KINDS = ("contexts", "aggregates", "commands", "events", "read_models", "policies")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Names of one kind: `hits` expected ones were found, `right` found ones were expected."""

    expected: int = 0
    found: int = 0
    hits: int = 0
    right: int = 0

    @property
    def recall(self) -> float:
        return self.hits / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    def __add__(self, other: Score) -> Score:
        return Score(
            expected=self.expected + other.expected,
            found=self.found + other.found,
            hits=self.hits + other.hits,
            right=self.right + other.right,
        )


def expectations() -> dict[str, dict[str, Any]]:
    """By name of the text in `examples/`. An entry `A|B` accepts either; a policy is `Trigger->Result`."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(EXPECTED.glob("*.json"))]
    return {str(one["text"]): one for one in found}


def score(expected: Sequence[str], found: Iterable[str]) -> Score:
    """Names compared without case."""
    names = {name.casefold() for name in found}
    options = [_options(entry) for entry in expected]
    accepted = {option for entry in options for option in entry}
    hits = sum(bool(entry & names) for entry in options)
    return Score(expected=len(options), found=len(names), hits=hits, right=len(names & accepted))


def names_of(model: EventStormingModel, kind: str) -> list[str]:
    """The names of one kind in a model."""
    aggregates = model.aggregates
    return {
        "contexts": [context.name for context in model.bounded_contexts],
        "aggregates": [aggregate.name for aggregate in aggregates],
        "commands": [command.name for aggregate in aggregates for command in aggregate.commands],
        "events": [event.name for aggregate in aggregates for event in aggregate.events],
        "read_models": [view.name for aggregate in aggregates for view in aggregate.read_models],
        "policies": [f"{policy.trigger}->{result}" for policy in model.policies for result in policy.results],
    }[kind]


def coverage(model: EventStormingModel, text: str) -> float:
    """Share of the text's lines with a sentence in them that some element points to."""
    lines = {n for n, line in enumerate(text.split("\n"), 1) if _says_something(line)}
    pointed = {n for one in _ranges(model) for n in range(one.start_line, one.end_line + 1)}
    return len(lines & pointed) / len(lines) if lines else 1.0


def _options(entry: str) -> set[str]:
    """`A|B->C` accepts A->C and B->C."""
    trigger, arrow, result = entry.partition("->")
    if not arrow:
        return {name.casefold() for name in entry.split("|")}
    return {f"{one}->{other}".casefold() for one in trigger.split("|") for other in result.split("|")}


def _says_something(line: str) -> bool:
    return len(line.split()) > 2 and not re.match(r"\s*(?:#|```|~~~|[-|=\s]+$)", line)


def _ranges(model: EventStormingModel) -> Iterable[SourceRange]:
    for aggregate in model.aggregates:
        for part in (
            *(aggregate, *aggregate.fields, *aggregate.value_objects, *aggregate.enumerations),
            *(*aggregate.commands, *aggregate.events, *aggregate.read_models),
            *(field for value_object in aggregate.value_objects for field in value_object.fields),
        ):
            yield from part.ranges
    for policy in model.policies:
        yield from policy.ranges
