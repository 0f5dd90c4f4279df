"""Every answer's JSON schema lies in the subset that strict structured output allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from executor.graph import answers

SCHEMAS = [
    schema
    for name, schema in vars(answers).items()
    if isinstance(schema, type) and issubclass(schema, BaseModel) and name.endswith("Answer")
]
KEYWORDS = {
    *(
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "anyOf",
        "$ref",
        "$defs",
    ),
    *("description", "title"),
}
MOST_LEVELS = 10
MOST_PROPERTIES = 5000


def _nodes(node: Any, schema: Any, level: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
    if "$ref" in node:
        yield from _nodes(schema["$defs"][node["$ref"].rsplit("/", 1)[1]], schema, level)
        return
    yield node, level
    for child in node.get("properties", {}).values():
        yield from _nodes(child, schema, level + 1)
    for child in (*node.get("anyOf", ()), *([node["items"]] if "items" in node else [])):
        yield from _nodes(child, schema, level + 1)


@pytest.mark.parametrize("answer", SCHEMAS, ids=lambda schema: schema.__name__)
def test_a_schema_is_in_the_strict_subset(answer: type[BaseModel]) -> None:
    schema = answer.model_json_schema()
    assert schema["type"] == "object"
    nodes = list(_nodes(schema, schema))
    assert sum(len(node.get("properties", ())) for node, _ in nodes) <= MOST_PROPERTIES
    for node, level in nodes:
        assert set(node) <= KEYWORDS
        assert level <= MOST_LEVELS
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert sorted(node["required"]) == sorted(node["properties"])


def test_there_are_schemas_for_all_steps() -> None:
    assert len(SCHEMAS) >= 11
