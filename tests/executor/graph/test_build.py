"""The compiled graph, and the entry that LangGraph Studio opens."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

from executor.graph.build import aggregate_graph, graph
from executor.graph.state import STEPS

STUDIO = Path(__file__).parents[3] / "langgraph.json"


def test_every_step_is_a_node_and_every_other_node_asks_nothing() -> None:
    nodes = {
        *graph().get_graph().nodes,
        *aggregate_graph().get_graph().nodes,
    }
    assert nodes - {"__start__", "__end__"} == {*STEPS, "plan", "join", "aggregate", "finish"}


def test_studio_opens_the_graph() -> None:
    module, name = json.loads(STUDIO.read_text("utf-8"))["graphs"]["eventstorming"].split(":")
    opened = getattr(
        importlib.import_module(module.removeprefix("./").removesuffix(".py").replace("/", ".")), name
    )()
    assert "behaviour" in opened.get_graph(xray=True).draw_mermaid()
    assert opened.get_input_jsonschema()
