"""Turns a step's constant text and a job's data into the two messages of a question, and back again.

A step's constant part is `prompts/<step>.md`. The job's part is a list of named blocks between markers; text inside a block
is data, never instruction. `read_blocks` is the inverse: the embedded language model reads its data with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

_BLOCK = re.compile(r"^<<<(?P<name>[a-z_]+)\n(?P<body>.*?)\n>>>(?P=name)$", re.MULTILINE | re.DOTALL)


@cache
def constant(step: str) -> str:
    """The constant part of a step: role, task, rules, one example."""
    return resources.files("executor.graph").joinpath("prompts", f"{step}.md").read_text("utf-8")


def blocks(data: Mapping[str, Any]) -> str:
    """One block per entry, in the given order. Text stays text; everything else becomes compact, sorted JSON."""
    return "\n".join(f"<<<{name}\n{_body(value)}\n>>>{name}" for name, value in data.items())


def read_blocks(user: str) -> dict[str, Any]:
    """The data of `blocks`: JSON bodies decoded, text bodies as they were."""
    return {found["name"]: _value(found["body"]) for found in _BLOCK.finditer(user)}


def _body(value: Any) -> str:
    if isinstance(value, str):
        return "\n".join(f"|{line}" for line in value.split("\n"))
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _value(body: str) -> Any:
    if body.startswith("|"):
        return "\n".join(line[1:] for line in body.split("\n"))
    return json.loads(body)
