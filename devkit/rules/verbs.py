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
    table: dict[str, list[tuple[Verb, Form]]] = {}
    for kind, rest in lexicon.entries("english_verbs.txt"):
        for entry in rest.split():
            for word, verb, form in _inflected(entry, kind):
                if all((verb.base, form) != (other.base, known) for other, known in table.get(word, [])):
                    table.setdefault(word, []).append((verb, form))
    return {word: tuple(found) for word, found in table.items()}


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
    tail = sign + particle
    past, part = tenses.simple_past(root) + tail, tenses.participle(root) + tail
    verb = Verb(base, part, kind)
    words = (base, tenses.third_person(root) + tail, past, part, tenses.gerund(root) + tail)
    listed: list[tuple[str, Verb, Form]] = [
        (word, verb, form) for word, form in zip(words, get_args(Form), strict=True)
    ]
    if root.endswith("l") and past.endswith("lled"):
        listed += [(root + "ed" + tail, verb, "past"), (root + "ed" + tail, verb, "part")]
    return listed
