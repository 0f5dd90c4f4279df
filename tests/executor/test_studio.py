"""The graph as LangGraph Studio opens it: named in langgraph.json, drawn with every step, and running from a text alone."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest

from executor.graph.state import STEPS

ROOT = Path(__file__).parents[2]


def _named() -> object:
    path, _, attribute = json.loads((ROOT / "langgraph.json").read_text())["graphs"][
        "eventstorming"
    ].partition(":")
    return getattr(import_module(path.removeprefix("./").removesuffix(".py").replace("/", ".")), attribute)()


async def test_every_step_is_drawn_and_a_text_becomes_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_MODEL", "offline:rules")
    graph = _named()
    drawn = {name.split(":")[-1] for name in graph.get_graph(xray=True).nodes}  # type: ignore[attr-defined]
    assert set(STEPS) <= drawn
    assert set(graph.get_input_jsonschema()["properties"]) == {"requirements"}  # type: ignore[attr-defined]
    assert "model" in graph.get_output_jsonschema()["properties"]  # type: ignore[attr-defined]
    ended = await graph.ainvoke({"requirements": "A member borrows a book.\nA member returns the book."})  # type: ignore[attr-defined]
    assert [len(context["aggregates"]) for context in ended["model"]["bounded_contexts"]] == [1]
    assert ended["told"]
