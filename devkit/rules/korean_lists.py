"""Korean sentences that say what a thing is made of: is recorded, consists of, is one of. Patterns over the whole sentence."""

from __future__ import annotations

import re

from devkit.rules import korean_terms as terms
from devkit.rules.facts import NOWHERE, Choices, Members, Term
from devkit.rules.korean_grammar import predicate, split_particle

_SAID = r"(?:된다|되며|되고|되어야|돼야|됩니다|되어|한다|하며|하고|해야|합니다|하여야|있다|있어야)"
_RECORDED = re.compile(
    rf"^(?P<owner>[^,]+?)(?:에는|에|은|는|마다|별로|에 대해서?는?) (?P<list>.+?)(?:이|가|을|를|도)? (?:반드시 |함께 |항상 )?(?:기록|저장|포함|보관|표시){_SAID}"
)
_REGISTERED = re.compile(
    rf"^(?P<owner>[^,]+?)(?:에는|마다|별로) (?P<list>.+?)(?:이|가|을|를|도)? (?:등록|관리|입력){_SAID}"
)
_CONSISTS = re.compile(r"^(?P<owner>[^,]+?)(?:은|는) (?P<list>.+?)(?:으로|로) (?:구성|이루어)")
_HAS = re.compile(
    r"^(?P<owner>[^,]+?)(?:은|는|에는) (?P<list>.+?)(?:을|를|이|가) (?:적는다|적어야|적고|쓴다|가진다|가지며|가지고|갖는다|갖고|갖춘다|있다|있으며|있어야|담고|담는다|보유|지닌다|가집니다|갖습니다|있습니다|필요하다)"
)
_COLON = re.compile(
    r"^(?P<owner>[^,:]+?) ?(?:정보|항목|속성|필드|기록 사항|기록 항목)(?:는|은|에는)? ?: ?(?P<list>.+)$"
)
_ONE_OF = re.compile(
    r"^(?P<name>.+?)(?:은|는|이|가) (?P<list>.+?) ?(?:중|가운데)(?:에서|의)? ?(?:하나|한 가지|한가지)"
)
_KINDS = r"(?:상태|유형|종류|등급|구분|분류|방법|수단|카테고리|장르|우선순위|단계|사유)"
_KIND_IS = re.compile(
    rf"^(?P<name>[^,:(]*?{_KINDS})(?:은|는|에는|:| :|\() ?(?P<list>[^.]+?)(?:이다|다|입니다|(?:이|가) 있다|(?:이|가) 있으며|(?:으로|로) (?:나뉜다|구분된다|구분한다|나눈다|관리한다|관리된다)|\)|$)"
)
_SPLIT = re.compile(r"\s*[,、·/;]\s*(?:그리고 |및 |또는 )?| 및 | 그리고 | 또는 | 혹은 | 와 | 과 ")


def members(text: str) -> list[Members]:
    """What a sentence says a thing records or consists of."""
    text = text.rstrip(" .!?。")
    for pattern in (_CONSISTS, _COLON, _RECORDED, _REGISTERED, _HAS):
        found = pattern.match(text)
        if found and (fact := _members(text, found, group=pattern is _CONSISTS)):
            return [fact]
    return []


def choices(text: str) -> list[Choices]:
    """The values a sentence gives for an attribute."""
    text = text.rstrip(" .!?。")
    for pattern in (_ONE_OF, _KIND_IS):
        found = pattern.match(text)
        if found and (fact := _choices(found)):
            return [fact]
    return []


def phrase(text: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The words of a noun phrase, and those of what it belongs to; nothing when there is a predicate in it."""
    owner: tuple[str, ...] = ()
    found: list[str] = []
    for word in re.findall(r"[가-힣A-Za-z0-9_]+", text):
        if (said := predicate(word)) and said.ending != "of":
            return None
        stem, particle = split_particle(word)
        if particle == "의":
            owner, found = (*found, stem), []
        elif particle and particle not in ("은", "는", "이", "가", "을", "를"):
            found = []
        else:
            found.append(stem)
    kept = tuple(word.removesuffix("들") if len(word) > 2 else word for word in found[-3:])
    return (kept, owner) if kept else None


def split(text: str) -> list[str]:
    plain = re.sub(r"\([^)]*\)", "", text)
    return [item.strip() for item in _SPLIT.split(_with_commas(plain)) if item.strip()]


def _with_commas(text: str) -> str:
    """`제목과 저자` as `제목, 저자`; the words that end like that stay whole."""
    pieces = []
    for word in text.split(" "):
        stem, particle = split_particle(word)
        pieces.append(f"{stem}," if particle in ("와", "과", "이나", "나") else word)
    return " ".join(pieces)


def _members(text: str, found: re.Match[str], *, group: bool) -> Members | None:
    owner = phrase(found["owner"])
    if owner is None or owner[1] or terms.unknown(owner[0][-1:]) or len(found["owner"].split()) > 4:
        return None
    names = [_item(item, owner[0]) for item in split(found["list"])]
    kept = tuple(dict.fromkeys(name for name in names if name))
    if not kept or len(kept) < len(names) - 1:
        return None
    if len(names) == 1 and not terms.is_attribute(names[0].alias.split()[-1] if names[0] else ""):
        return None
    if owner[0] == ("시스템",) or (
        terms.is_person(owner[0][-1]) and "에는" not in text and not group and _acts(found)
    ):
        return None
    return Members(place=NOWHERE, owner=terms.term(owner[0]), names=kept, group=group)


def _acts(found: re.Match[str]) -> bool:
    """A person records something, rather than having it."""
    return found.re in (_RECORDED, _REGISTERED)


def _item(text: str, owner: tuple[str, ...]) -> Term | None:
    if len(text.split()) > 4:
        return None
    read = phrase(re.sub(r"(?:을|를|이|가)$", "", text) if not terms.is_known(text.split()[-1]) else text)
    if read is None:
        return None
    listed = text.endswith("목록") or "들" in text
    words = (*read[1], *read[0])
    own = len(words) > len(owner) and words[: len(owner)] == owner and words[-1] == "상태"
    return terms.term(words[len(owner) :] if own else words, plural=listed)


def _choices(found: re.Match[str]) -> Choices | None:
    named = phrase(found["name"].rpartition(",")[2] or found["name"])
    items = split(
        found["list"].removesuffix("이").strip() if found["list"].endswith(" 이") else found["list"]
    )
    values = [terms.value(item) for item in items if len(item.split()) <= 3]
    unique = tuple(dict.fromkeys(value for value in values if value))
    if named is None or len(unique) < 2 or len(values) < len(items):
        return None
    words, owner = named
    if not terms.is_attribute(words[-1]):
        return Choices(
            place=NOWHERE, owner=terms.term(words), name=terms.term((*words, "상태")), values=unique
        )
    whole = (*owner, *words)
    before = whole[:-1]
    return Choices(
        place=NOWHERE, owner=terms.term(before) if before else None, name=terms.term(whole), values=unique
    )
