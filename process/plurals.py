"""English nouns in the singular and the plural, the one table of them; plurals of names in any case. Rules and a list, no dictionary."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_COUNTED: Final = """
person/people child/children man/men woman/women foot/feet tooth/teeth mouse/mice goose/geese ox/oxen
criterion/criteria phenomenon/phenomena index/indices matrix/matrices vertex/vertices appendix/appendices
knife/knives wife/wives life/lives leaf/leaves shelf/shelves half/halves wolf/wolves loaf/loaves thief/thieves
calf/calves self/selves hero/heroes potato/potatoes tomato/tomatoes echo/echoes veto/vetoes torpedo/torpedoes
embargo/embargoes cargo/cargoes quiz/quizzes cache/caches headache/headaches ache/aches niche/niches
avalanche/avalanches movie/movies cookie/cookies pie/pies tie/ties zombie/zombies calorie/calories
selfie/selfies bus/buses gas/gases canvas/canvases alias/aliases atlas/atlases bias/biases lens/lenses
menu/menus guru/gurus emu/emus axe/axes die/dies shoe/shoes toe/toes canoe/canoes taxi/taxis ski/skis
alibi/alibis bikini/bikinis kiwi/kiwis kpi/kpis api/apis basis/bases thesis/theses hypothesis/hypotheses
parenthesis/parentheses synthesis/syntheses axis/axes diagnosis/diagnoses prognosis/prognoses crisis/crises
analysis/analyses oasis/oases iris/irises
"""
_PLURALS: Final = {one: many for one, _, many in (pair.partition("/") for pair in _COUNTED.split())}
_SINGULARS: Final = {many: one for one, many in _PLURALS.items()} | {
    "indexes": "index",
    "vertexes": "vertex",
    "axes": "axis",
}
_SAME: Final = _set("""
series species news equipment information staff stock data feedback money software hardware inventory
furniture advice luggage baggage mail merchandise food access media sheep fish aircraft means chaos premises dues proceeds earnings savings belongings customs headquarters goods clothes
""")
_COMPOUNDED: Final = ("woman", "man", "person", "child", "shelf", "life", "wife", "knife")
_NOT_COMPOUNDED: Final = _set("""
human humans german roman
""")
_SINGULAR_S = re.compile(r"(?:ss|us|is)$")


@cache
def singular(word: str) -> str:
    """A lower-case noun in the singular; one that is singular stays."""
    if word in _SINGULARS:
        return _SINGULARS[word]
    if word in _SAME or word in _PLURALS or len(word) < 4:
        return word
    if whole := _ends_in(word, (_PLURALS[one] for one in _COMPOUNDED)):
        return word[: -len(whole)] + _SINGULARS[whole]
    if not word.endswith("s") or _SINGULAR_S.search(word):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if re.search(r"(?:ss|x|zz|tz|ch|sh)es$", word) or (
        re.search(r"(?<![aeo])(?<![cf])uses$", word) and word != "uses"
    ):
        return word[:-2]
    return word[:-1]


@cache
def many(word: str) -> str:
    """A lower-case noun in the plural; a plural stays."""
    if word in _SAME or word in _SINGULARS or singular(word) != word:
        return word
    if word in _PLURALS:
        return _PLURALS[word]
    if found := _ends_in(word, _COMPOUNDED):
        return word[: -len(found)] + _PLURALS[found]
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    if word.endswith("sis"):
        return f"{word[:-2]}es"
    if re.search(r"[^aeiouz]z$|[sx]$|[cs]h$|zz$", word):
        return f"{word}es"
    return f"{word}zes" if word.endswith("z") else f"{word}s"


def _ends_in(word: str, ends: Iterable[str]) -> str:
    """The first of the words that a longer one ends in: salesperson ends in person."""
    return next((one for one in ends if word.endswith(one) and word not in _NOT_COMPOUNDED), "")


def plural(name: str) -> str:
    """The plural of a PascalCase or camelCase noun: Quiz gives Quizzes, LoanItem gives LoanItems; a plural stays."""
    *before, last = re.findall(r"[A-Z]?[^A-Z]+|[A-Z]+", name) or [name]
    low = last.lower()
    counted = many(low) if low else ""
    return "".join(
        (*before, last + counted[len(low) :] if counted.startswith(low) else last[0] + counted[1:])
    )
