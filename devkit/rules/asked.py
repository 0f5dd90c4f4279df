"""What a question carries, read from its blocks: every member may be missing, nothing is trusted to be there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from devkit.rules import naming, reader
from devkit.rules.facts import Facts, Place, Term

Blocks = Mapping[str, Any]
Lines = Sequence[tuple[int, str]]
_NUMBERED = re.compile(r"(\d+):[ \t]?(.*)$")
_DESCRIBED = re.compile(
    r"(?P<name>.+?)(?: \((?P<alias>.*?)\))?(?: by (?P<actor>.+?))?(?: -> (?P<emits>.+)|: (?P<shows>.*))?$"
)


def lines(blocks: Blocks) -> tuple[tuple[int, str], ...]:
    """The numbered lines of the question's text; where numbers are left out, a blank line."""
    block = blocks.get("lines", "")
    return _lines(block) if isinstance(block, str) else ()


@lru_cache(maxsize=8)
def _lines(block: str) -> tuple[tuple[int, str], ...]:
    found: list[tuple[int, str]] = []
    for match in filter(None, map(_NUMBERED.match, block.split("\n"))):
        number = int(match[1])
        if found and number > found[-1][0] + 1:
            found.append((number - 1, ""))
        found.append((number, match[2]))
    return tuple(found)


def facts(blocks: Blocks) -> Facts:
    return reader.read(lines(blocks))


def korean(blocks: Blocks) -> bool:
    return str(blocks.get("language", "")).lower().startswith("ko")


def given(blocks: Blocks, name: str) -> dict[str, Any]:
    """A block that is one object."""
    found = blocks.get(name)
    return found if isinstance(found, dict) else {}


def terms(items: object) -> list[Term]:
    """Named things of a block: plain names, or objects with name and alias."""
    found = [_term(item) for item in items] if isinstance(items, (list, dict)) else []
    return [term for term in found if term.name]


def listed(items: object) -> list[dict[str, Any]]:
    """The objects of a block."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def texts(items: object) -> list[str]:
    """The texts of a block."""
    return [item for item in items if isinstance(item, str)] if isinstance(items, list) else []


def described(said: str) -> dict[str, Any]:
    """A command, read model or part as prompts describe it."""
    found = _DESCRIBED.match(said)
    parts = found.groupdict("") if found else dict.fromkeys(("alias", "actor", "emits"), "")
    name, emits = parts.get("name") or said, parts["emits"].split(" | ")
    return {**parts, "name": name, "emits": list(filter(None, emits))}


def numbers(found: Iterable[int]) -> str:
    """Line numbers as an answer names them."""
    return ",".join(map(str, dict.fromkeys(found)))


def where(places: Iterable[Place], most: int = 4) -> str:
    """The lines of the first places, as an answer names them."""
    return numbers(place.line for place in list(dict.fromkeys(places))[:most])


def _term(item: object) -> Term:
    if isinstance(item, dict):
        name = str(item.get("name") or "")
        return Term(name, str(item.get("alias") or "") or naming.title(name))
    return Term(str(item), naming.title(str(item)))
