"""Names as the model wants them: PascalCase and camelCase identifiers in ASCII, whatever the language model wrote."""

from __future__ import annotations

import re
import unicodedata

_INITIALS = "g kk n d tt r m b pp s ss - j jj ch k t p h".replace("-", "").split(" ")
_VOWELS = [
    "a",
    "ae",
    "ya",
    "yae",
    "eo",
    "e",
    "yeo",
    "ye",
    "o",
    "wa",
    "wae",
    "oe",
    "yo",
    "u",
    "wo",
    "we",
    "wi",
    "yu",
    "eu",
    "ui",
    "i",
]
_FINALS = [
    "",
    "k",
    "k",
    "k",
    "n",
    "n",
    "n",
    "t",
    "l",
    "k",
    "m",
    "l",
    "l",
    "l",
    "p",
    "l",
    "m",
    "p",
    "p",
    "t",
    "t",
    "ng",
    "t",
    "t",
    "k",
    "t",
    "p",
    "t",
]


def pascal(name: str) -> str:
    """An identifier such as LoanPolicy; "" when nothing of the name can be kept."""
    return "".join(word[:1].upper() + word[1:] for word in _words(name))


def camel(name: str) -> str:
    """An identifier such as loanPolicy; an all-caps first word is lowered as a whole (ISBN gives isbn)."""
    words = _words(name)
    if not words:
        return ""
    first = words[0].lower() if words[0].isupper() else words[0][:1].lower() + words[0][1:]
    return first + "".join(word[:1].upper() + word[1:] for word in words[1:])


def upper_snake(name: str) -> str:
    """A value of an enumeration such as IN_TRANSIT; "" when nothing of it can be kept."""
    words = [part for word in _words(name) for part in re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", word).split()]
    value = "_".join(word.upper() for word in words)
    return f"V_{value}" if value[:1].isdigit() else value


def is_pascal(name: str) -> bool:
    """Whether the name already is what `pascal` makes."""
    return re.fullmatch(r"[A-Z][A-Za-z0-9]*", name) is not None


def title(name: str) -> str:
    """An identifier as words a person reads: LoanPolicy gives "Loan policy"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).split()
    return " ".join([*words[:1], *(w if w.isupper() else w.lower() for w in words[1:])])


def _words(name: str) -> list[str]:
    latin = "".join(_romanised(c) if "가" <= c <= "힣" else c for c in unicodedata.normalize("NFC", name))
    plain = unicodedata.normalize("NFKD", latin).encode("ascii", "ignore").decode()
    words = re.findall(r"[A-Za-z0-9]+", plain.replace("'", ""))
    while words and words[0][0].isdigit():
        words = (
            [*words[1:2], words[0], *words[2:]]
            if len(words) > 1 and not words[1][0].isdigit()
            else ["N" + words[0], *words[1:]]
        )
    return [w.capitalize() if w.isupper() and len(w) > 1 and len(words) > 1 else w for w in words]


def _romanised(syllable: str) -> str:
    """A Hangul syllable in Revised Romanisation, letter by letter."""
    index = ord(syllable) - ord("가")
    return _INITIALS[index // 588] + _VOWELS[index % 588 // 28] + _FINALS[index % 28]
