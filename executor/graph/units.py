"""The units of a job: bounded contexts with their text, from the draft or from the outline; what is drafted together; then
aggregates, and the parts of the text that are searched for policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from typing import Final, TypeVar

from executor.graph.given import DraftAggregate, GraphInput, Named, RequiredNames
from executor.graph.identifiers import words
from executor.graph.state import Part, of_step
from executor.graph.text import POLICY_UNITS, chunks, document
from executor.graph.unit import (
    AggregateUnit,
    CommandsUnit,
    ContextUnit,
    DraftUnit,
    OtherContext,
    Outline,
    PoliciesUnit,
)
from executor.model import Aggregate, EventStormingModel

DRAFTED_TOGETHER: Final = 2  # aggregates in one question: its answer is what all other contexts wait for
SHOWN_TOGETHER: Final = (
    10  # commands in one question for scenarios: of more, the answer becomes the longest of all
)

_Item = TypeVar("_Item")

Drafted = Mapping[int, Sequence[Aggregate]]
"""The aggregates of each context, by its index, as they were drafted."""


def from_draft(input: GraphInput) -> tuple[ContextUnit, ...]:
    """One unit per draft context, in the order given. Its source ranges count in its own requirements."""
    others = [_other(context.name, context.aggregates) for context in input.contexts]
    return tuple(
        ContextUnit(
            index=i,
            language=input.language,
            name=context.name,
            alias=context.alias or context.name,
            document=(lines := document(context.requirements)),
            numbers=(numbers := tuple(range(1, len(lines) + 1))),
            owned=frozenset(numbers),
            aggregates=context.aggregates,
            others=tuple(other for j, other in enumerate(others) if j != i),
            required=context.required,
            ranges_in_description=True,
        )
        for i, context in enumerate(input.contexts)
    )


def from_requirements(input: GraphInput, parts: Sequence[Part]) -> tuple[ContextUnit, ...]:
    """One unit per context that has lines; its source ranges count in the whole text."""
    lines = document(input.requirements)
    whole = outline_of(parts)
    found = whole.contexts
    if len(found) == 1:
        found = (replace(found[0], owns=tuple(range(1, len(lines) + 1)), sees=()),)
    others = [_other(context.name, context.aggregates) for context in found]
    return tuple(
        ContextUnit(
            index=i,
            language=input.language,
            name=context.name,
            alias=context.alias or context.name,
            purpose=context.purpose,
            document=lines,
            numbers=tuple(sorted({*context.owns, *context.sees})),
            owned=frozenset(context.owns),
            aggregates=tuple(DraftAggregate(name=a.name, alias=a.alias) for a in context.aggregates),
            others=tuple(other for j, other in enumerate(others) if j != i),
            roles=whole.roles,
            systems=whole.systems,
        )
        for i, context in enumerate(found)
        if context.owns or context.sees
    )


def _other(name: str, aggregates: Sequence[Named | DraftAggregate]) -> OtherContext:
    return OtherContext(name=name, aggregates=tuple(Named(name=a.name, alias=a.alias) for a in aggregates))


def outline_of(parts: Sequence[Part]) -> Outline:
    """Of the whole text; empty for a draft."""
    merged = of_step(parts, "merge")
    whole: Outline = merged[0].value if merged else Outline()
    return whole


# ---------------------------------------------------------------- what is drafted together


def to_draft(unit: ContextUnit) -> tuple[DraftUnit, ...]:
    """The aggregates of a context in groups of nearly the same size; one without known aggregates is drafted as a whole."""
    groups = _even(unit.aggregates, DRAFTED_TOGETHER)
    names = _even(tuple(Named(name=a.name, alias=a.alias) for a in unit.aggregates), DRAFTED_TOGETHER)
    wanted = _shared_out(unit.required, groups)
    return tuple(
        DraftUnit(
            index=i,
            language=unit.language,
            context=unit,
            aggregates=group,
            siblings=tuple(chain.from_iterable(names[:i] + names[i + 1 :])),
            required=wanted[i],
        )
        for i, group in enumerate(groups)
    )


def _even(items: tuple[_Item, ...], most: int) -> list[tuple[_Item, ...]]:
    """In as few groups as may be, at least one, of nearly the same size."""
    count = max(1, -(-len(items) // most))
    least, more = divmod(len(items), count)
    ends = [least * n + min(n, more) for n in range(count + 1)]
    return [items[start:end] for start, end in pairwise(ends)]


def _shared_out(required: RequiredNames, groups: Sequence[Sequence[DraftAggregate]]) -> list[RequiredNames]:
    """Each name goes to the group with the aggregate it resembles most."""

    def of(names: Sequence[str], group: int) -> tuple[str, ...]:
        return tuple(name for name in names if group_of(name) == group)

    def group_of(name: str) -> int:
        every = list(chain.from_iterable(groups))
        if not every:
            return 0
        nearest = every[closest(name, every)]
        return next(i for i, group in enumerate(groups) if any(a is nearest for a in group))

    return [
        RequiredNames(
            commands=of(required.commands, i),
            events=of(required.events, i),
            read_models=of(required.read_models, i),
        )
        for i in range(len(groups))
    ]


def closest(name: str, aggregates: Sequence[Aggregate | DraftAggregate]) -> int:
    """Which aggregate's name has most words in common with a name; the first of equals."""
    mine = {word.casefold() for word in words(name)}
    common = [len(mine & {word.casefold() for word in words(a.name)}) for a in aggregates]
    return common.index(max(common))


# ---------------------------------------------------------------- when all names are known


def of_aggregates(
    units: Sequence[ContextUnit], model: EventStormingModel, drafted: Drafted
) -> tuple[AggregateUnit, ...]:
    """Every aggregate that has something to fill, in order, with the inner types that its draft named."""
    by_ordinal = {unit.index + 1: unit for unit in units}
    found = []
    for context in model.bounded_contexts:
        unit = by_ordinal[context.ordinal]
        for a in context.aggregates:
            given = unit.aggregates[a.ordinal - 1] if a.ordinal <= len(unit.aggregates) else None
            parts = drafted[unit.index][a.ordinal - 1].value_objects
            if a.commands or a.events or a.read_models:
                found.append(
                    AggregateUnit(
                        index=a.ordinal - 1,
                        language=model.language,
                        aggregate=replace(a, value_objects=parts),
                        attributes=given.required_attributes if given else (),
                        context=unit,
                    )
                )
    return tuple(found)


def to_show(unit: AggregateUnit) -> tuple[CommandsUnit, ...]:
    """The commands of an aggregate in groups of nearly the same size; none if it has none."""
    return tuple(
        CommandsUnit(
            index=i,
            language=unit.language,
            context=unit.context,
            aggregate=unit.aggregate,
            ordinal=unit.index,
            commands=group,
        )
        for i, group in enumerate(_even(unit.aggregate.commands, SHOWN_TOGETHER))
        if group
    )


def for_policies(units: Sequence[ContextUnit], model: EventStormingModel) -> tuple[PoliciesUnit, ...]:
    """The text of all contexts in parts that fit one question, most often one; none if there is no event or no text."""
    homes = _homes(units)
    lines = tuple(unit.document[n - 1] for unit, n in homes)
    if not any(line.strip() for line in lines) or not any(a.events for a in model.aggregates):
        return ()
    numbers = _numbers(homes)
    whole = dict(zip(numbers, homes, strict=True))
    padded = dict(zip(numbers, lines, strict=True))
    text = tuple(padded.get(n, "") for n in range(1, max(numbers) + 1))
    parts = [[numbers[n - 1] for n in chunk] for chunk in chunks(lines, POLICY_UNITS)]
    return tuple(
        PoliciesUnit(
            index=i,
            language=model.language,
            document=text,
            numbers=tuple(part),
            homes={n: whole[n] for n in part},
            named=model,
        )
        for i, part in enumerate(parts)
    )


def _homes(units: Sequence[ContextUnit]) -> list[tuple[ContextUnit, int]]:
    """Every line once: of a common text in its order, with its owner; of texts of their own one after the other."""
    owned = [(unit, n) for unit in units for n in sorted(unit.owned)]
    if any(unit.ranges_in_description for unit in units):
        return owned
    return sorted(owned, key=lambda home: home[1])


def _numbers(homes: Sequence[tuple[ContextUnit, int]]) -> list[int]:
    """The number under which a prompt shows each line: its own in a common text, else counted through."""
    if any(unit.ranges_in_description for unit, _ in homes):
        return list(range(1, len(homes) + 1))
    return [n for _, n in homes]
