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
_DESCRIBED = re.compile(r"(?P<name>.+?)(?: \((?P<alias>.*?)\))?(?: by .+?)?(?: -> (?P<emits>.+)|: .*)?$")


def lines(blocks: Blocks) -> tuple[tuple[int, str], ...]:
    """The numbered lines of the question's text; where numbers are left out, a blank line."""
    return _lines(str(blocks.get("lines", "")))


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
    found = items if isinstance(items, (list, dict)) else []
    named = [one if isinstance(one, dict) else {"name": one} for one in found]
    pairs = [(str(one.get("name") or ""), str(one.get("alias") or "")) for one in named]
    return [Term(name, alias or naming.title(name)) for name, alias in pairs if name]


def listed(items: object) -> list[dict[str, Any]]:
    """The objects of a block."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def texts(items: object) -> list[str]:
    """The texts of a block."""
    return [item for item in items if isinstance(item, str)] if isinstance(items, list) else []


def described(said: str) -> dict[str, Any]:
    """A command, read model or part as prompts describe it: its name, its alias, what it emits."""
    found = _DESCRIBED.match(said)
    parts = found.groupdict("") if found else {"name": said, "emits": ""}
    return {**parts, "emits": list(filter(None, parts["emits"].split(" | ")))}


def numbers(found: Iterable[int]) -> str:
    """Line numbers as an answer names them."""
    return ",".join(map(str, dict.fromkeys(found)))


def where(places: Iterable[Place], most: int = 4) -> str:
    """The lines of the first places, as an answer names them."""
    return numbers(place.line for place in list(dict.fromkeys(places))[:most])
