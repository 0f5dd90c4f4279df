"""The graph as LangGraph Studio opens it (langgraph.json): a text in, the model out, every step to be seen on the way.

Asks the language model that AI_MODEL names. For looking only: no job, no journal, nothing stored.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from typing_extensions import TypedDict

from executor.configured import language_models
from executor.graph.build import graph as whole
from executor.graph.given import GraphInput
from executor.graph.state import RunContext
from executor.graph.text import language_of
from executor.metrics import Metrics
from executor.ports import Allowance, OwnLink
from executor.settings import load

generation = whole()  # a global, so that LangGraph finds and draws it


class Text(TypedDict):
    """What Studio asks for."""

    requirements: str


class Drawn(TypedDict):
    """What comes out: the typed model, and what a user would have been told at the joins."""

    model: dict[str, Any]
    told: list[str]


class Studio(Text, Drawn):
    """State of the outer graph."""


async def generate(state: Studio) -> Drawn:
    """One generation."""
    settings = await asyncio.to_thread(load)
    models = await asyncio.to_thread(language_models, settings, Metrics())
    allowance = Allowance(step_seconds=settings.step_timeout_seconds, max_tokens=settings.job_max_tokens)
    text = state["requirements"]
    start = {"input": GraphInput(language=language_of(text), requirements=text), "parts": []}
    async with models.chat(job_id="studio", link=OwnLink(), recalled=(), allowance=allowance) as chat:
        end = await generation.ainvoke(start, context=RunContext(chat=chat))
    return {"model": asdict(end["model"]), "told": [note.message for note in end["notes"]]}


def graph() -> CompiledStateGraph[Studio, None, Text, Drawn]:
    """The graph to open."""
    outer = StateGraph(Studio, input_schema=Text, output_schema=Drawn)
    outer.add_node("generate", generate)
    outer.add_edge(START, "generate")
    outer.add_edge("generate", END)
    return outer.compile()
