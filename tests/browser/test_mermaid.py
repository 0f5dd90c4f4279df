"""Every diagram we export, parsed and drawn by mermaid itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from poller.exports.mermaid import diagrams
from tests.browser.mermaid import library
from tests.browser.window import PICTURES, window
from tests.poller.board.conftest import clinic_model, hostile_model, library_model

DRAW = """async (source) => {
  mermaid.initialize({ startOnLoad: false, securityLevel: 'strict', maxTextSize: 1e6 });
  const parsed = await mermaid.parse(source);
  const { svg } = await mermaid.render('drawn', source);
  document.body.innerHTML = svg;
  return [parsed.diagramType, document.querySelectorAll('.node').length, document.body.textContent];
}"""


async def test_mermaid_itself_draws_every_diagram_and_hostile_labels_are_text(tmp_path: Path) -> None:
    bundle = library(tmp_path)
    if bundle is None:
        pytest.skip("mermaid is not in .tools and npm cannot fetch it")
    models = {
        "library": library_model(),
        "clinic": clinic_model(),
        "hostile": hostile_model(),
    }
    async with window() as shown:
        await shown.page.goto("about:blank")
        await shown.page.add_script_tag(path=bundle)
        for name, model in models.items():
            for number, source in enumerate(diagrams(model).values()):
                kind, nodes, text = await shown.js(DRAW, source)
                assert kind.startswith("flowchart")
                assert nodes >= 1
                if name == "library" and number == 2:
                    assert "Borrow a copy" in text
                    await shown.page.screenshot(path=PICTURES / "mermaid.png")
                if name == "hostile":
                    assert await shown.js("document.querySelectorAll('body script, body img').length") == 0
        assert "<script>alert(1)</script>" in text
        assert [said for said in shown.complaints if "dialog" in said] == []
