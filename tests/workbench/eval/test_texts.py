"""The texts of `make eval`: whatever somebody wrote, the rules read it."""

from __future__ import annotations

from typing import Any

import pytest

from devkit.rules import reader
from workbench.eval.scoring import GROUPS, TEXTS, expectations

EVERY = [(group, name, expected) for group in GROUPS for name, expected in expectations(group).items()]


@pytest.mark.parametrize(
    ("group", "name", "expected"), EVERY, ids=[f"{group}-{name}" for group, name, _ in EVERY]
)
def test_every_text_is_read(group: str, name: str, expected: dict[str, Any]) -> None:
    lines = (TEXTS / group / name).read_text("utf-8").split("\n")

    facts = reader.read(tuple(enumerate(lines, 1)))

    assert facts.every_action() or facts.tables or not expected.get("commands")
