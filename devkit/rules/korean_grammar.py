"""Shallow Korean grammar: words with their particles, predicates with their endings, clauses. Nothing of the business."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import product
from typing import Literal
from unicodedata import normalize

from devkit.rules import lexicon
from devkit.rules.korean_terms import (
    FILE,
    english_verb,
    is_known,
    is_person,
    listed,
    verb_nouns,
    verb_of,
    words,
)
from devkit.rules.verbs import Verb

Ending = Literal["final", "and", "by", "if", "after", "of", "none"]
"""`by` is how the next is done: `확인하여`."""

_WORD = re.compile(r"[가-힣A-Za-z0-9_/&·.%-]*[가-힣A-Za-z0-9%]|[,;:()\[\]“”\"'‘’]|\S")
_PARTICLE = re.compile(
    r"(에게서|으로부터|로부터|에서는|에게는|께서는|에서도|으로만|에는|에서|에게|한테|께서|께|까지|부터|마다|보다|처럼|만큼|별로|이나|이랑|랑|으로|로써|로|에|의|와|과|은|는|이|가|을|를|도|만|나)$"
)
_AFTER_CONSONANT = frozenset(("은", "이", "을", "과", "으로", "이나"))
_AFTER_VOWEL = frozenset(("는", "가", "를", "와", "나"))


def _letters(text: str) -> str:
    """A text in single letters, since a stem and its ending may part within a syllable; ㄴㄹㅁㅂㅆ are such at a syllable's end."""
    return normalize("NFD", text).translate(str.maketrans("ㄴㄹㅁㅂㅆ", "\u11ab\u11af\u11b7\u11b8\u11bb"))


def _any(forms: str) -> str:
    return f"(?:{'|'.join(_letters(forms).split())})"


_PAST = _any(
    "든지 든가 다 다가 고 던 을 음 지만 는데 습니다 으며 으면 을지 는지 거나 다면 어요 네요 고요 죠 지요 거든요"
)
_OPEN = f"(?:{_any('서 서는 야 야만 도 요')}|{_letters('ㅆ')}{_PAST})?$"
_PLAIN = f"""(?:{
    _any(
        "든지 든가 ㄴ ㄹ ㅁ 는 은 을 음 고 고서 며 으며 면 으면 면서 으면서 다 ㄴ다 는다 다면 ㄴ다면 는다면 ㅂ니다 습니다 던 기 기를 기로 기도 기만 지 지만 "
        "지는 지도 거나 자마자 도록 게 고요 네요 지요 죠 ㄹ게요 려고 으려고 려면 으려면 러 으러 ㄴ데 는데 은데 ㄴ지 ㄹ지 는지 을지 므로 으므로 니까 으니까 니 으니 다가 거든요 ㄴ지를 ㄹ지를 는지를 을지를 ㄴ지도 는지도"
    )
}|{_any("았 었 겠")}{_PAST})$"""
_TAILS = {
    "plain": re.compile(f"{_any('시 으시')}?{_PLAIN}|{_any('셔 으셔')}{_OPEN}|{_any('세요 으세요')}$"),
    "open": re.compile(_OPEN),
}
_DO = re.compile(
    f"(?P<noun>.*?)(?:{_any('하 되 시키 받 나 드리')}(?:{_TAILS['plain'].pattern})|{_any('해 하여 돼 되어 시켜 받아 나 드려')}{_OPEN})"
)
_ENDINGS: tuple[tuple[re.Pattern[str], Ending], ...] = (
    (re.compile(r"려면$"), "none"),
    (re.compile(r"면$"), "if"),
    (re.compile(r"자마자$"), "if"),
    (re.compile(r"(?<![았었였했됐뒀놨])다가$|[는은한된할될을던온간난인일]지(?:를|도|는|가)?$"), "of"),
    (re.compile(r"(?:다|요|죠|음|함|됨|기)$"), "final"),
    (re.compile(r"(?:고|며|면서|거나|든지|든가|려고|도록|러|야|지만|는데|다가|니|니까)$"), "and"),
)
_OF_ACTORS = ("은", "는", "이", "가", "께서", "에서")
_AUXILIARIES = (
    (("지", "지는", "지도", "면", "서는"), "않 못하 없 말 아니하", True),
    (("야", "야만", "도록", "려고", "게", "기로", "기도", "기만", "거나"), "하 되", False),
    (("고",), "싶 있 계시", False),
    (("싶어",), "하", False),
    (("기", "기를"), "시작하 시작되 원하 희망하", False),
    (("면",), "좋 되", False),
)
"""An ending, stems that may follow it, whether that denies: `취소하지 않으면`, `등록해 주면`, `취소하게 되면`, `보고 싶다`."""
_BOUND: tuple[tuple[re.Pattern[str], Ending], ...] = (
    (re.compile(r"경우|때|즉시|순간|대로$|날(?:부터|에)?$"), "if"),
    (re.compile(r"(?:후|뒤|다음|이후|지)(?:에|에는|로)?$"), "after"),
)
_VOWELS = (
    "\u1175=\u1167|\u1175어 \u116e=\u116f|\u116e어 \u1169=\u116a|\u1169아 \u1173=\u1161|\u1165"  # ㅣ ㅜ ㅗ ㅡ
)
_OPENED = dict(pair.split("=") for pair in f"하=해|하여 되=돼|되어 르=ㄹ라|ㄹ러 {_VOWELS}".split(" "))
"""What a stem's end becomes before 서; after other vowels nothing changes."""
_HELPING = "주 드리 두 놓 버리"
_THING = re.compile(r"(?:[것거]|건)(?:이다|임|이고|고|예요|죠|입니다)?\.?$|겁니다")
_ASKED = re.compile(r"지(?:를|도|는|가)?$")
_POSTPOSITIONS = (
    "통해",
    "대해",
    "위해",
    "인해",
    "관해",
    "향해",
    "비해",
    "따라",
    "통합",
    "없이",
    "무관하",
    "관계없",
    "상관없",
    "거쳐",
)
_BY = ("의해", "의하", "의한")


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
    """One predicate, and the noun phrases before it where it stands in a sentence."""

    verb: Verb
    kind: str
    noun: str
    passive: bool
    ending: Ending
    nouns: list[Noun] = field(default_factory=list)
    bare: tuple[str, ...] = ()
    negative: bool = False
    may: bool = False
    start: int = 0
    end: int = 0

    def with_particle(self, *particles: str) -> Noun | None:
        return next((noun for noun in reversed(self.nouns) if noun.particle in particles), None)


_SOME = Clause(Verb("", "", "unknown"), "unknown", "", False, "of")
"""Whatever is said, it describes what follows, or is a condition of it."""


def words_of(text: str) -> list[Word]:
    """The words of a sentence; a noun written together with its verb noun is one of its own."""
    found: list[Word] = []
    for match in _WORD.finditer(text):
        at = match.start() + _before_verb(match[0])
        found += [Word(text[i:j], i, j) for i, j in ((match.start(), at), (at, match.end())) if i < j]
    return found


@lru_cache(maxsize=4096)
def _before_verb(word: str) -> int:
    """How long the noun is that a verb noun is written together with: 2 of 재고차감한다, 자동취소된다."""
    said = predicate(word)
    if said is None or not said.noun or said.noun in verb_nouns() or not word.startswith(said.noun):
        return 0
    ways = range(2, len(said.noun) - 1)
    return next(
        (
            i
            for i in ways
            if said.noun[i:] in verb_nouns() and (is_known(word[:i]) or word[:i] in words("skip"))
        ),
        0,
    )


@lru_cache(maxsize=4096)
def _is_form(word: str, stems: str) -> bool:
    """Whether a word is a form of one of some stems."""
    letters = _letters(word)
    return any(
        letters.startswith(start) and _TAILS[tail].match(letters[len(start) :])
        for tail, start in _starts(stems)
    )


@cache
def _starts(stems: str) -> Sequence[tuple[str, str]]:
    return [start for stem in stems.split() for start in _beginnings(stem)]


@lru_cache(maxsize=2048)
def clauses(text: str) -> Sequence[Clause]:
    """The clauses of a sentence in order."""
    return _Parser(words_of(text)).clauses()


@lru_cache(maxsize=4096)
def split_particle(word: str) -> tuple[str, str]:
    """A word without its particle, and the particle; known words stay whole."""
    if is_known(word):
        return word, ""
    word = re.sub(r"(?<=에게|에서|한테|으로)(?:도|만|까지)$", "", word)
    found = _PARTICLE.search(word)
    if found is None or found.start() == 0:
        return word, ""
    stem, particle = word[: found.start()], {"이랑": "과", "랑": "와"}.get(found[1], found[1])
    if not _fits(stem[-1], particle) and not (
        (particle in ("을", "를", "은", "는") and is_known(stem))
        or (particle in ("이", "가") and is_person(stem))
    ):
        return word, ""
    return stem, particle


def _final(word: str) -> str:
    """What consonant a word ends in; "" after a vowel."""
    number = (ord(word[-1]) - 0xAC00) % 28 if "가" <= word[-1] <= "힣" else 0
    return {0: "", 4: "ㄴ", 8: "ㄹ", 16: "ㅁ"}.get(number, "other")


def _fits(before: str, particle: str) -> bool:
    if before.isascii():
        return True
    if particle in _AFTER_CONSONANT | _AFTER_VOWEL:
        return bool(_final(before)) == (particle in _AFTER_CONSONANT)
    return particle != "로" or _final(before) in ("", "ㄹ")


@lru_cache(maxsize=4096)
def predicate(word: str) -> Clause | None:
    """The verb a word is a form of, with its ending."""
    return _native(word) or _done(word) or _condition(word)


def _condition(word: str) -> Clause | None:
    """`걸리면`, `있는지`: a condition or a question, whatever the verb means."""
    if word in ("나면", "났으면"):  # 사고가
        return Clause(english_verb("detect"), "threshold", "발견", True, "if")
    if not is_known(word) and re.search(r"(?:[는은한된할될을던]|..[온간난인일])지(?:를|도)?$|인지는$", word):
        return _SOME
    holds = re.search(r"^[차뜨들크]면$|[가-힣](?:[리지으나이치오기우되르프쁘시]|[가-힣]다)면$", word)
    return replace(_SOME, ending="if", negative="없" in word) if holds and not is_known(word) else None


def _lasting(word: str, following: str) -> Clause | None:
    """`쌓였을 때`, `미달인 경우`: a condition, whatever it says."""
    known = is_known(word) or word in words("skip") or split_particle(word)[1] in ("은", "는")
    return _SOME if not known and _ending(word) == "of" and _BOUND[0][0].match(following) else None


@cache
def _natives() -> dict[tuple[str, str], tuple[str, str, str, str]]:
    """By beginning in letters and tail the native verbs: (stem, English, verb noun, kind)."""
    found = {}
    for name in dict.fromkeys(name for name, _ in lexicon.entries(FILE) if name.startswith("native")):
        for stem, right in lexicon.pairs(FILE, name).items():
            base, noun = right.split(":")
            kind = name.removeprefix("native").removeprefix("_")
            for tail, beginning in _beginnings(stem):
                found[beginning, tail] = (stem, base, noun, kind)
                for auxiliary in ("지", "주", "드리", "두") if tail == "open" else ():  # 매겨지다, 알려주다
                    for ending, end in _beginnings(auxiliary):
                        found.setdefault((beginning + end, ending), (stem + auxiliary, base, noun, kind))
    return found


def _beginnings(stem: str) -> Iterator[tuple[str, str]]:
    """What the forms of a stem begin with, by the tails they take: 싣 plain, 실 plain, 실어 open."""
    letters = _letters(stem)
    yield "plain", letters
    if letters.endswith(_letters("ㄹ")):
        yield "plain", letters[:-1]
    if stem in words("irregular"):  # ㄷ
        letters = letters[:-1] + _letters("ㄹ")
        yield "plain", letters
    end = next((end for end in _OPENED if letters.endswith(_letters(end))), "")
    opened = _OPENED.get(end, "아|어" if letters[-1] > "\u11a7" else "|아|어")
    yield from (("open", letters.removesuffix(_letters(end)) + _letters(one)) for one in opened.split("|"))


def _native(word: str, *, known: bool = False) -> Clause | None:
    """A form of a native verb; `known` words are nouns elsewhere (보고, 사고)."""
    if (
        word in words("numeral")
        or word == "그리고"
        or (not known and (is_known(word) or is_known(split_particle(word)[0])))
    ):
        return None
    letters = _letters(word)
    for length, (tail, end) in product(range(len(letters), 1, -1), _TAILS.items()):
        entry = _natives().get((letters[:length], tail))
        if entry and end.match(letters[length:]) and (length < len(letters) or len(word) > 1 or known):
            stem, base, noun, kind = entry
            verb, passive = english_verb(base), stem in words("native_passive") or stem.endswith("지")
            return Clause(verb, kind or _kind(verb.kind), noun, passive, _ending(word))
    return None


def _done(word: str) -> Clause | None:
    found = _DO.match(_letters(word))
    noun = normalize("NFC", found["noun"]) if found else ""
    if found is None or is_known(word):
        return None
    voice = word[len(noun)]
    if word.startswith((*_POSTPOSITIONS, *_BY)):
        return None
    if voice in "나난날났" and noun not in words("happens"):
        return None
    return Clause(verb_of(noun), _noun_kind(noun), noun, voice in "되된될됩돼됐됨받", _ending(word))


def _noun_kind(noun: str) -> str:
    listed = (kind for kind in ("input", "threshold", "state") if noun in words(kind))
    named = (kind for kind in ("query", "notify") if noun in lexicon.pairs(FILE, kind))
    return next(listed, next(named, _kind(verb_of(noun).kind) if noun else "state"))


def _kind(kind: str) -> str:
    return kind if kind in ("create", "delete", "notify", "query") else "update"


def _ending(word: str) -> Ending:
    for pattern, ending in _ENDINGS:
        if pattern.search(word):
            return ending
    return "of" if _final(word) in ("ㄴ", "ㄹ") else "final" if _final(word) == "ㅁ" else "by"


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
        self._described = False  # whether nothing is said of the noun that a clause describes
        self._made: list[Clause] = []

    def clauses(self) -> list[Clause]:
        while self._at < len(self._words):
            word = self._words[self._at]
            bound = any(noun.match(self._next()) for noun, _ in _BOUND) or self._next().startswith("수")
            long = len(word.text) > 1 or bound or _is_form(self._next(), _HELPING)  # 환불을 해 준다
            said = predicate(word.text) if long else None
            if said is None and self._next().startswith("수") and word.text[-1] in "을를":
                said = _native(word.text, known=True)  # 실을 수 있다
            if said and said.ending == "by" and _is_form(self._next(), _HELPING + " 가 오 내"):  # 나눠 준다
                whole = _native(word.text + self._next())
                said = replace(whole, ending="by") if whole else said
            said = said or self._left_out(word) or (_lasting(word.text, self._next()) if bound else None)
            if said is None:
                self._noun(word)
                self._at += 1
            else:
                self._predicate(word, said)
        while self._described and self._made and self._made[-1].ending == "and":
            self._made.pop()  # 물건을 보관하고 수리하는 거점
        return self._made

    def _left_out(self, word: Word) -> Clause | None:
        """`기록을 입력, 재고를 차감`, `승인되면 문자 발송`: a verb noun where 한다 is left out."""
        following = self._next()
        if word.text == "보고" and following not in ("", ".", ","):
            return _native(word.text, known=True)  # 사진 보고 정한다
        if word.text not in verb_nouns() or following not in ("", ".", ",", "→", "및"):
            return _native(word.text, known=True) if self._object() else None
        subject = self._nouns and self._nouns[-1].particle in ("은", "는", "이", "가", "도")
        listed = bool(self._made and (self._bare or subject))
        last = not following or self._at == len(self._words) - 2 or listed
        done = not self._bare or word.text in words("light")
        topical = done and any(noun.particle in ("은", "는") for noun in self._nouns)
        acting = any(
            noun.particle in (*_OF_ACTORS, "에게") and is_person(noun.words[-1]) for noun in self._nouns
        )
        asked = (
            bool(self._bare)
            and word.text in lexicon.pairs(FILE, "query")
            and self._bare[-1] in words("viewed")
        )
        if self._object() or topical or asked or (last and (acting or self._made)):
            said = predicate(word.text + "한다")
            return replace(said, may=asked) if said else None
        return None

    def _object(self) -> bool:
        return bool(self._nouns) and not self._bare and self._nouns[-1].particle in ("을", "를")

    def _next(self, offset: int = 1) -> str:
        position = self._at + offset
        return self._words[position].text if position < len(self._words) else ""

    def _noun(self, word: Word) -> None:
        self._described &= not word.text.endswith(("다", "요"))
        if word.text.startswith(_BY) and self._nouns:
            self._nouns[-1] = replace(self._nouns[-1], particle="에 의해")
        elif word.text.startswith(_POSTPOSITIONS) and not is_known(word.text):
            self._nouns, self._bare = (self._nouns if self._bare else self._nouns[:-1]), []
        elif word.text in ("및", "또는", "혹은") and self._bare:
            self._joined(word, "와")
        elif not re.match(r"[가-힣A-Za-z]", word.text) or word.text in words("skip"):
            self._bare = [] if word.text in (",", "(", ":", "중인") else self._bare
            if word.text == "함께" and self._nouns and self._nouns[-1].particle in ("와", "과"):
                self._nouns.pop()  # 사진과 함께
        else:
            self._phrase(word)

    def _phrase(self, word: Word) -> None:
        counted = word.text == "수가" and self._bare  # 회원 수가
        stem, particle = ("수", "가") if counted else split_particle(word.text)
        plural = stem.endswith("들")
        stem = stem.removesuffix("들")
        before = self._words[self._at - 1].text if self._at else ""
        if stem in words("counter") and (
            re.fullmatch(r"\d[\d,.]*[만억천]?", before) or before in words("numeral")
        ):
            return
        if (stem in words("skip") and not (particle and is_known(stem))) or (
            stem.endswith("별") and is_known(stem[:-1])
        ):
            return
        if stem == "등" and not particle:  # 대여, 상실 등 부정사용
            self._bare = []
            return
        self._first = self._first if self._bare else word.start
        self._bare += listed(stem)
        if particle == "의":
            self._of, self._bare = tuple(self._bare), []
        elif particle:
            self._joined(word, particle, plural=plural)

    def _joined(self, word: Word, particle: str, *, plural: bool = False) -> None:
        """The words so far are a noun phrase."""
        noun = Noun(tuple(self._bare[-3:]), particle, self._first, word.end, self._of, plural)
        self._nouns.append(noun)
        self._bare, self._of = [], ()

    def _predicate(self, word: Word, said: Clause) -> None:
        ending, used, negative = self._role(said)
        if ending == "of":
            self._relative(self._next(used - 1))
        elif used == 1 and (word.text.endswith("게") or (said.noun == "경과" and ending == "and")):
            self._bare = []  # `안전하게` says how, `사흘이 지나도록` when
        else:
            self._close(replace(said, ending=ending, negative=negative), used)
        self._at += used

    def _role(self, said: Clause) -> tuple[Ending, int, bool]:
        """What the predicate with its auxiliaries does in the sentence, how many words it takes up, whether it is denied."""
        ending, used = said.ending, 1
        negative = said.negative or (self._at > 0 and self._words[self._at - 1].text in ("안", "못"))
        negative |= said.noun[:1] == "미" and said.noun[1:] in verb_nouns()  # 미제출
        while more := self._auxiliary(ending, used):
            negative |= more[1]
            used += more[0]
            ending = _ending(self._next(used - 1))
        following, second = self._next(used), self._next(used + 1)
        if self._next(used - 1).endswith("고") and following.startswith(("나면", "나서", "나니")):
            return "if", used + 1, negative
        if ending == "and" and self._next(used - 1).endswith(
            ("되어야", "돼야", "해야", "아야", "어야", "야만")
        ):
            return "if", used, negative
        if ending == "of" and _THING.match(following + second):
            return "final", used + 1, negative
        if (ending == "of" or following == "즉시") and (
            bound := next((e for noun, e in _BOUND if noun.match(following)), None)
        ):
            return bound, used + 1, negative
        if self._next(used - 1).endswith("기") and (
            following.startswith(("위", "때문"))
            or any(re.match("전(?:에|에는|까지)?$", self._next(used + i)) for i in range(4))
        ):
            return "of", used, negative
        return ending, used, negative

    def _auxiliary(self, ending: Ending, used: int) -> tuple[int, bool] | None:
        """How many more words belong to the predicate, and whether they deny it."""
        word, following, second = (self._next(used + i) for i in (-1, 0, 1))
        if ending == "of" and following in ("수", "수가", "수는", "수도") and second:
            return 2, second.startswith("없")
        if ending == "by" and _is_form(following, "주 드리 두 놓 버리 보 오 내 가"):
            return 1, "겠" in following  # what somebody will try
        endings = ((denies, stems) for ends, stems, denies in _AUXILIARIES if word.endswith(ends))
        return next(((1, denies) for denies, stems in endings if _is_form(following, stems)), None)

    def _relative(self, last: str) -> None:
        """A clause that describes the next noun: only the topic stays for the main clause, and what is asked about."""
        asked, self._described = _ASKED.search(last), True
        subjects = [
            replace(one, particle="을")
            for one in self._nouns
            if asked and one.particle in ("이", "가") and not is_person(one.words[-1])
        ]
        self._nouns = [*(noun for noun in self._nouns if noun.particle in ("은", "는")), *subjects[-1:]]
        self._bare, self._of = [], ()

    def _close(self, said: Clause, used: int) -> None:
        taken, after = self._words[self._at : self._at + used], self._words[self._at + used :]
        may = said.may or any(word.text in ("수", "수가", "수는", "수도") for word in taken)
        nouns, bare, start, end = self._nouns, tuple(self._bare), self._start, taken[-1].end
        if self._of and not bare:  # 상품의 등록
            nouns.append(Noun(self._of, "이" if said.passive else "을", start, end))
        self._made.append(replace(said, nouns=nouns, bare=bare, may=may, start=start, end=end))
        self._described = False
        self._start = after[0].start if after else end
        self._nouns, self._bare, self._of = [], [], ()
