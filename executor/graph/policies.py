"""Step `policies`: what follows when something happens or time has come, without a person deciding in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from langgraph.runtime import Runtime

from executor.graph.answers import PoliciesAnswer, PolicyAnswer
from executor.graph.asking import Asking, Remarks, listed
from executor.graph.identifiers import pascal, words
from executor.graph.inputs import in_model
from executor.graph.normalise import questions, ranges, told
from executor.graph.state import Outcome, PoliciesState, RunContext
from executor.graph.text import fitted, numbered, numbers_in
from executor.graph.unit import ContextUnit, PoliciesUnit
from executor.model import Command, EventStormingModel, OpenQuestion, Policy, loose

MOST_POLICIES: Final = 80  # of one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactions:
    """What became of one answer."""

    policies: tuple[Policy, ...] = ()
    questions: tuple[OpenQuestion, ...] = ()


async def policies(state: PoliciesState, runtime: Runtime[RunContext]) -> Outcome:
    """A part of the text before the whole model."""
    unit = state["unit"]
    model = unit.named
    asking = Asking(runtime, "policies", unit)
    known = Known.of(model)
    blocks = {
        "model": [in_model(c.name, a) for c in model.bounded_contexts for a in c.aggregates],
        "lines": numbered(unit.document, fitted(unit.document, unit.numbers)),
    }
    answer = await asking.ask(PoliciesAnswer, blocks, lambda answer: check(answer, known))
    if not answer:
        asking.warn("Policies could not be worked out.", "폴리시를 만들지 못했습니다.")
    return asking.outcome(normalised(answer or PoliciesAnswer(policies=[]), unit, known, asking))


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Commands and events of the model by loose name; an event stands for the first command that emits it, and a command for
    the first event that it emits."""

    commands: dict[str, Command]
    events: dict[str, str]
    owners: dict[str, str]  # context of every event

    @classmethod
    def of(cls, model: EventStormingModel) -> Known:
        """Those of a model with all names."""
        commands = [c for a in model.aggregates for c in a.commands if c.emits]
        events = {loose(c.name): c.emits[0] for c in commands}
        events |= {loose(e.name): e.name for a in model.aggregates for e in a.events}
        emitters = {loose(name): c for c in reversed(commands) for name in c.emits}
        owners = {e.name: c.name for c in model.bounded_contexts for a in c.aggregates for e in a.events}
        return cls(commands=emitters | {loose(c.name): c for c in commands}, events=events, owners=owners)

    def event(self, name: str) -> str:
        """The event meant, or ""."""
        return self.events.get(loose(name), "")

    def result(self, name: str, policy: PolicyAnswer) -> str:
        """The event that follows when the policy gives this command: of several, the one that its words speak of (of RecordOutcome
        after DeferralRecorded: ApplicationDeferred), else the first."""
        first = self.events[loose(name)]
        command = self.commands[loose(name)]
        if loose(name) != loose(command.name) or first not in command.emits:
            return first
        said = {_stem(word) for text in (policy.name, policy.trigger) for word in words(text)}
        return max(command.emits, key=lambda event: len(said & {_stem(word) for word in words(event)}))


def _stem(word: str) -> str:
    return word.casefold()[:5]


def check(answer: PoliciesAnswer, known: Known) -> Iterator[str]:
    """What is wrong with an answer."""
    for policy in answer.policies:
        if policy.trigger and not known.event(policy.trigger):
            yield f'There is no event "{policy.trigger}" to trigger "{policy.name}".'
        if not policy.trigger and not policy.timer:
            yield f'"{policy.name}" has neither a trigger nor a time.'
        if not policy.commands:
            yield f'The policy "{policy.name}" gives no command.'
        for name in policy.commands:
            if loose(name) not in known.commands:
                yield f'There is no command "{name}" for "{policy.name}" to give.'
            elif _turns(policy, name, known):
                yield f'"{policy.name}" gives "{name}", which emits its own trigger: name the time or the condition between.'


def normalised(answer: PoliciesAnswer, unit: PoliciesUnit, known: Known, remarks: Remarks) -> Reactions:
    """The policies that give commands which exist; where one stands is seen when the model is put together."""
    found = []
    for said in remarks.few(tuple(answer.policies), MOST_POLICIES, remarks.language.pick("The text", "글")):
        policy = _policy(said, unit, known)
        lost = [told(name) for name in said.commands if loose(name) not in known.commands]
        turning = [told(name) for name in said.commands if _turns(said, name, known)]
        started = policy.trigger or policy.timer
        label = policy.alias or policy.name
        if policy.commands and started:
            found.append(policy)
        if turning:
            remarks.warn(
                f'"{label}": {listed(turning)} would lead to itself at once and for ever, so it was left out.',
                f"'{label}': {listed(turning)}은(는) 스스로를 곧바로 끝없이 부르게 되어 제외했습니다.",
            )
        if lost or not (started and (policy.commands or turning)):
            remarks.warn(
                f'"{label}": left out, because the model has no such event or command: {", ".join(lost) or told(said.trigger) or "-"}.',
                f"'{label}': 모델에 그런 이벤트나 커맨드가 없어 제외했습니다: {', '.join(lost) or told(said.trigger) or '-'}",
            )
    return Reactions(policies=tuple(found), questions=_questions(answer, unit))


def _policy(said: PolicyAnswer, unit: PoliciesUnit, known: Known) -> Policy:
    trigger = known.event(said.trigger)
    given = [name for name in said.commands if loose(name) in known.commands]
    results = {
        known.result(name, said): known.commands[loose(name)].name
        for name in given
        if not _turns(said, name, known)
    }
    home, numbers = _home(said.lines, unit)
    alias = told(said.alias)
    return Policy(
        name=pascal(said.name) or f"On{trigger}",
        alias=alias,
        reason=told(said.reason),
        trigger=trigger,
        timer=told(said.timer),
        condition=told(said.condition),
        results=tuple(results),
        commands=tuple(results.values()),
        bounded_context=unit.name_of(home) or known.owners.get(trigger or next(iter(results), ""), ""),
        ranges=ranges(numbers, home.document, alias) if home else (),
    )


def _turns(said: PolicyAnswer, name: str, known: Known) -> bool:
    """Whether a command leads to the policy's own trigger, with nothing in between: it would never end."""
    return (
        loose(name) in known.commands
        and known.events[loose(name)] == known.event(said.trigger)
        and not (told(said.timer) or told(said.condition))
    )


def _home(said: str, unit: PoliciesUnit) -> tuple[ContextUnit | None, str]:
    """The context whose text says it, and its lines as that text counts them; lines of other texts are left out."""
    lines = [unit.homes[n] for n in numbers_in(said, len(unit.document)) if n in unit.homes]
    if not lines:
        return None, ""
    first = lines[0][0]
    same = [n for home, n in lines if home is first or not home.ranges_in_description]
    return first, ",".join(map(str, same))


def _questions(answer: PoliciesAnswer, unit: PoliciesUnit) -> tuple[OpenQuestion, ...]:
    found: list[OpenQuestion] = []
    for said in answer.questions:
        home, numbers = _home(said.lines, unit)
        said = said.model_copy(update={"lines": numbers})
        found += questions((said,), unit.name_of(home), home.document if home else ())
    return tuple(found)
