"""A page as EventCatalog reads it: front matter, then Markdown in which nothing of the model is code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from poller.board.text import escaped_markdown
from poller.board.wall import title_of
from poller.exports._schemas import Json, flat
from poller.resolved import Node

VERSION: Final = "1.0.0"
GRAPH: Final = "<NodeGraph />"


def pointer(name: str) -> Json:
    """To what has this id."""
    return {"id": name, "version": VERSION}


def head(identity: str, node: Node, summary: str) -> Json:
    """What every page says of itself first."""
    said = flat(summary) if summary.strip() else ""
    return filled(id=identity, name=flat(title_of(node.message)), version=VERSION, summary=said)


def filled(**members: Any) -> Json:
    """Those that have a value."""
    return {name: value for name, value in members.items() if value}


def page(head: Json, *blocks: str) -> str:
    """Front matter in YAML, each value as JSON, which YAML includes; then Markdown."""
    lines = [_yaml(name, value) for name, value in head.items() if value]
    return "\n\n".join(["\n".join(["---", *lines, "---"]), *filter(None, blocks)]) + "\n"


def _yaml(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "\n".join([f"{name}:", *(f"  - {json.dumps(item, ensure_ascii=False)}" for item in value)])
    return f"{name}: {json.dumps(value, ensure_ascii=False)}"


def listed(title: str, texts: Iterable[str]) -> str:
    """Every text of the model is in a heading or an item of a list: nothing of it is code."""
    rows = "\n".join(f"- {_escaped(text)}" for text in texts)
    return f"## {_escaped(title)}\n\n{rows}" if rows else ""


def _escaped(text: str) -> str:
    """Also where MDX reads code, and EventCatalog directives and references."""
    return re.sub(r"[{}:]", r"\\\g<0>", escaped_markdown(text.replace("[[", "[ ["))) or "–"
