"""English sentences that say what a thing is made of: records, groups, one of. Patterns over the whole sentence."""

from __future__ import annotations

import re
from functools import partial

from devkit.rules import lexicon, naming
from devkit.rules.english_grammar import Phrase, clauses, noun_phrase, tokens_of
from devkit.rules.facts import NOWHERE, Choices, Members, Term

_words = partial(lexicon.words, "english_words.txt")
_GROUPS = ("consist", "compris", "is made", "is composed", "are made", "are composed")
_CUT = re.compile(
    r"(?i),? \b(?:which|that|who|whose|where|when|whenever|if|while|because|so that|in order|before|after|until|unless|but|depending|at any|at all)\b.*$"
)
_BEFORE_ITEM = re.compile(
    r"^(?:optionally|(?:a|the) (?:list|number|set) of|information about|its?|their) ", re.IGNORECASE
)
_SPLIT = re.compile(r",? as well as |, ?(?:and |or )?| and | or | / |/|; ?")
_NUMBERS = _words("not_a_list")


def members(text: str) -> list[Members]:
    """What a sentence says a thing records or consists of."""
    text = text.rstrip(" .!?。")
    found = (pattern.match(text) for pattern, _ in lexicon.forms("member"))
    return [fact for fact in map(_members, filter(None, found)) if fact][:1]


def choices(text: str) -> list[Choices]:
    """The values a sentence gives for an attribute."""
    text = text.rstrip(" .!?。)")
    found = (pattern.match(text) for pattern, _ in lexicon.forms("choice"))
    return [fact for fact in map(_choices, filter(None, found)) if fact][:1]


def split(text: str) -> list[str]:
    """The items of `a, b and c`."""
    plain = re.sub(r"\([^)]*\)", "", text)
    return [item.strip(" .,;:'\"") for item in _SPLIT.split(plain) if item.strip(" .,;:'\"")]


def term_of(phrase: Phrase) -> Term:
    """The concept a noun phrase names, in the singular."""
    words = [*phrase.words[:-1], naming.singular(phrase.words[-1])]
    name = "".join(naming.pascal(word) for word in words)
    return Term(name, naming.title(" ".join(words)), phrase.plural)


def is_person(word: str) -> bool:
    """Whether a noun names a role: listed, or formed with an ending of persons."""
    low = naming.singular(word)
    if low in _words("person"):
        return True
    endings = ("er", "or", "ist", "ian", "eer", "yee", "ee", "man", "ant")
    return low.endswith(endings) and len(low) > 4 and low not in _words("thing_er")


def item_terms(text: str) -> tuple[Term, ...]:
    """The concepts of a list; items that are whole phrases are left out."""
    found = [_item(item) for item in split(_CUT.sub("", text))]
    return tuple(dict.fromkeys(term for term in found if term))


def _members(found: re.Match[str]) -> Members | None:
    owner = _phrase(found["owner"])
    names = item_terms(found["list"])
    verb = (found.groupdict().get("verb") or "").lower()
    listed = set(found["list"].lower().split()[:3]) & (_words("reported") | {"map", "look"})
    if owner is None or owner.pronoun or not names or clauses(tokens_of(found["owner"])):
        return None
    if listed and is_person(owner.head):
        return None
    if is_person(owner.words[-1]) and not verb.startswith(("ha", "consist", "is ", "are ")) and verb:
        return None
    first = found["list"].split()[0].lower()
    if first in _NUMBERS or (first == "to") or owner.words[-1] in _words("system"):
        return None
    verbal = first not in _words("determiner") and first.endswith("ed")
    if verb.startswith("has") and len(names) == 1 and "," not in found["list"] and verbal:
        return None
    return Members(place=NOWHERE, owner=term_of(owner), names=names, group=verb.startswith(_GROUPS))


def _choices(found: re.Match[str]) -> Choices | None:
    listed = _CUT.sub("", found["list"])
    values = [naming.upper_snake(item) for item in split(listed) if len(item.split()) <= 3]
    unique = tuple(dict.fromkeys(value for value in values if value))
    named = _named(found["name"])
    if len(unique) < 2 or named is None or len(values) < len(split(listed)):
        return None
    name, owner = named
    if "bare" in found.groupdict() and naming.head(name.name) not in _words("attribute"):
        return None
    return Choices(place=NOWHERE, owner=owner, name=name, values=unique)


def _named(text: str) -> tuple[Term, Term | None] | None:
    """`The order status` -> OrderStatus of Order; `each copy` -> Status of Copy; `.. and an address type` -> Type."""
    tail = re.split(r",| and | with ", text)[-1] or text
    phrase = _phrase(tail.strip())
    if phrase is None or phrase.pronoun:
        return None
    term = term_of(phrase)
    if phrase.of and phrase.of.words:
        owner = term_of(phrase.of)
        return owner + term, owner
    *before, last = [naming.singular(word) for word in phrase.words]
    if last in _words("attribute"):
        owner = Term(naming.pascal(" ".join(before)), naming.title(" ".join(before)))
        return term, owner if before else None
    return term + Term("Status", "Status"), term


def _item(text: str) -> Term | None:
    plain = _BEFORE_ITEM.sub("", text)
    if not plain or len(plain.split()) > 6:
        return None
    phrase = _phrase(plain)
    if phrase is None or phrase.pronoun or phrase.end < len(tokens_of(plain)) - 3 or len(phrase.words) > 4:
        return None
    tokens = [token for token in tokens_of(plain)[: phrase.end] if token.tag in "WAQ"]
    words = " ".join(token.text for token in tokens[-4:])
    name = naming.pascal(words)
    return Term(name, naming.title(words), phrase.plural) if name and not name[0].isdigit() else None


def _phrase(text: str) -> Phrase | None:
    tokens = tokens_of(text)
    start = 1 if tokens and tokens[0].tag == "P" else 0
    phrase = noun_phrase(tokens, start, len(tokens))
    return phrase if phrase and (phrase.words or phrase.pronoun) else None
