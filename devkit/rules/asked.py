"""What a question carries, read from its blocks: every member may be missing, nothing is trusted to be there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devkit.rules import naming, reader, text
from devkit.rules.facts import Facts, Place, Term
from devkit.rules.forms import Source

Blocks = Mapping[str, Any]


def lines(blocks: Blocks) -> tuple[tuple[int, str], ...]:
    """The numbered lines of the question's text; where numbers are left out, a blank line."""
    block = blocks.get("lines", "")
    found: list[tuple[int, str]] = []
    for number, line in text.numbered(block) if isinstance(block, str) else ():
        if found and number > found[-1][0] + 1:
            found.append((number - 1, ""))
        found.append((number, line))
    return tuple(found)


def facts(blocks: Blocks) -> Facts:
    return reader.read(lines(blocks))


def korean(blocks: Blocks) -> bool:
    return str(blocks.get("language", "")).lower().startswith("ko")


def terms(items: object) -> list[Term]:
    """Named things of a block: plain names, or objects with name and alias."""
    if not isinstance(items, list):
        return []
    return [term for term in (_term(item) for item in items) if term.name]


def listed(items: object) -> list[dict[str, Any]]:
    """The objects of a block."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def sources(places: list[Place], most: int = 4) -> list[Source]:
    """Places as an answer names them."""
    unique = list(dict.fromkeys(places))[:most]
    return [Source(line=place.line, quote=place.quote) for place in unique]


def _term(item: object) -> Term:
    if isinstance(item, dict):
        name = str(item.get("name") or "")
        return Term(name, str(item.get("alias") or "") or naming.title(name))
    return Term(str(item), naming.title(str(item)))
