"""The graph: every node, edge, fan-out and subgraph, and nothing else.

A unit that continues on its own is a compiled subgraph, so that no unit waits for a slower sibling. The longest chain of
questions is contexts, line_map, draft, names (or details), behaviour, screens (or scenarios); `merge` only joins chunks.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache, partial
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send

from executor.graph import units
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
from executor.graph.state import (
    AggregateState,
    ChunkUnit,
    ContextState,
    DraftedUnit,
    FoundContext,
    GraphInput,
    JobState,
    Outcome,
    RunContext,
)
from executor.graph.text import chunks, document

Compiled = CompiledStateGraph[Any, RunContext, Any, Any]
Targets = list[Hashable] | Hashable


@cache
def graph() -> Compiled:
    """The whole graph, compiled once; a run brings its input as state and its chat as context."""
    whole = StateGraph(JobState, context_schema=RunContext)
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
    unit = StateGraph(ContextState, output_schema=Outcome, context_schema=RunContext)
    unit.add_node("draft", draft)
    unit.add_node("details", details)
    unit.add_node("names", names)
    unit.add_conditional_edges(START, _start_of_context, ["draft", "details", "names"])
    unit.add_conditional_edges("draft", _details_and_names, ["details", "names", END])
    return unit.compile()


def aggregate_graph() -> Compiled:
    """One aggregate: behaviour, then scenarios beside screens."""
    unit = StateGraph(AggregateState, output_schema=Outcome, context_schema=RunContext)
    unit.add_node("behaviour", behaviour)
    unit.add_node("scenarios", scenarios)
    unit.add_node("screens", screens)
    unit.add_edge(START, "behaviour")
    unit.add_conditional_edges("behaviour", _after_behaviour, ["scenarios", "screens"])
    return unit.compile()


# ---------------------------------------------------------------- fan-outs (async: LangGraph would run others in threads)


async def _start(state: JobState) -> Targets:
    return "plan" if state["input"].from_draft else _per_chunk("contexts", state["input"])


async def _after_merge(state: JobState) -> Targets:
    found = units.contexts_of(state["parts"])
    return _per_chunk("line_map", state["input"], found) if len(found) > 1 else "plan"


def _per_chunk(step: str, input: GraphInput, found: tuple[FoundContext, ...] = ()) -> list[Hashable]:
    lines = document(input.requirements)
    chunk = partial(ChunkUnit, language=input.language, document=lines, found=found)
    return [Send(step, {"unit": chunk(index=i, numbers=numbers)}) for i, numbers in enumerate(chunks(lines))]


async def _after_plan(state: JobState) -> list[Hashable]:
    return [Send("context", {"unit": unit, "parts": []}) for unit in state["units"]]


async def _start_of_context(state: ContextState) -> Targets:
    return await _details_and_names(state) if state["unit"].aggregates else "draft"


async def _details_and_names(state: ContextState) -> Targets:
    unit = state["unit"]
    if not unit.aggregates:
        return END
    drafted = partial(DraftedUnit, language=unit.language, context=unit)
    each = [Send("details", {"unit": drafted(index=i, drafted=a)}) for i, a in enumerate(unit.aggregates)]
    return [*each, Send("names", {"unit": unit, "parts": []})]


async def _after_join(state: JobState) -> Targets:
    named, contexts = state["named"], state["units"]
    return [
        *(Send("aggregate", {"unit": each, "parts": []}) for each in units.of_aggregates(contexts, named)),
        *(Send("policies", {"unit": each, "named": named}) for each in units.for_policies(contexts, named)),
        *(Send("references", {"unit": pair}) for pair in state["unresolved"]),
    ]


async def _after_behaviour(state: AggregateState) -> list[Hashable]:
    return ["scenarios", "screens"] if state["unit"].aggregate.commands else ["screens"]
