"""axe-core, which looks for what keeps people out of a page; fetched once with npm into .tools, like mermaid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.mermaid import packed
from tests.browser.window import Window

GRAVE = ("critical", "serious")


async def grave(shown: Window, scratch: Path) -> list[Any]:
    """Critical and serious violations on the page: rule, how many, the first one's markup. Skips without axe-core."""
    script = packed("axe-core", "4.10.3", "package/axe.min.js", scratch)
    if script is None:
        pytest.skip("axe-core is needed, and npm could not fetch it")
    await shown.js(f"(() => {{ {script.read_text('utf-8')} }})()")
    found: list[Any] = await shown.js(
        "axe.run().then(({ violations }) => violations.map((each) =>"
        " [each.impact, each.id, each.nodes.length, each.nodes[0].html.slice(0, 200)]))"
    )
    print(f"axe-core: {len(found)} findings: {[(impact, rule, count) for impact, rule, count, _ in found]}")
    return [each for each in found if each[0] in GRAVE]
