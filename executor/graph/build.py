"""The graph: every node, edge, fan-out and subgraph, and nothing else.

A unit that continues on its own is a compiled subgraph, so that no unit waits for a slower sibling. The longest chain of
questions is contexts, line_map, draft, names (or details), behaviour, screens (or scenarios); `merge` only joins chunks.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send

from executor.graph import assemble, plans
from executor.graph.behaviour import behaviour
from executor.graph.contexts import contexts
from executor.graph.details import details
from executor.graph.draft import draft
from executor.graph.joins import finish, join, plan
from executor.graph.line_map import line_map
from executor.graph.merge import merge
from executor.graph.names import names
from executor.graph.policies import policies
from executor.graph.references import references
from executor.graph.scenarios import scenarios
from executor.graph.screens import screens
from executor.graph.state import AggregateUnit, ContextUnit, FoundContext, GraphInput, Job, Outcome, Run
from executor.graph.text import chunks, document

Compiled = CompiledStateGraph[Any, Run, Any, Any]
Targets = list[Hashable] | Hashable


def graph() -> Compiled:
    """The whole graph, compiled once; a run brings its input as state and its chat as context."""
    return _compiled()


@cache
def _compiled() -> Compiled:
    whole = StateGraph(Job, context_schema=Run)
    whole.add_node("contexts", contexts)
    whole.add_node("merge", merge)
    whole.add_node("line_map", line_map)
    whole.add_node("plan", plan)
    whole.add_node("context", context_graph())
    whole.add_node("join", join)
    whole.add_node("aggregate", aggregate_graph())
    whole.add_node("policies", policies)
    whole.add_node("references", references)
    whole.add_node("finish", finish)

    whole.add_conditional_edges(START, _start, ["contexts", "plan"])
    whole.add_edge("contexts", "merge")
    whole.add_conditional_edges("merge", _after_merge, ["line_map", "plan"])
    whole.add_edge("line_map", "plan")
    whole.add_conditional_edges("plan", _after_plan, ["context"])
    whole.add_edge("context", "join")
    whole.add_conditional_edges("join", _after_join, ["aggregate", "policies", "references", "finish"])
    for step in ("aggregate", "policies", "references"):
        whole.add_edge(step, "finish")
    whole.add_edge("finish", END)
    return whole.compile()


def context_graph() -> Compiled:
    """One bounded context: draft, unless it has aggregates already, then the details of each beside the names of all."""
    unit = StateGraph(ContextUnit, output_schema=Outcome, context_schema=Run)
    unit.add_node("draft", draft)
    unit.add_node("details", details)
    unit.add_node("names", names)
    unit.add_conditional_edges(START, _start_of_context, ["draft", "details", "names"])
    unit.add_conditional_edges("draft", _details_and_names, ["details", "names", END])
    return unit.compile()


def aggregate_graph() -> Compiled:
    """One aggregate: behaviour, then scenarios beside screens."""
    unit = StateGraph(AggregateUnit, output_schema=Outcome, context_schema=Run)
    unit.add_node("behaviour", behaviour)
    unit.add_node("scenarios", scenarios)
    unit.add_node("screens", screens)
    unit.add_edge(START, "behaviour")
    unit.add_conditional_edges("behaviour", _after_behaviour, ["scenarios", "screens"])
    return unit.compile()


# ---------------------------------------------------------------- fan-outs (async: LangGraph would run others in threads)


async def _start(state: Job) -> Targets:
    if state["input"].from_draft:
        return "plan"
    return _per_chunk("contexts", state["input"], ())


async def _after_merge(state: Job) -> Targets:
    found = plans.contexts_of(state["parts"])
    return _per_chunk("line_map", state["input"], found) if len(found) > 1 else "plan"


def _per_chunk(step: str, input: GraphInput, found: tuple[FoundContext, ...]) -> list[Hashable]:
    lines = document(input.requirements)
    unit = {"language": input.language, "document": lines, "found": found}
    return [Send(step, {**unit, "index": i, "numbers": numbers}) for i, numbers in enumerate(chunks(lines))]


async def _after_plan(state: Job) -> list[Hashable]:
    return [Send("context", {"plan": plan, "parts": []}) for plan in state["plans"]]


async def _start_of_context(state: ContextUnit) -> Targets:
    return await _details_and_names(state) if state["plan"].aggregates else "draft"


async def _details_and_names(state: ContextUnit) -> Targets:
    plan = state["plan"]
    if not plan.aggregates:
        return END
    each = [
        Send("details", {"plan": plan, "index": i, "aggregate": a}) for i, a in enumerate(plan.aggregates)
    ]
    return [*each, Send("names", {"plan": plan, "parts": []})]


async def _after_join(state: Job) -> Targets:
    named, laid = state["named"], state["plans"]
    return [
        *(Send("aggregate", {"plan": plan, "parts": []}) for plan in assemble.aggregate_plans(laid, named)),
        *(Send("policies", {"plan": plan, "named": named}) for plan in assemble.policy_plans(laid, named)),
        *(Send("references", {"pair": pair}) for pair in state["unresolved"]),
    ]


async def _after_behaviour(state: AggregateUnit) -> list[Hashable]:
    return ["scenarios", "screens"] if state["plan"].aggregate.commands else ["screens"]
