"""The bounded contexts of a job, each with its text: from the draft, or from what the first steps found."""

from __future__ import annotations

from collections.abc import Sequence

from executor.graph.state import (
    ContextPlan,
    DraftContext,
    FoundContext,
    GraphInput,
    Mapping,
    OtherContext,
    Part,
    of_step,
)
from executor.graph.text import document


def from_draft(input: GraphInput) -> tuple[ContextPlan, ...]:
    """One plan per draft context, in the order given. Its source ranges count in its own requirements."""
    return tuple(
        ContextPlan(
            index=i,
            name=context.name,
            alias=context.alias or context.name,
            description=context.requirements,
            language=input.language,
            document=(lines := document(context.requirements)),
            numbers=tuple(range(1, len(lines) + 1)),
            others=_drafted_by_others(input.contexts, i),
            aggregates=context.aggregates,
            required=context.required,
            ranges_in_description=True,
        )
        for i, context in enumerate(input.contexts)
    )


def _drafted_by_others(contexts: Sequence[DraftContext], own: int) -> tuple[OtherContext, ...]:
    return tuple(
        OtherContext(name=context.name, aggregates=tuple(a.name for a in context.aggregates))
        for i, context in enumerate(contexts)
        if i != own
    )


def contexts_of(parts: Sequence[Part]) -> tuple[FoundContext, ...]:
    """The bounded contexts of the whole text."""
    merged: tuple[FoundContext, ...] = of_step(parts, "merge")[0].value
    return merged


def from_requirements(input: GraphInput, parts: Sequence[Part]) -> tuple[ContextPlan, ...]:
    """One plan per context that has lines; its source ranges count in the whole text."""
    lines = document(input.requirements)
    found = contexts_of(parts)
    numbers = lines_of_contexts(len(lines), found, parts)
    return tuple(
        ContextPlan(
            index=i,
            name=context.name,
            alias=context.alias or context.name,
            description=context.description,
            language=input.language,
            document=lines,
            numbers=numbers[i],
            owned=context.aggregates,
            others=_found_by_others(found, i),
        )
        for i, context in enumerate(found)
        if numbers[i]
    )


def _found_by_others(found: Sequence[FoundContext], own: int) -> tuple[OtherContext, ...]:
    return tuple(
        OtherContext(name=context.name, aggregates=tuple(a.name for a in context.aggregates))
        for i, context in enumerate(found)
        if i != own
    )


def lines_of_contexts(
    last: int, found: Sequence[FoundContext], parts: Sequence[Part]
) -> list[tuple[int, ...]]:
    """The lines of each context: all for an only one; for one that was given none, those that named it."""
    if len(found) == 1:
        return [tuple(range(1, last + 1))]
    mappings: list[Mapping] = [part.value for part in of_step(parts, "line_map")]
    mapped = [
        tuple(
            sorted({n for mapping in mappings for i, numbers in mapping.lines if i == index for n in numbers})
        )
        for index in range(len(found))
    ]
    return [numbers or context.numbers for numbers, context in zip(mapped, found, strict=True)]


def silent_lines(parts: Sequence[Part]) -> frozenset[int]:
    """Lines that were said to describe no behaviour."""
    return frozenset(n for part in of_step(parts, "line_map") for n in part.value.no_behaviour)
