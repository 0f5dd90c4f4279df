"""Shallow Korean grammar: words with their particles, predicates with their endings, clauses. Nothing of the business."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Literal

from devkit.rules import lexicon
from devkit.rules.korean_terms import FILE, english_verb, is_known, verb_nouns, verb_of, words
from devkit.rules.verbs import Verb

Ending = Literal["final", "and", "if", "after", "of", "none"]

_WORD = re.compile(r"[가-힣A-Za-z0-9_/&·.-]*[가-힣A-Za-z0-9]|[,;:()\[\]“”\"'‘’]|\S")
_PARTICLE = re.compile(
    r"(에게서|으로부터|로부터|에서는|에게는|에서도|으로만|에는|에서|에게|한테|께서|까지|부터|마다|보다|처럼|만큼|별로|이나|으로|로써|로|에|의|와|과|은|는|이|가|을|를|도|만|나)$"
)
_AFTER_CONSONANT = frozenset(("은", "이", "을", "과", "으로", "이나"))
_AFTER_VOWEL = frozenset(("는", "가", "를", "와", "나"))
_DO = re.compile(
    r"^(?P<noun>[가-힣A-Za-z]*?)(?P<voice>하|한|할|합|해|했|함|되|된|될|됩|돼|됐|됨|시키|시킨|시킬|받는|받은|받을|받고|받으|받아|받습|나|난|났)(?P<rest>|고|며|면|여|여서|여야|어|어서|어야|지|지만|지는|지도|거나|기|기를|는|는데|는지|도록|려면|려고|자마자|면서|다|니다|서|서는|야|을|은|으면|으며|었다|였다|습니다|었을|였을|던|게|러|니까|므로|다가|다면|어도|여도|도|고는|지면|아|아서|아야)$"
)
_ENDINGS: tuple[tuple[re.Pattern[str], Ending], ...] = (
    (re.compile(r"려면$"), "none"),
    (re.compile(r"면$"), "if"),
    (re.compile(r"자마자$"), "if"),
    (re.compile(r"(?:다|요|음|함|됨|기)$"), "final"),
    (
        re.compile(
            r"(?:고|며|면서|거나|어|아|여|해|해서|하여|어서|아서|여서|돼|되어|려고|도록|러|야|져|쳐|겨|려|워|둬|지만|는데)$"
        ),
        "and",
    ),
)
_DOING = re.compile(
    r"^(?:한다|합니다|하고|하며|하면|하여|해야|하는|할|한|된다|됩니다|되면|되고|하였다|했다|함|됨)$"
)
_POSTPOSITIONS = ("통해", "대해", "위해", "인해", "관해", "향해", "비해", "따라", "통합")
_NEGATIVE = re.compile(r"^(?:않|못|없|말아|안$|아니|불가)")


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun phrase with its particle; `of` are the words before 의."""

    words: tuple[str, ...]
    particle: str
    start: int
    end: int
    of: tuple[str, ...] = ()
    plural: bool = False


@dataclass(slots=True)
class Clause:
    """One predicate with the noun phrases before it."""

    verb: Verb
    kind: str
    noun: str
    passive: bool
    ending: Ending
    nouns: list[Noun] = field(default_factory=list)
    bare: tuple[str, ...] = ()
    negative: bool = False
    start: int = 0
    end: int = 0

    def with_particle(self, *particles: str) -> Noun | None:
        return next((noun for noun in reversed(self.nouns) if noun.particle in particles), None)


@dataclass(frozen=True, slots=True)
class _Predicate:
    verb: Verb
    kind: str
    noun: str
    passive: bool
    ending: Ending


def words_of(text: str) -> list[Word]:
    """The words of a sentence; `주문 한다` is one."""
    found: list[Word] = []
    for match in _WORD.finditer(text):
        before = found[-1] if found else None
        if before and before.text in verb_nouns() and _DOING.match(match[0]):
            found[-1] = Word(before.text + match[0], before.start, match.end())
        else:
            found.append(Word(match[0], match.start(), match.end()))
    return found


@lru_cache(maxsize=2048)
def clauses(text: str) -> Sequence[Clause]:
    """The clauses of a sentence in order."""
    return _Parser(words_of(text)).clauses()


@lru_cache(maxsize=4096)
def split_particle(word: str) -> tuple[str, str]:
    """A word without its particle, and the particle; known words stay whole."""
    if is_known(word):
        return word, ""
    found = _PARTICLE.search(word)
    if found is None or found.start() == 0:
        return word, ""
    stem, particle = word[: found.start()], found[1]
    if not _fits(stem[-1], particle) and not (particle in ("을", "를", "은", "는") and is_known(stem)):
        return word, ""
    inner = _PARTICLE.search(stem)
    if (
        inner
        and particle in ("는", "은", "도", "만")
        and inner[1] in ("에", "에서", "으로", "에게")
        and inner.start()
        and not is_known(stem)
    ):
        return stem[: inner.start()], inner[1] + particle
    return stem, particle


def has_final_consonant(character: str) -> bool:
    return "가" <= character <= "힣" and (ord(character) - 0xAC00) % 28 > 0


def _fits(before: str, particle: str) -> bool:
    if not "가" <= before <= "힣":
        return True
    if particle in _AFTER_CONSONANT:
        return has_final_consonant(before)
    if particle in _AFTER_VOWEL:
        return not has_final_consonant(before)
    return particle != "로" or not has_final_consonant(before) or (ord(before) - 0xAC00) % 28 == 8


@lru_cache(maxsize=4096)
def predicate(word: str) -> _Predicate | None:
    """The verb a word is a form of, with its ending."""
    return _native(word) or _done(word) or _condition(word)


def _condition(word: str) -> _Predicate | None:
    """`걸리면`: a condition, whatever the verb means."""
    if is_known(word) or not re.search(r"[가-힣](?:[리지으나이치오기우되]|[가-힣]다)면$", word):
        return None
    return _Predicate(Verb("", "", "unknown"), "unknown", "", False, "if")


@cache
def _natives() -> tuple[tuple[str, str, str, str], ...]:
    """(form, English, verb noun, kind) of native verbs, the longest form first."""
    found = []
    for name in {name for name, _ in lexicon.entries(FILE) if name.startswith("native")}:
        for left, right in lexicon.pairs(FILE, name).items():
            base, noun = right.split(":")
            kind = name.removeprefix("native").removeprefix("_")
            found += [(form, base, noun, kind) for form in left.split("|")]
    return tuple(sorted(found, key=lambda entry: (-len(entry[0]), entry)))


def _native(word: str) -> _Predicate | None:
    if is_known(word) or is_known(split_particle(word)[0]):
        return None
    for form, base, noun, kind in _natives():
        if word.startswith(form) and len(word) <= len(form) + 4:
            verb = english_verb(base)
            passive = form.startswith(tuple(words("native_passive")))
            return _Predicate(verb, kind or _kind(verb.kind), noun, passive, _ending(word))
    return None


def _done(word: str) -> _Predicate | None:
    found = _DO.match(word)
    if found is None or (found["noun"] and not found["noun"].isascii() and len(found["noun"]) > 6):
        return None
    noun, voice = found["noun"], found["voice"]
    whole = noun + found["voice"] + found["rest"]
    if (
        whole.startswith(_POSTPOSITIONS)
        or whole.startswith("의해")
        or (found["rest"] == "지" and whole[-2:] in verb_nouns())
    ):
        return None
    if (
        is_known(whole)
        or (not noun and len(whole) > 4)
        or (voice in ("한", "할", "해", "함") and found["rest"] and not noun)
    ):
        return None
    if len(noun) == 1 and noun not in words("state"):
        return None
    if voice.startswith("받") and noun not in verb_nouns():
        return None
    if voice.startswith(("나", "난", "났")) and noun not in words("happens"):
        return None
    passive = voice.startswith(("되", "된", "될", "됩", "돼", "됐", "됨", "받"))
    return _Predicate(verb_of(noun), _noun_kind(noun), noun, passive, _ending(word))


def _noun_kind(noun: str) -> str:
    if noun in lexicon.pairs(FILE, "query"):
        return "query"
    if noun in lexicon.pairs(FILE, "notify"):
        return "notify"
    if noun in words("input"):
        return "input"
    if noun in words("state") or not noun:
        return "state"
    return _kind(verb_of(noun).kind)


def _kind(kind: str) -> str:
    return kind if kind in ("create", "delete", "notify", "query") else "update"


def _ending(word: str) -> Ending:
    for pattern, ending in _ENDINGS:
        if pattern.search(word):
            return ending
    final = (ord(word[-1]) - 0xAC00) % 28 if "가" <= word[-1] <= "힣" else 0
    return "of" if final in (4, 8) else "and"


class _Parser:
    """Walks over the words of a sentence, gathers noun phrases, closes a clause at each predicate."""

    def __init__(self, found: Sequence[Word]) -> None:
        self._words = found
        self._at = 0
        self._start = 0
        self._nouns: list[Noun] = []
        self._bare: list[str] = []
        self._first = 0
        self._of: tuple[str, ...] = ()
        self._made: list[Clause] = []

    def clauses(self) -> list[Clause]:
        while self._at < len(self._words):
            word = self._words[self._at]
            said = predicate(word.text) if len(word.text) > 1 or self._bare or self._nouns else None
            if said is None:
                self._noun(word)
                self._at += 1
            else:
                self._predicate(word, said)
        return self._made

    def _next(self, offset: int = 1) -> str:
        position = self._at + offset
        return self._words[position].text if position < len(self._words) else ""

    def _noun(self, word: Word) -> None:
        if re.match(r"(?:경우|때)(?:에는|에|는)?$", word.text) and self._nouns:
            unknown = _Predicate(Verb("", "", "unknown"), "unknown", "", False, "if")
            self._close(word, unknown, "if", negative=False, used=1)
            return
        if word.text.startswith("의해") and self._nouns:
            self._nouns[-1] = replace(self._nouns[-1], particle="에 의해")
            return
        if word.text.startswith(_POSTPOSITIONS) and not is_known(word.text):
            self._nouns, self._bare = (
                self._nouns[:-1] if not word.text.startswith("통합") else self._nouns,
                [],
            )
            return
        if not re.match(r"[가-힣A-Za-z]", word.text) or word.text in words("skip"):
            if word.text in (",", "(", "중인"):
                self._bare = []
            return
        stem, particle = split_particle(word.text)
        plural = stem.endswith("들") and len(stem) > 2
        stem = stem.removesuffix("들") if plural else stem
        if (stem in words("skip") and not (particle and is_known(stem))) or (
            stem.endswith("별") and is_known(stem[:-1])
        ):
            return
        if not self._bare:
            self._first = word.start
        self._bare.append(stem)
        if particle == "의":
            self._of, self._bare = tuple(self._bare), []
        elif particle:
            noun = Noun(tuple(self._bare[-3:]), particle, self._first, word.end, self._of, plural)
            self._nouns.append(noun)
            self._bare, self._of = [], ()

    def _predicate(self, word: Word, said: _Predicate) -> None:
        ending, used, negative = self._role(said)
        if ending == "of":
            self._relative()
        else:
            self._close(word, said, ending, negative=negative, used=used)
        self._at += used

    def _role(self, said: _Predicate) -> tuple[Ending, int, bool]:
        """What the predicate does in the sentence, how many words it takes up, whether it is denied."""
        following, second = self._next(), self._next(2)
        if said.ending == "of":
            return self._of_role(following, second)
        if self._words[self._at].text.endswith("기") and following:
            return self._nominal_role(following, second, said.ending)
        if (
            following
            and _NEGATIVE.match(following)
            and self._words[self._at].text.endswith(("지", "지는", "면", "서는"))
        ):
            return ("if" if following.endswith("면") else "final"), 2, True
        if self._words[self._at].text.endswith("야") and following.startswith(("한", "하", "합", "할", "된")):
            return ("and" if following.endswith(("고", "며")) else "final"), 2, False
        return said.ending, 1, False

    def _nominal_role(self, following: str, second: str, ending: Ending) -> tuple[Ending, int, bool]:
        """`차감되기 시작한다` happens; `만료되기 하루 전에` only says when."""
        if following.startswith("시작"):
            return ("and" if following.endswith(("고", "며")) else "final"), 2, False
        if following.startswith(("전", "위", "때문")) or second.startswith("전"):
            return "of", 1, False
        return ending, 1, False

    def _of_role(self, following: str, second: str) -> tuple[Ending, int, bool]:
        if following.startswith("수") and len(following) <= 2:
            return self._can(second)
        if following.startswith(("경우", "때")):
            return "if", 2, False
        if following.startswith(("후", "뒤", "다음", "이후")) and len(following) <= 3:
            return "after", 2, False
        if following in ("즉시",):
            return "if", 2, False
        return "of", 1, False

    def _can(self, second: str) -> tuple[Ending, int, bool]:
        if second.startswith("없"):
            return ("and" if second.endswith(("고", "며")) else "final"), 3, True
        return ("and" if second.endswith(("고", "며", "어", "으며")) else "final"), 3, False

    def _relative(self) -> None:
        """A clause that describes the next noun: only the topic stays for the main clause."""
        self._nouns = [noun for noun in self._nouns if noun.particle in ("은", "는")]
        self._bare, self._of = [], ()

    def _close(self, word: Word, said: _Predicate, ending: Ending, *, negative: bool, used: int) -> None:
        last = self._words[min(self._at + used, len(self._words)) - 1]
        clause = Clause(
            said.verb,
            said.kind,
            said.noun,
            said.passive,
            ending,
            self._nouns,
            tuple(self._bare),
            negative,
            self._start,
            last.end,
        )
        self._made.append(clause)
        self._start = self._words[self._at + used].start if self._at + used < len(self._words) else last.end
        self._nouns, self._bare, self._of = [], [], ()
