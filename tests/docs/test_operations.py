"""The operator's pages have a line for every log event, alert and metric of the product, in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ("poller", "executor", "process", "devkit")
LEVELS = {"debug", "log", "info", "warning", "error", "exception", "critical"}
PAGES = ("operations.md", "operations.ko.md")


@cache
def _events() -> frozenset[str]:
    return frozenset(event for program in PROGRAMS for event in _events_of(ROOT / program))


def _events_of(program: Path) -> Iterator[str]:
    for file in program.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and (_logs(node.func) or _is_boundary(node.func)):
                event = node.args[1 if _is_second(node.func) else 0]
                if (program.name, file.name, ast.unparse(event)) == ("poller", "errors.py", "event"):
                    continue  # within the boundary, whose callers name it
                assert isinstance(event, ast.Constant), f"{file}:{node.lineno}: an event is a plain word"
                yield str(event.value)


def _logs(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute) or function.attr not in LEVELS:
        return False
    return ast.unparse(function.value) in ("log", "self._log")


def _is_boundary(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and function.id == "faults"


def _is_second(function: ast.expr) -> bool:
    """The boundary is given a log before it, and `log.log` a level."""
    return _is_boundary(function) or (isinstance(function, ast.Attribute) and function.attr == "log")


def _alerts() -> set[str]:
    template = (ROOT / "charts/eventstorming/templates/alerts.yaml").read_text("utf-8")
    return set(re.findall(r"- alert: (\w+)", template))


def _metrics() -> set[str]:
    """As the programs declare them; a counter is exposed with `_total`."""
    names = set()
    for file in ROOT.glob("*/metrics.py"):
        names |= set(
            re.findall(r"\"(?:eventstorming_)?([a-z_]+(?:_seconds|_total|_bytes))\"", file.read_text("utf-8"))
        )
    return names


def test_the_sources_are_really_read() -> None:
    assert len(_events()) > 40
    assert len(_alerts()) == 12
    assert "pickup_seconds" in _metrics()


def test_events_are_named_alike() -> None:
    assert [event for event in _events() if not re.fullmatch(r"[a-z]+\.[a-z_]+", event)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_log_event_has_its_line_and_no_line_is_left_over(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    _, events = re.split(r"^## (?:Log events|로그 이벤트)$", text, flags=re.MULTILINE)
    section, *_ = re.split(r"^## ", events, flags=re.MULTILINE)
    described = set(re.findall(r"`([a-z]+\.[a-z_]+)`", section))
    assert described == _events()


@pytest.mark.parametrize("page", PAGES)
def test_every_alert_has_a_chapter_under_the_name_the_runbook_links(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    chapters = set(re.findall(r"^### (Eventstorming\w+)$", text, re.MULTILINE))
    assert chapters == _alerts()


@pytest.mark.parametrize("page", PAGES)
def test_every_metric_is_explained(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    missing = [name for name in _metrics() if f"eventstorming_{name}" not in text]
    assert missing == []
