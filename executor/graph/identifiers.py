"""Names as the model wants them: PascalCase and camelCase identifiers in ASCII, whatever the language model wrote."""

from __future__ import annotations

import re
import unicodedata

_INITIALS, _VOWELS, _FINALS = (
    row.split(",")
    for row in (
        "g,kk,n,d,tt,r,m,b,pp,s,ss,,j,jj,ch,k,t,p,h",
        "a,ae,ya,yae,eo,e,yeo,ye,o,wa,wae,oe,yo,u,wo,we,wi,yu,eu,ui,i",
        ",k,k,k,n,n,n,t,l,k,m,l,l,l,p,l,m,p,p,t,t,ng,t,t,k,t,p,t",
    )
)


def pascal(name: str) -> str:
    """An identifier such as LoanPolicy; "" when nothing of the name can be kept."""
    return "".join(word[:1].upper() + word[1:] for word in _words(name))


def camel(name: str) -> str:
    """An identifier such as loanPolicy; an all-caps first word is lowered as a whole (ISBN gives isbn)."""
    first, *rest = _words(name) or [""]
    lowered = first.lower() if first.isupper() else first[:1].lower() + first[1:]
    return lowered + "".join(word[:1].upper() + word[1:] for word in rest)


def upper_snake(name: str) -> str:
    """A value of an enumeration such as IN_TRANSIT; "" when nothing of it can be kept."""
    return "_".join(part.upper() for word in _words(name) for part in _humps(word))


def is_pascal(name: str) -> bool:
    """Whether the name already is what `pascal` makes."""
    return re.fullmatch(r"[A-Z][A-Za-z0-9]*", name) is not None


def title(name: str) -> str:
    """An identifier as words a person reads: LoanPolicy gives "Loan policy"."""
    first, *rest = words(name) or [name]
    return " ".join([first, *(word if word.isupper() else word.lower() for word in rest)])


def words(name: str) -> list[str]:
    """The words of an identifier: LoanPolicy gives Loan and Policy."""
    return _humps(pascal(name))


def _humps(name: str) -> list[str]:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).split()


def _words(name: str) -> list[str]:
    latin = "".join(_romanised(c) if "가" <= c <= "힣" else c for c in unicodedata.normalize("NFC", name))
    plain = unicodedata.normalize("NFKD", latin).encode("ascii", "ignore").decode()
    found = re.findall(r"[A-Za-z0-9]+", plain.replace("'", ""))
    if found and found[0][0].isdigit():
        found = (
            [found[1], found[0], *found[2:]] if found[1:2] and not found[1][0].isdigit() else ["N", *found]
        )
    return [w.capitalize() if w.isupper() and len(w) > 1 and len(found) > 1 else w for w in found]


def _romanised(syllable: str) -> str:
    """A Hangul syllable in Revised Romanisation, letter by letter."""
    index = ord(syllable) - ord("가")
    return _INITIALS[index // 588] + _VOWELS[index % 588 // 28] + _FINALS[index % 28]
