"""Step `policies`: whenever an event happens, which events of other aggregates follow, according to one context's text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from langgraph.runtime import Runtime

from executor.graph.answers import PoliciesAnswer
from executor.graph.asking import Remarks, ask, lines_for, outcome
from executor.graph.identifiers import pascal
from executor.graph.question import Unusable
from executor.graph.reduction import ranges, told
from executor.graph.state import ContextPlan, Outcome, PoliciesUnit, Run
from executor.model import EventStormingModel, Policy, loose

MOST_POLICIES = 40  # of one context


async def policies(state: PoliciesUnit, runtime: Runtime[Run]) -> Outcome:
    plan, named = state["plan"], state["named"]
    remarks = Remarks("policies", plan.unit, plan.language)
    known = Events.of(named)
    data = _data(plan, named, remarks)
    answer = await ask(
        runtime, "policies", plan.unit, PoliciesAnswer, data, lambda answer: check(answer, known)
    )
    if isinstance(answer, Unusable):
        remarks.warn(
            f"{plan.alias}: policies could not be worked out.", f"{plan.alias}: 정책을 만들지 못했습니다."
        )
        return outcome("policies", plan.unit, (), remarks, answer)
    return outcome("policies", plan.unit, reduced(answer, plan, known, remarks), remarks, answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """The events of the model by loose name, those a command leads to under the command's name too, and their owners."""

    names: dict[str, str]
    owners: dict[str, str]

    @classmethod
    def of(cls, model: EventStormingModel) -> Events:
        owners = model.event_owners
        commands = {loose(c.name): c.emits[0] for a in model.aggregates for c in a.commands if c.emits}
        return cls(names=commands | {loose(name): name for name in owners}, owners=owners)

    def named(self, name: str) -> str:
        """The event meant, or ""."""
        return self.names.get(loose(name), "")

    def crosses(self, trigger: str, result: str) -> bool:
        """Whether both exist, in different aggregates."""
        return bool(trigger and result) and self.owners[trigger] != self.owners[result]


def _data(plan: ContextPlan, named: EventStormingModel, remarks: Remarks) -> dict[str, object]:
    return {
        "language": plan.language,
        "context": {
            "name": _final_name(plan, named),
            "alias": plan.alias,
            "description": "" if plan.ranges_in_description else plan.description,
        },
        "model": [
            {
                "context": context.name,
                "aggregate": aggregate.name,
                "commands": [command.name for command in aggregate.commands],
                "events": [{"name": event.name, "alias": event.alias} for event in aggregate.events],
            }
            for context in named.bounded_contexts
            for aggregate in context.aggregates
        ],
        "lines": lines_for(plan, [e.alias for a in named.aggregates for e in a.events], remarks),
    }


def _final_name(plan: ContextPlan, named: EventStormingModel) -> str:
    return next(context.name for context in named.bounded_contexts if context.ordinal == plan.index + 1)


def check(answer: PoliciesAnswer, known: Events) -> Iterator[str]:
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


def reduced(answer: PoliciesAnswer, plan: ContextPlan, known: Events, remarks: Remarks) -> tuple[Policy, ...]:
    """The policies that lead from an event to events of other aggregates; the context's final name is set later."""
    found = []
    for policy in answer.policies[:MOST_POLICIES]:
        trigger = known.named(policy.trigger)
        wanted = dict.fromkeys(known.named(result) for result in policy.results)
        results = tuple(result for result in wanted if known.crosses(trigger, result))
        if not results:
            label = told(policy.alias) or policy.name
            remarks.warn(
                f'{plan.alias}: the policy "{label}" was left out, because it joins no events of different aggregates.',
                f"{plan.alias}: '{label}' 정책은 서로 다른 애그리거트의 이벤트를 잇지 않아 제외했습니다.",
            )
            continue
        found.append(
            Policy(
                name=pascal(policy.name) or f"On{trigger}",
                alias=told(policy.alias),
                reason=told(policy.reason),
                trigger=trigger,
                results=results,
                bounded_context=plan.name,
                ranges=ranges(policy.sources, plan.document),
            )
        )
    return tuple(found)
