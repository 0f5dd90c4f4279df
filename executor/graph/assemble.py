"""From the input and the parts so far to the model: at the first join, for every snapshot, and at the end. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from executor.graph.normalise import lookup
from executor.graph.scenarios import Scenarios
from executor.graph.screens import Screens
from executor.graph.state import ContextUnit, DraftAggregate, GraphInput, Pair, Part, Place, by_place
from executor.graph.text import verbatim
from executor.graph.units import for_policies
from executor.model import (
    Aggregate,
    AggregateReference,
    BoundedContext,
    EventStormingModel,
    Language,
    Note,
    Policy,
    loose,
)
from executor.repair import Repaired, Required, repaired, with_valid_links

# ---------------------------------------------------------------- the first join: all names


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedModel:
    """The model with every context, aggregate, command, event and read model it will ever have.

    Ordinals are final: the context of unit n has ordinal n + 1, its aggregate m has ordinal m + 1.
    """

    model: EventStormingModel
    unresolved: tuple[Pair, ...]
    dangling: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]


def named(input: GraphInput, units: Sequence[ContextUnit], parts: Sequence[Part]) -> NamedModel:
    """Joins drafts, details and names; makes names unique and connections whole."""
    drafted = EventStormingModel(
        language=input.language,
        bounded_contexts=tuple(context for unit in units for context in _context(unit, parts)),
    )
    whole = repaired(drafted, required(input))
    aggregates = list(_drafted(units, parts, whole.model))
    stated = list(_stated(aggregates))
    directed = dict.fromkeys((source, target) for source, _, target in stated if target not in ("", source))
    one_way = (pair for pair in directed if pair[::-1] not in directed)
    references = tuple(AggregateReference(from_aggregate=s, to_aggregate=t) for s, t in one_way)
    return NamedModel(
        model=replace(whole.model, references=references),
        unresolved=tuple(_pairs(aggregates, directed, input.language)),
        dangling=tuple((source, wanted) for source, wanted, target in stated if not target),
        notes=whole.notes,
    )


def _context(unit: ContextUnit, parts: Sequence[Part]) -> Iterator[BoundedContext]:
    """The context of a unit; none when nothing was found in the text for it."""
    aggregates = tuple(_aggregates(unit, parts))
    if aggregates or unit.ranges_in_description:
        yield BoundedContext(
            ordinal=unit.index + 1,
            name=unit.name,
            alias=unit.alias,
            description=verbatim(unit.document, unit.numbers),
            aggregates=aggregates,
            ranges_in_description=unit.ranges_in_description,
        )


def _aggregates(unit: ContextUnit, parts: Sequence[Part]) -> Iterator[Aggregate]:
    details: dict[Place, Aggregate] = by_place(parts, "details")
    named: Sequence[Aggregate] = by_place(parts, "names").get(unit.place, ())
    for i, a in enumerate(named):
        detailed = details[unit.index, i]
        yield replace(
            detailed, ordinal=i + 1, commands=a.commands, events=a.events, read_models=a.read_models
        )


def required(input: GraphInput) -> Required:
    """What a draft asked for by name."""
    wanted = [context.required for context in input.contexts]
    return Required(
        commands=frozenset(name for names in wanted for name in names.commands if name.strip()),
        events=frozenset(name for names in wanted for name in names.events if name.strip()),
        read_models=frozenset(name for names in wanted for name in names.read_models if name.strip()),
    )


# ---------------------------------------------------------------- references that drafts state

_Drafted = tuple[BoundedContext, DraftAggregate, Aggregate]
"""An aggregate with its context, and the draft it came from."""


def _drafted(
    units: Sequence[ContextUnit], parts: Sequence[Part], model: EventStormingModel
) -> Iterator[_Drafted]:
    contexts = {context.ordinal: context for context in model.bounded_contexts}
    drafted = by_place(parts, "draft")
    for unit in units:
        if context := contexts.get(unit.index + 1):
            drafts = drafted.get(unit.place, unit.aggregates)
            yield from ((context, d, a) for d, a in zip(drafts, context.aggregates, strict=True))


def _stated(drafted: Sequence[_Drafted]) -> Iterator[tuple[str, str, str]]:
    """Who refers, to what name, and the aggregate that is meant: of the same context if it can be, "" if there is none."""
    anywhere = lookup((d.name, a.name) for _, d, a in drafted)
    for context, draft, aggregate in drafted:
        near = lookup((d.name, a.name) for c, d, a in drafted if c is context)
        for wanted in draft.references:
            yield aggregate.name, wanted, near.get(loose(wanted)) or anywhere.get(loose(wanted)) or ""


def _pairs(
    drafted: Sequence[_Drafted], stated: Collection[tuple[str, str]], language: Language
) -> Iterator[Pair]:
    """Those that refer to each other, in the order of the model."""
    order = {a.name: i for i, (_, _, a) in enumerate(drafted)}
    both = sorted((order[s], order[t]) for s, t in stated if (t, s) in stated and order[s] < order[t])
    for i, (first, second) in enumerate(both):
        yield Pair(
            index=i,
            language=language,
            first=drafted[first][2],
            first_context=drafted[first][0].name,
            second=drafted[second][2],
            second_context=drafted[second][0].name,
        )


# ---------------------------------------------------------------- the model as it stands


def shown(
    units: Sequence[ContextUnit], model: EventStormingModel, parts: Sequence[Part]
) -> EventStormingModel:
    """The named model with all that is known so far. What one call shows, a call with more parts shows again.

    Policies of a context appear only when those of all contexts before it are known, so that none changes its ordinal.
    """
    return with_valid_links(_grown(units, model, parts))


def finished(
    input: GraphInput, units: Sequence[ContextUnit], model: EventStormingModel, parts: Sequence[Part]
) -> Repaired:
    """The named model with everything, repaired where a step should have left it broken."""
    return repaired(_grown(units, model, parts), required(input))


def _grown(
    units: Sequence[ContextUnit], model: EventStormingModel, parts: Sequence[Part]
) -> EventStormingModel:
    behaviours: dict[Place, Aggregate] = by_place(parts, "behaviour")
    scenarios: dict[Place, Scenarios] = by_place(parts, "scenarios")
    screens: dict[Place, Screens] = by_place(parts, "screens")

    def filled(context: BoundedContext, aggregate: Aggregate) -> Aggregate:
        place = (context.ordinal - 1, aggregate.ordinal - 1)
        aggregate = behaviours.get(place, aggregate)
        return _drawn(aggregate, scenarios.get(place, {}), screens.get(place, {}))

    return replace(
        model,
        bounded_contexts=tuple(
            replace(context, aggregates=tuple(filled(context, a) for a in context.aggregates))
            for context in model.bounded_contexts
        ),
        policies=tuple(_policies(units, model, parts)),
        references=(*model.references, *by_place(parts, "references").values()),
    )


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
    units: Sequence[ContextUnit], model: EventStormingModel, parts: Sequence[Part]
) -> Iterator[Policy]:
    answered = by_place(parts, "policies")
    names = {context.ordinal: context.name for context in model.bounded_contexts}
    for unit in for_policies(units, model):
        if unit.place not in answered:
            return
        yield from (replace(policy, bounded_context=names[unit.index + 1]) for policy in answered[unit.place])
