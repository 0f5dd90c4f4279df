"""Compares a model with what a modeller expects of its text. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from executor.model import EventStormingModel, traced_lines

EXPECTED = Path(__file__).parent / "expected"
TEXTS = Path(__file__).parent / "texts"
GROUPS = ("worked", "seen", "unseen")
STICKERS = ("contexts", "aggregates", "commands", "events", "read_models", "policies")
NAMED = (
    "contexts",
    "aggregates",
    "commands",
    "events",
    "read_models",
    "columns",
    "policies",
    "external_systems",
)
WORDED = ("conditions", "refusals", "open_questions")
KINDS = (*NAMED, *WORDED)
_SIGNS = {"*": ".*", "|": "|", "{": "(?:", ",": "|", "}": ")"}


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


def expectations(group: str = "") -> dict[str, dict[str, Any]]:
    """By name of the text: those of `examples/`, or of one group of `texts/`. Every list has entries as `score` reads them.

    Rules are written looking at `worked`. What is in `seen` was looked at later; of `unseen`, written apart from the rules, only
    totals are.

    An entry that begins with `?` is welcome and not missed. `A|B` accepts either, `{A,B}C` AC and BC, `A*` whatever begins so,
    `*A*` whatever has it. A policy is `Trigger->Result`, without a trigger where time alone starts it, a column
    `ReadModel.column`. What is said in words is matched by words: a condition (or time) is `Trigger->Result: words`, a refusal
    `Command: words`, an open question `: words`; every word of one alternative must occur, so
    `renew twice|renew 2` accepts "cannot be renewed more than twice".
    """
    found = [json.loads(path.read_text("utf-8")) for path in sorted((EXPECTED / group).glob("*.json"))]
    return {str(one["text"]): one for one in found}


def scores(expected: Mapping[str, Any], model: EventStormingModel) -> dict[str, Score]:
    """A model's scores by kind, of the kinds that are expected anything of."""
    return {
        kind: score(expected[kind], names_of(model, kind)) if kind in expected else Score() for kind in KINDS
    }


def nonsense(found: Mapping[str, Score]) -> float:
    """Share of stickers that no expectation allows."""
    stickers = sum((found[kind] for kind in STICKERS), Score())
    return 1 - stickers.precision


def score(expected: Sequence[str], found: Iterable[str]) -> Score:
    """Compared without case."""
    names = {name.casefold() for name in found}
    wanted = [_Entry(entry.removeprefix("?")) for entry in expected if not entry.startswith("?")]
    accepted = [*wanted, *(_Entry(entry[1:]) for entry in expected if entry.startswith("?"))]
    return Score(
        expected=len(wanted),
        found=len(names),
        hits=sum(any(map(entry.accepts, names)) for entry in wanted),
        right=sum(any(entry.accepts(name) for entry in accepted) for name in names),
    )


class _Entry:
    """One expectation: a place, in any of some names, and, where it has them, the words of any alternative."""

    def __init__(self, entry: str) -> None:
        place, worded, words = entry.casefold().partition(":")
        self._place = _pattern(place)
        self._worded = bool(worded)
        self._alternatives = [alternative.split() for alternative in words.split("|")]

    def accepts(self, found: str) -> bool:
        """Whether a folded name, or `place: what is said there`, meets it."""
        place, _, said = found.partition(":") if self._worded else (found, "", "")
        return bool(self._place.fullmatch(place)) and (
            not self._worded or any(all(word in said for word in each) for each in self._alternatives)
        )


def names_of(model: EventStormingModel, kind: str) -> list[str]:
    """What a model has of one kind, as entries of expectations are written."""
    aggregates = model.aggregates
    views = [view for aggregate in aggregates for view in aggregate.read_models]
    commands = [command for aggregate in aggregates for command in aggregate.commands]
    reactions = [(f"{p.trigger}->{result}", p) for p in model.policies for result in p.results]
    return {
        "contexts": [context.name for context in model.bounded_contexts],
        "aggregates": [aggregate.name for aggregate in aggregates],
        "commands": [command.name for command in commands],
        "events": [event.name for aggregate in aggregates for event in aggregate.events],
        "read_models": [view.name for view in views],
        "columns": [f"{view.name}.{column.name}" for view in views for column in view.columns],
        "policies": [name for name, _ in reactions],
        "external_systems": [system.name for system in model.external_systems],
        "conditions": [f"{name}: {p.timer} {p.condition}" for name, p in reactions if p.timer or p.condition],
        "refusals": [f"{c.name}: {r.title} {r.told}" for c in commands for r in c.refusals],
        "open_questions": [f": {question.text}" for question in model.open_questions],
    }[kind]


def coverage(model: EventStormingModel, text: str) -> float:
    """Share of the text's lines with a sentence in them that some element points to."""
    lines = {n for n, line in enumerate(text.split("\n"), 1) if _says_something(line)}
    return len(lines & traced_lines(model)) / len(lines) if lines else 1.0


def _pattern(place: str) -> re.Pattern[str]:
    """`A|B->C` accepts A->C and B->C, `A|B.c` A.c and B.c."""
    sign = "->" if "->" in place else "."
    sides = ["".join(_SIGNS.get(each, re.escape(each)) for each in side) for side in place.split(sign, 1)]
    return re.compile(re.escape(sign).join(f"(?:{side})" for side in sides))


def _says_something(line: str) -> bool:
    return len(line.split()) > 2 and not re.match(r"\s*(?:#|```|~~~|[-|=\s]+$)", line)
