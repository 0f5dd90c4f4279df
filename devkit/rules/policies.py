"""Step `policies`: reactions of the text whose two sides are events of the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from devkit.rules import asked, naming
from devkit.rules.analysis import Analysis, analyse
from devkit.rules.asked import Blocks
from devkit.rules.facts import Action, Reaction, Term
from devkit.rules.loose_ends import condition_of, timer_of
from executor import tenses
from executor.graph.answers import PoliciesAnswer, PolicyAnswer


@dataclass(frozen=True, slots=True)
class _Event:
    name: str
    command: str


def policies(blocks: Blocks) -> PoliciesAnswer:
    """Each with the condition and the time that its sentence gives."""
    facts, model = asked.facts(blocks), asked.listed(blocks.get("model"))
    aggregates = [str(entry.get("aggregate", "")) for entry in model]
    known = _Known(model, analyse(facts, [Term(name, name) for name in aggregates]))
    found: dict[str, PolicyAnswer] = {}
    for reaction in facts.reactions:
        for policy in _policies(reaction, known, korean=asked.korean(blocks)):
            found.setdefault(policy.name, policy)
    return PoliciesAnswer(policies=list(found.values()))


def _policies(reaction: Reaction, known: _Known, *, korean: bool) -> Iterator[PolicyAnswer]:
    """Without a trigger time alone starts it."""
    for trigger in reaction.triggers or (None,):
        cause = known.event(trigger) if trigger else None
        led = [(one, event) for one in reaction.results if (event := known.event(one)) and event != cause]
        if not led or (trigger and not cause):
            continue
        name, first = cause.name if cause else "", led[0][0].command
        alias = first.alias
        if trigger and korean:
            alias = f"{trigger.event.alias.removesuffix('됨')} 시 {alias}"
        elif trigger:
            alias = naming.sentence_case(f"{alias} when {name}")
        yield PolicyAnswer(
            name=f"{first.name}On{name or 'Time'}",
            alias=alias,
            trigger=name,
            timer=timer_of(reaction.text),
            condition=reaction.condition or condition_of(reaction.text),
            commands=list(dict.fromkeys(event.command for _, event in led)),
            reason=reaction.text,
            lines=str(reaction.place.line),
        )


class _Known:
    """The model's events, by name and by what happens to an aggregate."""

    def __init__(self, model: Sequence[dict[str, Any]], analysis: Analysis) -> None:
        self._analysis = analysis
        self._by_name: dict[str, _Event] = {}
        self._by_verb: dict[tuple[str, str | None], _Event] = {}
        emitting = ((str(e.get("aggregate", "")), asked.texts(e.get("commands"))) for e in model)
        for aggregate, command in ((one, asked.described(c)) for one, commands in emitting for c in commands):
            for name in command["emits"]:
                event, low = _Event(name, command["name"]), name.casefold()
                for known in (low, low.removesuffix(aggregate.casefold())):
                    self._by_name.setdefault(known, event)
                self._by_verb.setdefault((aggregate, tenses.base_of(naming.head(name))), event)

    def event(self, action: Action) -> _Event | None:
        """The event that an action leads to: by name, else by its participle in the action's aggregate."""
        home, verb = self._analysis.home(action), tenses.base_of(naming.head(action.event.name))
        near = self._by_verb.get((home.term.name, verb)) if home and verb else None
        return self._by_name.get(action.event.name.casefold()) or near
