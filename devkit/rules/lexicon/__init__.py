"""Word lists and sentence forms as data files: `name: word word ...` per line, `#` for comments. Read once, on first use."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources


@cache
def entries(file: str) -> tuple[tuple[str, str], ...]:
    """The lines of a file as (name, rest)."""
    text = resources.files(__name__).joinpath(file).read_text("utf-8")
    lines = [line for line in text.splitlines() if ":" in line and not line.startswith("#")]
    return tuple((name.strip(), rest.strip()) for name, _, rest in (line.partition(":") for line in lines))


@cache
def words(file: str, name: str) -> frozenset[str]:
    """The words listed under a name, over all of its lines."""
    return frozenset(_listed(file, name))


@cache
def pairs(file: str, name: str) -> dict[str, str]:
    """The `left=right` entries listed under a name."""
    return dict(word.split("=", 1) for word in _listed(file, name) if "=" in word)


def _listed(file: str, name: str) -> list[str]:
    return [word for key, rest in entries(file) if key == name for word in rest.split()]


@cache
def forms(name: str, **words: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Sentence forms listed under a name, in order, without case, and what is read instead; `<NAME>` are the words given here."""
    found = [
        rest.replace("␣", " ").partition(" =>") for key, rest in entries("sentence_forms.txt") if key == name
    ]
    for word, one in words.items():
        found = [(form.replace(f"<{word}>", one), sign, instead) for form, sign, instead in found]
    return tuple((re.compile(form, re.IGNORECASE), instead[1:]) for form, _, instead in found)


@cache
def pattern(name: str) -> re.Pattern[str]:
    """The forms listed under a name as one, without case."""
    return re.compile(
        "|".join(rest for key, rest in entries("sentence_forms.txt") if key == name), re.IGNORECASE
    )
