"""Step `policies`: whenever an event happens, which events of other aggregates follow, according to one context's text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langgraph.runtime import Runtime

from executor.graph.answers import PoliciesAnswer, PolicyAnswer
from executor.graph.asking import Asking, Remarks
from executor.graph.identifiers import pascal
from executor.graph.inputs import CONTEXT, shown
from executor.graph.normalise import ranges, told
from executor.graph.state import ContextUnit, Outcome, PoliciesState, RunContext
from executor.model import Aggregate, BoundedContext, EventStormingModel, Policy, loose

MOST_POLICIES = 40  # of one context


async def policies(state: PoliciesState, runtime: Runtime[RunContext]) -> Outcome:
    """One context before the whole model."""
    unit, model = state["unit"], state["named"]
    asking = Asking(runtime, "policies", unit)
    known = Events.of(model)
    name = next(context.name for context in model.bounded_contexts if context.ordinal == unit.index + 1)
    blocks = {
        "context": {**shown(unit, *CONTEXT), "name": name},
        "model": [_shown(c, a) for c in model.bounded_contexts for a in c.aggregates],
        "lines": asking.lines(unit, [e.alias for a in model.aggregates for e in a.events]),
    }
    answer = await asking.ask(PoliciesAnswer, blocks, lambda answer: check(answer, known))
    if not answer:
        asking.warn(
            f"{unit.alias}: policies could not be worked out.", f"{unit.alias}: 정책을 만들지 못했습니다."
        )
    return asking.outcome(normalised(answer.policies if answer else (), unit, known, asking))


def _shown(context: BoundedContext, aggregate: Aggregate) -> dict[str, object]:
    return {
        "context": context.name,
        "aggregate": aggregate.name,
        "commands": [command.name for command in aggregate.commands],
        "events": shown(aggregate.events, "name", "alias"),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """The events of the model by loose name, those a command leads to under the command's name too, and their owners."""

    names: dict[str, str]
    owners: dict[str, str]

    @classmethod
    def of(cls, model: EventStormingModel) -> Events:
        """Those of a model with all names."""
        owners = model.event_owners
        commands = {loose(c.name): c.emits[0] for a in model.aggregates for c in a.commands if c.emits}
        return cls(names=commands | {loose(name): name for name in owners}, owners=owners)

    def named(self, name: str) -> str:
        """The event meant, or ""."""
        return self.names.get(loose(name), "")

    def crosses(self, trigger: str, result: str) -> bool:
        """Whether both exist, in different aggregates."""
        return bool(trigger and result) and self.owners[trigger] != self.owners[result]


def check(answer: PoliciesAnswer, known: Events) -> Iterator[str]:
    """What is wrong with an answer."""
    for policy in answer.policies:
        trigger = known.named(policy.trigger)
        if not trigger:
            yield f'There is no event "{policy.trigger}" to trigger "{policy.name}".'
        if not policy.results:
            yield f'The policy "{policy.name}" leads to no event.'
        for result in policy.results:
            if not known.named(result):
                yield f'There is no event "{result}" for "{policy.name}" to lead to.'
            elif trigger and not known.crosses(trigger, known.named(result)):
                yield f'"{policy.name}" leads from "{trigger}" to "{result}" of the same aggregate: that is no policy.'


def normalised(
    answers: Sequence[PolicyAnswer], unit: ContextUnit, known: Events, remarks: Remarks
) -> tuple[Policy, ...]:
    """The policies that lead from an event to events of other aggregates; the context's final name is set later."""
    found = []
    for answer in answers[:MOST_POLICIES]:
        policy = _policy(answer, unit, known)
        if policy.results:
            found.append(policy)
        else:
            label = policy.alias or answer.name
            remarks.warn(
                f'{unit.alias}: the policy "{label}" was left out, because it joins no events of different aggregates.',
                f"{unit.alias}: '{label}' 정책은 서로 다른 애그리거트의 이벤트를 잇지 않아 제외했습니다.",
            )
    return tuple(found)


def _policy(answer: PolicyAnswer, unit: ContextUnit, known: Events) -> Policy:
    trigger = known.named(answer.trigger)
    results = dict.fromkeys(known.named(result) for result in answer.results)
    return Policy(
        name=pascal(answer.name) or f"On{trigger}",
        alias=told(answer.alias),
        reason=told(answer.reason),
        trigger=trigger,
        results=tuple(result for result in results if known.crosses(trigger, result)),
        bounded_context=unit.name,
        ranges=ranges(answer.sources, unit.document),
    )
