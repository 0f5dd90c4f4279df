"""From the input and the parts so far to the model: at the first join, for every snapshot, and at the end. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from executor.graph.draft import aggregates_of
from executor.graph.names import Behaviour
from executor.graph.reduction import lookup
from executor.graph.scenarios import Scenarios
from executor.graph.screens import Screens
from executor.graph.state import (
    AggregatePlan,
    ContextPlan,
    DraftAggregate,
    GraphInput,
    Pair,
    Part,
    Unit,
    by_unit,
)
from executor.graph.text import verbatim
from executor.model import (
    Aggregate,
    AggregateReference,
    BoundedContext,
    EventStormingModel,
    Note,
    Policy,
    loose,
)
from executor.repair import Repaired, Required, repaired, with_valid_links

# ---------------------------------------------------------------- the first join: all names


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedModel:
    """The model with every context, aggregate, command, event and read model it will ever have.

    Ordinals are final: the context of plan n has ordinal n + 1, its aggregate m has ordinal m + 1.
    """

    model: EventStormingModel
    unresolved: tuple[Pair, ...]
    dangling: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]


def named(input: GraphInput, plans: Sequence[ContextPlan], parts: Sequence[Part]) -> NamedModel:
    """Joins drafts, details and names; makes names unique and connections whole."""
    drafted = EventStormingModel(
        language=input.language,
        bounded_contexts=tuple(context for plan in plans for context in _context(plan, parts)),
    )
    whole = repaired(drafted, required(input, drafted))
    stated = _Stated(plans, parts, whole.model)
    return NamedModel(
        model=replace(whole.model, references=tuple(stated.one_way())),
        unresolved=tuple(stated.both_ways(input)),
        dangling=tuple(stated.dangling),
        notes=whole.notes,
    )


def _context(plan: ContextPlan, parts: Sequence[Part]) -> Iterator[BoundedContext]:
    """The plan's context; none when nothing was found in the text for it."""
    aggregates = tuple(_aggregates(plan, parts))
    if aggregates or plan.ranges_in_description:
        yield BoundedContext(
            ordinal=plan.index + 1,
            name=plan.name,
            alias=plan.alias,
            description=verbatim(plan.document, plan.numbers),
            aggregates=aggregates,
            ranges_in_description=plan.ranges_in_description,
        )


def _aggregates(plan: ContextPlan, parts: Sequence[Part]) -> Iterator[Aggregate]:
    details: dict[Unit, Aggregate] = by_unit(parts, "details")
    behaviours: Sequence[Behaviour] = by_unit(parts, "names").get(plan.unit, ())
    for i, drafted in enumerate(aggregates_of(plan, parts)):
        detailed = details.get((plan.index, i)) or Aggregate(name=drafted.name, alias=drafted.alias)
        behaviour = behaviours[i] if i < len(behaviours) else Behaviour()
        yield replace(
            detailed,
            ordinal=i + 1,
            commands=behaviour.commands,
            events=behaviour.events,
            read_models=behaviour.read_models,
        )


def required(input: GraphInput, model: EventStormingModel) -> Required:
    """What a draft asked for by name, as far as the model says which aggregate it belongs to."""
    wanted = [context.required for context in input.contexts]
    return Required(
        commands=frozenset(name for names in wanted for name in names.commands if name.strip()),
        events=frozenset(name for names in wanted for name in names.events if name.strip()),
        read_models=frozenset(name for names in wanted for name in names.read_models if name.strip()),
        attributes=tuple(_required_attributes(input, model)),
    )


def _required_attributes(input: GraphInput, model: EventStormingModel) -> Iterator[tuple[str, str]]:
    for context in model.bounded_contexts if input.from_draft else ():
        drafted = input.contexts[context.ordinal - 1].aggregates
        for aggregate in context.aggregates if drafted else ():
            for attribute in drafted[aggregate.ordinal - 1].required_attributes:
                if loose(attribute):
                    yield aggregate.name, attribute


class _Stated:
    """The references that drafts state, between the aggregates they became."""

    def __init__(
        self, plans: Sequence[ContextPlan], parts: Sequence[Part], model: EventStormingModel
    ) -> None:
        self._contexts = {context.ordinal: context for context in model.bounded_contexts}
        self._places = list(self._placed(plans, parts))
        self.dangling: list[tuple[str, str]] = []
        self._stated = list(dict.fromkeys(self._resolved()))

    def _placed(
        self, plans: Sequence[ContextPlan], parts: Sequence[Part]
    ) -> Iterator[tuple[BoundedContext, DraftAggregate, Aggregate]]:
        for plan in plans:
            if context := self._contexts.get(plan.index + 1):
                drafts = aggregates_of(plan, parts)
                yield from (
                    (context, drafted, a) for drafted, a in zip(drafts, context.aggregates, strict=True)
                )

    def _resolved(self) -> Iterator[tuple[str, str]]:
        anywhere = lookup((drafted.name, a.name) for _, drafted, a in self._places)
        for context, drafted, aggregate in self._places:
            near = lookup((d.name, a.name) for c, d, a in self._places if c is context)
            for wanted in drafted.references:
                target = near.get(loose(wanted)) or anywhere.get(loose(wanted))
                if target is None:
                    self.dangling.append((aggregate.name, wanted))
                elif target != aggregate.name:
                    yield aggregate.name, target

    def one_way(self) -> Iterator[AggregateReference]:
        """Those stated in one direction only."""
        for source, target in self._stated:
            if (target, source) not in self._stated:
                yield AggregateReference(from_aggregate=source, to_aggregate=target)

    def both_ways(self, input: GraphInput) -> Iterator[Pair]:
        """Pairs stated in both directions, in the order of the model."""
        order = {a.name: (c.name, a) for c, _, a in self._places}
        position = {name: i for i, name in enumerate(order)}
        pairs = sorted(
            (position[s], position[t], s, t)
            for s, t in self._stated
            if (t, s) in self._stated and position[s] < position[t]
        )
        for i, (_, _, first, second) in enumerate(pairs):
            yield Pair(
                index=i,
                language=input.language,
                first=order[first][1],
                first_context=order[first][0],
                second=order[second][1],
                second_context=order[second][0],
            )


# ---------------------------------------------------------------- units of the second half


def aggregate_plans(plans: Sequence[ContextPlan], model: EventStormingModel) -> tuple[AggregatePlan, ...]:
    """Every aggregate that has something to fill, in order."""
    by_ordinal = {plan.index + 1: plan for plan in plans}
    return tuple(
        AggregatePlan(index=a.ordinal - 1, aggregate=a, context=by_ordinal[context.ordinal])
        for context in model.bounded_contexts
        for a in context.aggregates
        if a.commands or a.events or a.read_models
    )


def policy_plans(plans: Sequence[ContextPlan], model: EventStormingModel) -> tuple[ContextPlan, ...]:
    """The contexts to ask for policies: all that have a text and aggregates, if events of two aggregates could be joined."""
    if sum(1 for a in model.aggregates if a.events) < 2:
        return ()
    alive = {context.ordinal for context in model.bounded_contexts if context.aggregates}
    return tuple(
        plan for plan in plans if plan.index + 1 in alive and verbatim(plan.document, plan.numbers).strip()
    )


# ---------------------------------------------------------------- the model as it stands


def shown(
    plans: Sequence[ContextPlan], model: EventStormingModel, parts: Sequence[Part]
) -> EventStormingModel:
    """The named model with all that is known so far. What one call shows, a call with more parts shows again.

    Policies of a context appear only when those of all contexts before it are known, so that none changes its ordinal.
    """
    return with_valid_links(_grown(plans, model, parts))


def finished(
    input: GraphInput, plans: Sequence[ContextPlan], model: EventStormingModel, parts: Sequence[Part]
) -> Repaired:
    """The named model with everything, repaired where a step should have left it broken."""
    return repaired(_grown(plans, model, parts), required(input, model))


def _grown(
    plans: Sequence[ContextPlan], model: EventStormingModel, parts: Sequence[Part]
) -> EventStormingModel:
    found: list[AggregateReference] = list(by_unit(parts, "references").values())
    return replace(
        model,
        bounded_contexts=_filled_contexts(model.bounded_contexts, parts),
        policies=tuple(_policies(plans, model, parts)),
        references=(*model.references, *found),
    )


def _filled_contexts(contexts: Sequence[BoundedContext], parts: Sequence[Part]) -> tuple[BoundedContext, ...]:
    behaviours: dict[Unit, Aggregate] = by_unit(parts, "behaviour")
    scenarios: dict[Unit, Scenarios] = by_unit(parts, "scenarios")
    screens: dict[Unit, Screens] = by_unit(parts, "screens")
    contents = []
    for context in contexts:
        aggregates = []
        for aggregate in context.aggregates:
            unit = (context.ordinal - 1, aggregate.ordinal - 1)
            aggregate = behaviours.get(unit, aggregate)
            aggregates.append(_drawn(aggregate, scenarios.get(unit, {}), screens.get(unit, {})))
        contents.append(replace(context, aggregates=tuple(aggregates)))
    return tuple(contents)


def _drawn(aggregate: Aggregate, scenarios: Scenarios, screens: Screens) -> Aggregate:
    return replace(
        aggregate,
        commands=tuple(
            replace(c, scenarios=scenarios.get(c.name, ()), screen=screens.get(c.name))
            for c in aggregate.commands
        ),
        read_models=tuple(replace(r, screen=screens.get(r.name)) for r in aggregate.read_models),
    )


def _policies(
    plans: Sequence[ContextPlan], model: EventStormingModel, parts: Sequence[Part]
) -> Iterator[Policy]:
    answered = by_unit(parts, "policies")
    names = {context.ordinal: context.name for context in model.bounded_contexts}
    for plan in policy_plans(plans, model):
        if plan.unit not in answered:
            return
        yield from (replace(policy, bounded_context=names[plan.index + 1]) for policy in answered[plan.unit])
