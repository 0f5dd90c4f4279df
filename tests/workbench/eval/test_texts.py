"""The texts of `make eval`: whatever somebody wrote, the rules read it."""

from __future__ import annotations

import pytest

from devkit.rules import reader
from workbench.eval.scoring import GROUPS, TEXTS, expectations


@pytest.mark.parametrize("group", GROUPS)
def test_every_text_is_read(group: str) -> None:
    for name, expected in expectations(group).items():
        lines = (TEXTS / group / name).read_text("utf-8").split("\n")

        facts = reader.read(tuple(enumerate(lines, 1)))

        assert facts.every_action() or facts.tables or not expected.get("commands")
