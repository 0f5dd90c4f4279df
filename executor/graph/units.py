"""The units of a job: bounded contexts with their text, from the draft or from what the first steps found; then aggregates."""

from __future__ import annotations

from collections.abc import Sequence

from executor.graph.state import (
    AggregateUnit,
    ContextUnit,
    DraftContext,
    FoundContext,
    GraphInput,
    LineMap,
    OtherContext,
    Part,
    of_step,
)
from executor.graph.text import document, verbatim
from executor.model import EventStormingModel


def from_draft(input: GraphInput) -> tuple[ContextUnit, ...]:
    """One unit per draft context, in the order given. Its source ranges count in its own requirements."""
    return tuple(
        ContextUnit(
            index=i,
            language=input.language,
            name=context.name,
            alias=context.alias or context.name,
            document=(lines := document(context.requirements)),
            numbers=tuple(range(1, len(lines) + 1)),
            others=_others(input.contexts, i),
            aggregates=context.aggregates,
            required=context.required,
            ranges_in_description=True,
        )
        for i, context in enumerate(input.contexts)
    )


def from_requirements(input: GraphInput, parts: Sequence[Part]) -> tuple[ContextUnit, ...]:
    """One unit per context that has lines; its source ranges count in the whole text."""
    lines = document(input.requirements)
    found = contexts_of(parts)
    numbers = _lines_of_contexts(len(lines), found, parts)
    return tuple(
        ContextUnit(
            index=i,
            language=input.language,
            name=context.name,
            alias=context.alias or context.name,
            description=context.description,
            document=lines,
            numbers=numbers[i],
            owned=context.aggregates,
            others=_others(found, i),
        )
        for i, context in enumerate(found)
        if numbers[i]
    )


def _others(contexts: Sequence[DraftContext | FoundContext], own: int) -> tuple[OtherContext, ...]:
    return tuple(
        OtherContext(name=context.name, aggregates=tuple(a.name for a in context.aggregates))
        for i, context in enumerate(contexts)
        if i != own
    )


def contexts_of(parts: Sequence[Part]) -> tuple[FoundContext, ...]:
    """The bounded contexts of the whole text."""
    merged: tuple[FoundContext, ...] = of_step(parts, "merge")[0].value
    return merged


def _lines_of_contexts(
    last: int, found: Sequence[FoundContext], parts: Sequence[Part]
) -> list[tuple[int, ...]]:
    """The lines of each context: all for an only one; for one that was given none, those that named it."""
    if len(found) == 1:
        return [tuple(range(1, last + 1))]
    maps: list[LineMap] = [part.value for part in of_step(parts, "line_map")]
    mapped: list[set[int]] = [set() for _ in found]
    for index, numbers in (pair for each in maps for pair in each.lines):
        mapped[index].update(numbers)
    return [tuple(sorted(numbers)) or context.numbers for numbers, context in zip(mapped, found, strict=True)]


def silent_lines(parts: Sequence[Part]) -> frozenset[int]:
    """Lines that were said to describe no behaviour."""
    return frozenset(n for part in of_step(parts, "line_map") for n in part.value.no_behaviour)


def of_aggregates(units: Sequence[ContextUnit], model: EventStormingModel) -> tuple[AggregateUnit, ...]:
    """Every aggregate that has something to fill, in order."""
    by_ordinal = {unit.index + 1: unit for unit in units}
    return tuple(
        AggregateUnit(
            index=a.ordinal - 1, language=model.language, aggregate=a, context=by_ordinal[context.ordinal]
        )
        for context in model.bounded_contexts
        for a in context.aggregates
        if a.commands or a.events or a.read_models
    )


def for_policies(units: Sequence[ContextUnit], model: EventStormingModel) -> tuple[ContextUnit, ...]:
    """The contexts to ask for policies: all that have a text and aggregates, if events of two aggregates could be joined."""
    if sum(1 for a in model.aggregates if a.events) < 2:
        return ()
    alive = {context.ordinal for context in model.bounded_contexts if context.aggregates}
    return tuple(
        unit for unit in units if unit.index + 1 in alive and verbatim(unit.document, unit.numbers).strip()
    )
