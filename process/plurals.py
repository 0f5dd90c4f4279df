"""English plurals of names in any case. Rules and a short list, no dictionary."""

from __future__ import annotations

import re

_IRREGULAR = {
    "person": "people",
    "child": "children",
    "man": "men",
    "woman": "women",
    "foot": "feet",
    "tooth": "teeth",
    "shelf": "shelves",
    "leaf": "leaves",
    "half": "halves",
    "life": "lives",
    "knife": "knives",
}
_SAME = (
    "series",
    "species",
    "news",
    "equipment",
    "information",
    "staff",
    "stock",
    "data",
    "feedback",
    "money",
)


def plural(name: str) -> str:
    """The plural of a PascalCase or camelCase noun: Quiz gives Quizzes, LoanItem gives LoanItems; a plural stays."""
    *before, last = re.findall(r"[A-Z]?[^A-Z]+|[A-Z]+", name) or [name]
    return "".join((*before, _many(last)))


def _many(word: str) -> str:
    low = word.lower()
    if not low or low in _SAME or low in _IRREGULAR.values() or re.search(r"[^isu]s$", low):
        return word
    if low in _IRREGULAR:
        return word[0] + _IRREGULAR[low][1:]
    if low.endswith("is"):
        return f"{word[:-2]}es"
    if re.search(r"[^aeiou]y$", low):
        return f"{word[:-1]}ies"
    if re.search(r"[aeiou]z$", low):
        return f"{word}zes"
    return f"{word}es" if re.search(r"(s|x|z|ch|sh)$", low) else f"{word}s"
