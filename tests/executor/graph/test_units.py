"""What is asked together."""

from __future__ import annotations

import pytest

from executor.graph.unit import AggregateUnit, ContextUnit
from executor.graph.units import to_show
from executor.model import Aggregate, Command, Language


def unit(*commands: Command) -> AggregateUnit:
    context = ContextUnit(
        index=3,
        language=Language.ENGLISH,
        name="Lending",
        alias="",
        document=("text",),
        numbers=(1,),
        owned=frozenset((1,)),
    )
    aggregate = Aggregate(name="Loan", commands=commands)
    return AggregateUnit(index=2, language=Language.ENGLISH, context=context, aggregate=aggregate)


def commands(count: int) -> tuple[Command, ...]:
    return tuple(Command(name=f"Do{n}") for n in range(count))


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(0, []), (1, [1]), (10, [10]), (11, [6, 5]), (12, [6, 6]), (20, [10, 10]), (21, [7, 7, 7])],
)
def test_many_commands_are_shown_in_groups_of_nearly_the_same_size(count: int, sizes: list[int]) -> None:
    groups = to_show(unit(*commands(count)))
    assert [len(group.commands) for group in groups] == sizes
    assert [c.name for group in groups for c in group.commands] == [f"Do{n}" for n in range(count)]
    assert [group.place for group in groups] == [(3, 2, n) for n in range(len(sizes))]
