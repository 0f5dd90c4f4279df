"""English verbs: their kinds from the lexicon, their forms from the one table, and guesses for verbs nobody listed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from devkit.rules import lexicon
from executor import tenses

Form = Literal["base", "s", "past", "part", "ing"]


@dataclass(frozen=True, slots=True)
class Verb:
    """`base` may carry a particle (look_up); `participle` is the event's word."""

    base: str
    participle: str
    kind: str


@cache
def forms() -> dict[str, tuple[tuple[Verb, Form], ...]]:
    """Every form of every listed verb; a word can be a form of several (found, saw)."""
    table: dict[str, dict[tuple[str, Form], tuple[Verb, Form]]] = {}
    for kind, rest in lexicon.entries("english_verbs.txt"):
        for entry in rest.split():
            for word, verb, form in _inflected(entry, kind):
                table.setdefault(word, {}).setdefault((verb.base, form), (verb, form))
    return {word: tuple(found.values()) for word, found in table.items()}


def plain() -> set[str]:
    """The first words of listed verbs, in the base form."""
    return {word.partition("_")[0] for word, found in forms().items() if found[0][1] == "base"}


def as_form(word: str, *wanted: Form) -> Verb | None:
    """The listed verb that the word is a wanted form of."""
    return next((verb for verb, form in forms().get(word.lower(), ()) if form in wanted), None)


def guessed(base: str) -> Verb:
    """A verb nobody listed, met where only a verb can stand; perhaps with a particle."""
    root, sign, particle = base.partition("_")
    return Verb(base, tenses.participle(root) + sign + particle, "update")


def guessed_from_ed(word: str) -> Verb | None:
    """`fumigated` -> fumigate; for participles of verbs nobody listed."""
    low = word.lower()
    base = tenses.base_of(low) if low.endswith("ed") else None
    return Verb(base, low, "update") if base else None


def _inflected(base: str, kind: str) -> list[tuple[str, Verb, Form]]:
    root, sign, particle = base.partition("_")
    past, part = tenses.simple_past(root), tenses.participle(root)
    verb = Verb(base, part + sign + particle, kind)
    words = (root, tenses.third_person(root), past, part, tenses.gerund(root))
    listed = list(zip(words, get_args(Form), strict=True))
    if root.endswith("l") and past.endswith("lled"):
        listed += [(f"{root}ed", "past"), (f"{root}ed", "part")]
    return [(word + sign + particle, verb, form) for word, form in listed]
