"""Reads the language model's log of calls: how long a job's chain of questions was, and how long it had to take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BEFORE = ("OutlineAnswer", "MergeAnswer", "DraftAnswer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One answered question. Times are seconds."""

    schema: str
    unit: str
    asked: float
    ended: float
    chars: int


def calls_of(lines: Iterable[Mapping[str, Any]], mark: str) -> list[Call]:
    """A job's answered questions in the order they were asked."""
    lines = list(lines)
    ended = {(line["hash"], line["nth"]): line["time"] for line in lines if line["event"] == "answer"}
    return [
        Call(
            schema=line["schema"],
            unit=line["unit"],
            asked=line["time"],
            ended=ended[line["hash"], line["nth"]],
            chars=line["prompt_chars"],
        )
        for line in lines
        if line["event"] == "ask" and line["mark"] == mark and (line["hash"], line["nth"]) in ended
    ]


def longest_chain(calls: Sequence[Call]) -> int:
    """The most questions of which each was asked after the one before was answered. The chain of dependent ones only if all
    answers take equally long: then nothing else comes one after another."""
    best: list[int] = []
    for call in calls:
        earlier = (count for count, other in zip(best, calls, strict=False) if other.ended <= call.asked)
        best.append(1 + max(earlier, default=0))
    return max(best, default=0)


def longest_path(calls: Sequence[Call]) -> float:
    """Seconds of the longest chain of dependent questions, by what depends on what (a text of one chunk)."""
    taken: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for call in calls:
        taken[call.schema][call.unit] += call.ended - call.asked  # turns about one unit follow each other
    before = sum(max(taken[name].values(), default=0.0) for name in BEFORE)
    return before + _rest(taken)


def _rest(taken: Mapping[str, Mapping[str, float]]) -> float:
    """Behaviour, then scenarios beside screens; or the policies, if they took longer."""
    each = [
        seconds + max(taken["ScenariosAnswer"].get(unit, 0.0), taken["ScreensAnswer"].get(unit, 0.0))
        for unit, seconds in taken["BehaviourAnswer"].items()
    ]
    return max([*each, *taken["PoliciesAnswer"].values()], default=0.0)
