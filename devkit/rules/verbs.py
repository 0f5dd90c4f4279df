"""English verbs: their forms by rule, their kinds from the lexicon, and guesses for verbs nobody listed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from devkit.rules import lexicon

Form = Literal["base", "s", "past", "part", "ing"]

_ONE_SYLLABLE = re.compile(r"^[^aeiou]*[aeiou][^aeiouwxy]$")
_DOUBLES = lexicon.words("english_words.txt", "doubles")
_KEEPS_E = re.compile(
    r"(?:[^aeiou]at|[iu]at|[iy]z|[^ae]iz|v|c|[^s]s|u|[dr]g|ag|ng|ir|ur|ar|or|bl|fl|pl|tl|id|ud|ut|it|in|uir|os|ak|ik|im|am|om|il|ol|ul)$"
)
_NO_E = re.compile(
    r"(?:en|er|ain|ein|on|iew|oin|ert|est|ist|ect|act|ept|and|end|ind|ait|eat|oat|out|eed|oad|ead|ail|eal|oil|ook|eek|air|ear|our|elp|isit|edit|imit|osit|ibit|redit|udit|orbit|ecruit|unit|emain|ermin|lock|pack|sign|gain|nswer|lter|tch|sh|ch|turn|earn|orm|irm|ll|ss|x|w|y|h|orn|own|awn|pin|ain|exit|aim|oom|eem|ool|eel|lan|van|tor|xplor.)$"
)

NOUNS_IN_ING = lexicon.words("english_words.txt", "noun_in_ing")


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


def as_form(word: str, *wanted: Form) -> Verb | None:
    """The listed verb that the word is a wanted form of."""
    return next((verb for verb, form in forms().get(word.lower(), ()) if form in wanted), None)


def guessed(base: str) -> Verb:
    """A verb nobody listed, met where only a verb can stand."""
    return Verb(base, _ed(base), "update")


def guessed_from_ed(word: str) -> Verb | None:
    """`fumigated` -> fumigate; for participles of verbs nobody listed."""
    low = word.lower()
    if not low.endswith("ed") or len(low) < 5 or low.endswith("eed"):
        return None
    return Verb(_stem(low), low, "update")


def guessed_from_s(word: str) -> Verb:
    """`fumigates` -> fumigate; for third persons of verbs nobody listed."""
    low = word.lower()
    if low.endswith("ies"):
        return guessed(low[:-3] + "y")
    return guessed(low[:-2] if low.endswith(("ches", "shes", "sses", "xes")) else low[:-1])


def _stem(word: str) -> str:
    stem = word[:-2]
    if word.endswith("ied"):
        return word[:-3] + "y"
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsz":
        return stem[:-1]
    if _KEEPS_E.search(stem) and not _NO_E.search(stem):
        return stem + "e"
    return stem


def _inflected(entry: str, kind: str) -> list[tuple[str, Verb, Form]]:
    base, *irregular = entry.split("/")
    root, _, particle = base.partition("_")
    tail = f"_{particle}" if particle else ""
    past = irregular[0] if irregular else _ed(root) + tail
    part = irregular[1] if len(irregular) > 1 else past
    verb = Verb(base, part, kind)
    listed: list[tuple[str, Verb, Form]] = [
        (base, verb, "base"),
        (_s(root) + tail, verb, "s"),
        (past, verb, "past"),
        (part, verb, "part"),
        (_ing(root) + tail, verb, "ing"),
    ]
    if root.endswith("l") and not irregular:
        listed += [(root + "ed" + tail, verb, "past"), (root + "ed" + tail, verb, "part")]
    return listed


def _s(root: str) -> str:
    if root.endswith("y") and root[-2:-1] not in "aeiou":
        return root[:-1] + "ies"
    return root + ("es" if root.endswith(("s", "x", "z", "ch", "sh", "o")) else "s")


def _ed(root: str) -> str:
    if root.endswith("e"):
        return root + "d"
    if root.endswith("y") and root[-2:-1] not in "aeiou":
        return root[:-1] + "ied"
    return (root + root[-1] if _doubles(root) else root) + "ed"


def _ing(root: str) -> str:
    if root.endswith("e") and not root.endswith("ee"):
        return root[:-1] + "ing"
    return (root + root[-1] if _doubles(root) else root) + "ing"


def _doubles(root: str) -> bool:
    return bool(_ONE_SYLLABLE.match(root)) or root in _DOUBLES
