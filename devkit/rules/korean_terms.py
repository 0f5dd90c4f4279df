"""Korean words to English names: a small dictionary of business words, compounds by longest match, else romanised."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from devkit.rules import lexicon, naming, verbs
from devkit.rules.facts import Term
from devkit.rules.verbs import Verb
from executor.graph.identifiers import pascal

FILE = "korean_words.txt"


def words(name: str) -> frozenset[str]:
    return lexicon.words(FILE, name)


@cache
def dictionary() -> dict[str, str]:
    """Nouns and attributes; where a noun is missing, the noun of a verb stands in."""
    return lexicon.pairs(FILE, "noun") | lexicon.pairs(FILE, "attribute")


def is_known(word: str) -> bool:
    return word in dictionary() or word in verb_nouns()


@cache
def verb_nouns() -> dict[str, str]:
    """Verb nouns and what is done again: 재스캔."""
    listed = lexicon.pairs(FILE, "verb") | lexicon.pairs(FILE, "query") | lexicon.pairs(FILE, "notify")
    again = {f"재{noun}": f"re{verb}" for noun, verb in listed.items() if not re.match("re|.*_", verb)}
    return again | listed


def english(word: str) -> str:
    """PascalCase English for a word or compound written together."""
    known = dictionary()
    if word in known:
        return known[word]
    if verb := verb_nouns().get(word):
        again = word[0] == "재" and verb == f"re{verb_nouns().get(word[1:])}" and verb not in _nouns()
        return f"Re{english(word[1:]).lower()}" if again else naming.pascal(_nouns().get(verb, verb))
    if pieces := _head(word):
        ends = lexicon.pairs(FILE, "suffix")
        return _together([english(p) if is_known(p) and p not in ends else ends[p] for p in pieces])
    return naming.pascal(word) if word.isascii() else pascal(word)


@cache
def _nouns() -> dict[str, str]:
    """The noun of an English verb: collection, of collect."""
    return {verb: noun for noun, verb in reversed(lexicon.pairs("english_words.txt", "nominal").items())}


def _has_english(word: str) -> bool:
    return word.isascii() or is_known(word) or bool(_head(word)) or word in words("skip")


def _head(word: str) -> tuple[str, ...]:
    """A compound in dictionary words; where its beginning is unknown, what it is a kind of: of 전자계약 계약."""
    rests = (_split(word[start:]) for start in (0, *range(2, len(word) - 1)))
    end = (word[-1],) if len(word) > 2 and word[-1] in ("료", "비", "금") else ()  # 기공료
    return next(filter(None, rests), end)


def is_skipped(word: str) -> bool:
    """`정상 처리`: a word that names nothing."""
    return word in words("skip") and not is_known(word)


def unknown(words_of: tuple[str, ...]) -> str:
    """The first word that has no English; "" when all have."""
    return next((w for w in words_of if not _has_english(w)), "")


def listed(word: str) -> tuple[str, ...]:
    """`결제내역`: a list and what is in it, two words."""
    end = next((end for end in ("내역", "이력", "현황", "목록", "정보", "명단") if word.endswith(end)), "")
    rest = word.removesuffix(end)
    return (rest, end) if end and is_known(rest) and not is_known(word) else (word,)


def term(words_of: tuple[str, ...], *, plural: bool = False) -> Term:
    """A concept from the words of a noun phrase."""
    known = [word for word in words_of if _has_english(word) and not is_skipped(word)] or words_of
    return Term(_together([english(word) for word in _joined(known)]), " ".join(words_of), plural)


def _together(pieces: Sequence[str]) -> str:
    """One name of them: `결제 대금` is one payment."""
    pairs = zip(pieces, ("", *pieces), strict=False)
    return "".join(piece for piece, before in pairs if not before.endswith(piece))


def _joined(words_of: Sequence[str]) -> Iterator[str]:
    """`회원 자격` is what the dictionary has in one word."""
    i = 0
    while i < len(words_of):
        both = "".join(words_of[i : i + 2])
        step = 2 if i + 1 < len(words_of) and both in dictionary() else 1
        yield both if step == 2 else words_of[i]
        i += step


def verb_of(noun: str) -> Verb:
    """The English verb of a verb noun."""
    base = verb_nouns().get(noun)
    return english_verb(base) if base else Verb("", "", "unknown")


def english_verb(base: str) -> Verb:
    return verbs.as_form(base, "base") or verbs.guessed(base)


def value(word: str) -> str:
    """A value of an enumeration in English capitals."""
    joined = word.replace(" ", "")
    known = lexicon.pairs(FILE, "value")
    if joined in known:
        return known[joined]
    if word.isascii():
        return naming.upper_snake(word)
    return naming.upper_snake(english(joined))


@cache
def is_attribute(word: str) -> bool:
    """Whether a word, or the end of a compound, names an attribute rather than a thing."""
    listed = lexicon.pairs(FILE, "attribute")
    return word in listed or any(word.endswith(name) and len(name) > 1 for name in listed)


@cache
def is_person(word: str) -> bool:
    """A role, or what ends like one; no 서류심사, 보관대장, whose last word is none."""
    if word in words("role"):
        return True
    none = words("not_person") | verb_nouns().keys()
    if word in none or any(word[i:] in none and is_known(word[:i]) for i in range(2, len(word) - 1)):
        return False
    return len(word) > 1 and word.endswith(tuple(words("person_end")))


def _split(word: str) -> tuple[str, ...]:
    """A compound as dictionary words, the longest first; nothing when a piece is unknown."""
    ends = lexicon.pairs(FILE, "suffix")
    for length in range(len(word), 0, -1):
        piece, rest = word[:length], word[length:]
        if is_known(piece) and (length > 1 or not rest):
            tail = (rest,) if rest in ends else _split(rest)
            if tail or not rest:
                return (piece, *tail)
    return ()
