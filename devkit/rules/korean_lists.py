"""Korean sentences that say what a thing is made of: is recorded, consists of, is one of. Patterns over the whole sentence."""

from __future__ import annotations

import re

from devkit.rules import korean_terms as terms
from devkit.rules.facts import NOWHERE, Choices, Members
from devkit.rules.korean_grammar import predicate, split_particle

_SAID = r"(?:된다|되며|되고|되어야|돼야|됩니다|되어|한다|하며|하고|해야|합니다|하여야|있다|있어야)"
_RECORDED = re.compile(
    rf"^(?P<owner>[^,]+?(?<!화면)(?<!페이지)(?<!대시보드))(?:에는|에|은|는|마다|별로|에 대해서?는?) (?P<list>.+?)(?:이|가|을|를|도)? (?:반드시 |함께 |항상 )?(?:기록|저장|포함|보관|표시){_SAID}"
)
_CONSISTS = re.compile(r"^(?P<owner>[^,]+?)(?:은|는) (?P<list>.+?)(?:으로|로) (?:구성|이루어)")
_HAS = re.compile(
    r"^(?P<owner>[^,]+?)(?:은|는|에는) (?P<list>.+?)(?:을|를|이|가) (?:적는|적어야|적고|쓴다|가진|가지|갖(?!추|춰)|있다|있으며|있어야|있습니다|담고|담는다|보유|지닌다|필요하다)"
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
    found = (pattern.match(text) for pattern in (_CONSISTS, _RECORDED, _HAS))
    return [fact for one in found if one and (fact := _members(one))][:1]


def choices(text: str) -> list[Choices]:
    """The values a sentence gives for an attribute."""
    text = text.rstrip(" .!?。")
    found = (pattern.match(text) for pattern in (_ONE_OF, _KIND_IS))
    return [fact for one in found if one and (fact := _choices(one))][:1]


def phrase(text: str) -> tuple[str, ...]:
    """The last words of a noun phrase, at most three; nothing when there is a predicate in it."""
    found: list[str] = []
    for word in re.findall(r"[가-힣A-Za-z0-9_]+", text):
        if (said := predicate(word)) and said.ending != "of":
            return ()
        stem, particle = split_particle(word)
        if particle not in ("", "은", "는", "이", "가", "을", "를", "의"):
            found = []
        else:
            found.append(stem)
    return tuple(word.removesuffix("들") for word in found[-3:])


def split(text: str) -> list[str]:
    """The items of a list; `제목과 저자` are two."""
    words = (split_particle(word) for word in re.sub(r"\([^)]*\)", "", text).split(" "))
    commas = " ".join(
        f"{stem}," if particle in ("와", "과", "이나", "나") else stem + particle for stem, particle in words
    )
    return [item.strip() for item in _SPLIT.split(commas) if item.strip()]


def _members(found: re.Match[str]) -> Members | None:
    owner, names = phrase(found["owner"]), [phrase(item) for item in split(found["list"])]
    if not owner or terms.unknown(owner[-1:]) or not all(names):
        return None
    if len(names) == 1 and not terms.is_attribute(names[0][-1]):
        return None
    kept = tuple(dict.fromkeys(terms.term(name) for name in names))
    return Members(place=NOWHERE, owner=terms.term(owner), names=kept, group=found.re is _CONSISTS)


def _choices(found: re.Match[str]) -> Choices | None:
    words, items = phrase(found["name"].rpartition(",")[2]), split(found["list"].removesuffix(" 이"))
    values = tuple(dict.fromkeys(terms.value(item) for item in items if len(item.split()) <= 3))
    if not words or len(values) < max(2, len(items)):
        return None
    owner = terms.term(words[:-1]) if words[1:] else None
    return Choices(place=NOWHERE, owner=owner, name=terms.term(words), values=values)
