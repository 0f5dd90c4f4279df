"""The graph: every node, edge, fan-out and subgraph, and nothing else.

A unit that continues on its own is a compiled subgraph, so that no unit waits for a slower sibling. The longest chain of
questions is outline, draft, behaviour, scenarios (or screens); `merge` only joins chunks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from functools import cache, wraps
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from executor.graph import units
from executor.graph.assemble import drafted
from executor.graph.behaviour import behaviour
from executor.graph.draft import draft
from executor.graph.joins import finish, join, plan
from executor.graph.merge import merge
from executor.graph.outline import outline
from executor.graph.policies import policies
from executor.graph.scenarios import scenarios
from executor.graph.screens import screens
from executor.graph.state import AggregateState, JobState, Outcome, RunContext
from executor.graph.text import chunks, document
from executor.graph.unit import ChunkUnit

Compiled = CompiledStateGraph[Any, RunContext, Any, Any]
Step = Callable[..., Awaitable[Outcome]]
Targets = list[Hashable] | Hashable


@cache
def graph() -> Compiled:
    """The whole graph, compiled once; a run brings its input as state and its chat as context."""
    whole = StateGraph(JobState, context_schema=RunContext)
    whole.add_node("outline", _in_turn(outline))
    whole.add_node("merge", merge)
    whole.add_node("plan", plan)
    whole.add_node("draft", _in_turn(draft))
    whole.add_node("join", join)
    whole.add_node("aggregate", aggregate_graph())
    whole.add_node("policies", _in_turn(policies))
    whole.add_node("finish", finish)

    whole.add_conditional_edges(START, _start, ["outline", "plan"])
    whole.add_edge("outline", "merge")
    whole.add_edge("merge", "plan")
    whole.add_conditional_edges("plan", _after_plan, ["draft"])
    whole.add_edge("draft", "join")
    whole.add_conditional_edges("join", _after_join, ["aggregate", "policies", "finish"])
    whole.add_edge("aggregate", "finish")
    whole.add_edge("policies", "finish")
    whole.add_edge("finish", END)
    return whole.compile()


def aggregate_graph() -> Compiled:
    """One aggregate: behaviour, then scenarios of its commands, in groups, beside screens."""
    unit = StateGraph(AggregateState, output_schema=Outcome, context_schema=RunContext)
    unit.add_node("behaviour", _in_turn(behaviour))
    unit.add_node("scenarios", _in_turn(scenarios))
    unit.add_node("screens", _in_turn(screens))
    unit.add_edge(START, "behaviour")
    unit.add_conditional_edges("behaviour", _after_behaviour, ["scenarios", "screens"])
    return unit.compile()


def _in_turn(step: Step) -> Step:
    """A fan-out starts hundreds of units at once, and each builds a long question before it first waits."""

    @wraps(step)
    async def node(state: Any, runtime: Runtime[RunContext]) -> Outcome:
        await runtime.context.turn()
        return await step(state, runtime)

    return node


# ---------------------------------------------------------------- fan-outs (async: LangGraph would run others in threads)


async def _start(state: JobState) -> Targets:
    input = state["input"]
    if input.from_draft:
        return "plan"
    lines = document(input.requirements)
    return [
        Send(
            "outline", {"unit": ChunkUnit(index=i, language=input.language, document=lines, numbers=numbers)}
        )
        for i, numbers in enumerate(chunks(lines))
    ]


async def _after_plan(state: JobState) -> list[Hashable]:
    return [Send("draft", {"unit": group}) for unit in state["units"] for group in units.to_draft(unit)]


async def _after_join(state: JobState) -> Targets:
    named, contexts = state["named"], state["units"]
    each = units.of_aggregates(contexts, named, drafted(contexts, state["parts"]))
    return [
        *(Send("aggregate", {"unit": unit, "parts": []}) for unit in each),
        *(Send("policies", {"unit": unit}) for unit in units.for_policies(contexts, named)),
    ]


async def _after_behaviour(state: AggregateState) -> list[Hashable]:
    shown = units.to_show(state["unit"])
    return [*(Send("scenarios", {"unit": group}) for group in shown), "screens"]
