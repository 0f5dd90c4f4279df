"""The picture of who may import whom is that of the contracts."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NODE = re.compile(r"(\w+)\[([^\]]+)\]")


def contracted(package: str) -> list[set[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (found,) = (each for each in contracts if each["type"] == "layers" and each["containers"] == [package])
    return [set(layer.split(" | ")) for layer in found["layers"]]


def drawn(package: str) -> list[str]:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    found = re.search(
        rf"^  subgraph {package}\n    direction TB\n(.*?)^  end$", page, re.DOTALL | re.MULTILINE
    )
    assert found is not None
    return found[1].splitlines()


@pytest.mark.parametrize("package", ["poller", "executor", "process"])
def test_the_boxes_are_the_layers_and_each_leads_to_the_next(package: str) -> None:
    lines = drawn(package)
    boxes = {name: set(inside.split(", ")) for line in lines for name, inside in NODE.findall(line)}
    assert list(boxes.values()) == contracted(package)
    arrows = [
        pair for line in lines for pair in pairwise(re.findall(r"(\w+)(?:\[[^\]]+\])?(?= -->|$)", line))
    ]
    assert arrows == list(pairwise(boxes))
