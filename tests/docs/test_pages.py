"""The pages say what is true: links lead somewhere, settings are those of the programs, commands exist."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import executor.settings
import poller.settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "charts" / "eventstorming" / "README.md"]
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_somewhere(page: Path) -> None:
    lost = [target for target in links(page.read_text()) if not leads_somewhere(page, target)]
    assert not lost


def links(text: str) -> Iterator[str]:
    for found in LINK.finditer(FENCE.sub("", text)):
        target = found[1] or found[2]
        if not re.match(r"[a-z]+:", target):
            yield target


def leads_somewhere(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    end = (page.parent / path).resolve() if path else page
    if not anchor or end.suffix != ".md":
        return end.exists()
    return end.exists() and anchor in anchors(end.read_text())


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings, and those written by hand."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", head).lower() for head in heads)
    made = {re.sub(r"[^\w\- ]", "", head).strip().replace(" ", "-") for head in plain}
    return made | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


def test_the_settings_page_has_every_setting_and_no_other() -> None:
    rows = re.findall(r"^\| (`[^|]*) \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", row)}
    fields = {*poller.settings.Settings.model_fields, *executor.settings.Settings.model_fields}
    elsewhere = {"JOBS_TARGET", "LANGSMITH_TRACING", "LANGSMITH_PROJECT", "LANGSMITH_API_KEY"}
    assert told == {field.upper() for field in fields} | elsewhere


@pytest.mark.heavy
def test_the_make_targets_that_pages_name_exist() -> None:
    listed = subprocess.run(["make", "-qp"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    targets = set(re.findall(r"^([a-z][\w-]*):(?!=)", listed, re.MULTILINE))
    for page in PAGES:
        for names in re.findall(r"(?:`|^)make((?: [a-z][a-z-]*)+)", page.read_text(), re.MULTILINE):
            unknown = set(names.split()) - targets
            assert not unknown, f"{relative(page)} names make{names}"
