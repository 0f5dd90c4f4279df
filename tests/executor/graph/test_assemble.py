"""Joins sort: in whatever order the parts arrive, the model is the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.graph import assemble, units
from executor.graph.build import graph
from executor.graph.given import DraftAggregate, DraftContext, GraphInput
from executor.graph.state import JobState, Part, RunContext, of_step
from tests.executor.graph.inputs import draft, requirements
from tests.executor.graph.scripted import ScriptedChat

EVERYONE = GraphInput(
    contexts=(
        DraftContext(
            name="Knot",
            aggregates=tuple(
                DraftAggregate(name=name, references=tuple(other for other in "ABC" if other != name))
                for name in "ABC"
            ),
        ),
    )
)


async def state_of(input: GraphInput) -> JobState:
    state: JobState = await graph().ainvoke(
        {"input": input, "parts": []}, context=RunContext(chat=ScriptedChat())
    )
    return state


@pytest.mark.parametrize("input", [requirements(3), draft(), EVERYONE], ids=["text", "draft", "knot"])
async def test_the_order_of_parts_changes_no_join(input: GraphInput) -> None:
    state = await state_of(input)
    laid, named, parts = state["units"], state["named"], state["parts"]

    @given(st.permutations(parts))
    def in_any_order(shuffled: list[Part]) -> None:
        assert assemble.named(input, laid, shuffled).model == named
        assert assemble.finished(input, laid, named, shuffled).model == state["model"]
        if not input.from_draft:
            assert units.from_requirements(input, shuffled) == laid

    in_any_order()


async def test_policies_wait_for_those_of_earlier_lines() -> None:
    filler = "Area0: Thing0x0 is kept. " * 50
    state = await state_of(GraphInput(requirements="\n".join([filler] * 60)))
    laid, named, parts = state["units"], state["named"], state["parts"]
    first, second = of_step(parts, "policies")
    assert assemble.shown(laid, named, parts).policies
    assert assemble.shown(laid, named, [part for part in parts if part is not second]).policies
    assert assemble.shown(laid, named, [part for part in parts if part is not first]).policies == ()
