"""Shallow English grammar: words, noun phrases, verb groups, clauses. Knows word classes, nothing of the business."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from itertools import pairwise

from devkit.rules import lexicon, naming, verbs
from devkit.rules.verbs import Verb

_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:[-'’][A-Za-z]+)*['’]?|\d[\w.,%:]*|\S")
_words = partial(lexicon.words, "english_words.txt")
_CLASSES = {
    word: tag for name, tag in lexicon.pairs("english_words.txt", "classes").items() for word in _words(name)
}
_NOT_ADVERBS = _words("not_adverb")
_MODIFIERS = _words("plural_modifier")
_PARTICLES = ("off", "out", "up", "down", "away", "aside", "back")
_NOUNS_DONE = ("wound", "ground", "thought", "felt", "cast", "bound", "bent", "rent", "found")
_RELATIVE = ("that", "which", "who")
_TIMES = _words("time")
_NOUN_TOO = _words("noun_and_verb")
_TAKES = lexicon.pairs("english_words.txt", "takes")


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    text: str
    low: str
    tag: str
    start: int
    end: int


_END = Token("", "", "X", 0, 0)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase: its words without determiners, adjectives; `of` is the phrase after of, or the possessor; one that is
    named has a capital and nothing before it: a person, a product, or the first word of a sentence."""

    words: tuple[str, ...]
    start: int
    end: int
    plural: bool
    pronoun: str = ""
    of: Phrase | None = None
    upper: bool = False
    named: bool = False

    @property
    def head(self) -> str:
        """Its last word; "" of a pronoun."""
        return self.words[-1] if self.words else ""


@dataclass(frozen=True, slots=True)
class Group:
    """A verb with its auxiliaries, by token positions."""

    start: int
    end: int
    verb: Verb
    passive: bool = False
    negative: bool = False
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """One verb with what surrounds it."""

    group: Group
    subject: Phrase | None
    objects: tuple[Phrase, ...]
    tails: tuple[tuple[str, tuple[Phrase, ...]], ...]
    start: int
    end: int
    which: bool = False  # tells which things are meant
    was: bool = False


@lru_cache(maxsize=2048)
def tokens_of(text: str) -> tuple[Token, ...]:
    """The words of a sentence with their classes; a particle verb (look up) becomes one word."""
    found = [_token(match) for match in _TOKEN.finditer(text)]
    joined: list[Token] = []
    for token, after in pairwise([*found, _END]):
        pair = f"{joined[-1].low}_{token.low}" if joined else ""
        known = verbs.forms().get(pair)
        first = joined[-2].tag if len(joined) > 1 else ""
        parts = known and (known[0][0].kind == "input" or (token.low == "in" and first == "B"))
        apart = parts and after.tag == "D"  # signed in the book, taken in the meantime
        noun = known and known[0][1] in ("ing", "base") and first == "D"  # the booking in, the count on
        if known and not (apart or noun) and (token.low, after.low) != ("up", "to"):
            before = joined.pop()
            token = Token(f"{before.text} {token.text}", pair, "W", before.start, token.end)
        if token.low == "that" and joined and joined[-1].tag in "PT":
            token = replace(token, tag="D")
        joined.append(token)
    return tuple(joined)


def clauses(tokens: Sequence[Token]) -> Sequence[Clause]:
    """The clauses of a sentence in order; a clause without a subject of its own takes over the one before."""
    return _clauses(tuple(tokens))


@lru_cache(maxsize=2048)
def _clauses(tokens: tuple[Token, ...]) -> Sequence[Clause]:
    groups = _groups(tokens)
    made: list[Clause] = []
    for number, group in enumerate(groups):
        begin = groups[number - 1].end if number else 0
        finish = _before(tokens, group.end, groups[number + 1]) if number + 1 < len(groups) else len(tokens)
        clause = _clause(tokens, group, begin, _complement_end(tokens, group.end, finish), made)
        if clause:
            made.append(clause)
    return _shared_objects(made)


def noun_phrase(tokens: Sequence[Token], start: int, end: int) -> Phrase | None:
    """The noun phrase that begins at start (determiners and adjectives before it are skipped)."""
    i = start
    while i < end and tokens[i].tag in "DRQAN" and not _heads(tokens, i, end):
        i += 1
    if i < end and (tokens[i].tag == "O" or tokens[i].low == "one") and tokens[i].low not in ("which", "who"):
        return Phrase((), i, i + 1, tokens[i].low in ("they", "them"), pronoun=tokens[i].low)
    if i + 1 < end and tokens[i + 1].low in ("one", "ones") and is_done(tokens[i].low):  # a flagged one
        return Phrase((), i, i + 2, tokens[i + 1].low == "ones", pronoun="it")
    first = i
    while i < end and (tokens[i].tag == "W" or _amid(tokens, i, first, end)) and not _doing(tokens, i, first):
        i += 1
    if i == first:
        return None
    phrase = _phrase(tokens, first, i)
    if first == start and tokens[first].text[:1].isupper() and not phrase.plural:
        phrase = replace(phrase, named=True)
    return _with_of(tokens, phrase, end)


def _doing(tokens: Sequence[Token], i: int, first: int) -> bool:
    """`the order stating a reason`, `exceeding 5 kW`: what the thing before does."""
    after = _at(tokens, i + 1)
    begins = after.tag in "DQ"
    begins = begins and (i > first or _at(tokens, i - 1).tag != "D")
    return begins and tokens[i].low.endswith("ing")


def _amid(tokens: Sequence[Token], i: int, first: int, end: int) -> bool:
    """An adjective or number inside a noun phrase: `stock on hand` has none, `order 42` and `blood red cell` have."""
    if i == first:
        return tokens[i].tag == "A"
    word_next = i + 1 < end and tokens[i + 1].tag == "W"
    return word_next if tokens[i].tag == "A" else tokens[i].tag == "Q" and not word_next


def _heads(tokens: Sequence[Token], i: int, end: int) -> bool:
    """An adjective with no noun after it stands for the noun itself; so does `another one`."""
    alone = tokens[i].tag == "A" and _at(tokens, i + 1).low not in ("one", "ones")
    return (alone or tokens[i].low == "one") and (i + 1 >= end or tokens[i + 1].tag not in "WAQR")


def noun_phrases(tokens: Sequence[Token], start: int, end: int) -> tuple[list[Phrase], int]:
    """A list of noun phrases joined by commas and conjunctions, and where it ends."""
    found: list[Phrase] = []
    i = start
    while i < end:
        phrase = noun_phrase(tokens, i, end)
        if phrase is None:
            break
        found.append(phrase)
        i = phrase.end
        while i < end and (tokens[i].tag == "C" or tokens[i].text in ",/"):
            i += 1
    return found, found[-1].end if found else start


def _token(match: re.Match[str]) -> Token:
    text = match[0].replace("’", "'")
    return Token(text, text.lower(), _tag(text, text.lower()), match.start(), match.end())


@cache
def _tag(text: str, low: str) -> str:
    if not text[0].isalnum():
        return "C" if text == "&" else "X"
    if text[0].isdigit():
        return "Q"
    if low == "to":
        return "T"
    if len(text) > 1 and text.isupper():
        return "W"
    if low in _CLASSES:
        return _CLASSES[low]
    if low.endswith("ly") and len(low) > 4 and low not in _NOT_ADVERBS:
        return "R"
    return "A" if low.endswith(("able", "ible")) and len(low) > 6 and low != "deliverable" else "W"


def _phrase(tokens: Sequence[Token], first: int, end: int) -> Phrase:
    chosen = list(tokens[first:end])
    owner = None
    for position, token in enumerate(chosen[:-1]):
        if token.text.endswith(("'s", "s'")):
            owner = _phrase(tokens, first, first + position + 1)
            chosen = chosen[position + 1 :]
            break
    while len(chosen) > 1 and is_done(chosen[0].low):
        chosen = chosen[1:]
    while len(chosen) > 1 and is_done(chosen[-1].low):
        chosen = chosen[:-1]
    words = tuple(token.low.removesuffix("'s").rstrip("'") for token in chosen[-4:])
    upper = all(token.text.isupper() and len(token.text) > 1 for token in chosen)
    return Phrase(words, first, end, naming.is_plural(words[-1]), of=owner, upper=upper)


def is_done(low: str) -> bool:
    """Whether a word is a participle and nothing else: published."""
    forms = {form for _, form in verbs.forms().get(low, ())} if low not in _NOUNS_DONE else set()
    return "part" in forms and "base" not in forms


def _with_of(tokens: Sequence[Token], phrase: Phrase, end: int) -> Phrase:
    has = phrase.end < end and tokens[phrase.end].low == "of"
    of = noun_phrase(tokens, phrase.end + 1, end) if has else None
    return replace(phrase, end=of.end, of=of) if of else phrase


# ---------------------------------------------------------------- verb groups


def _groups(tokens: Sequence[Token]) -> list[Group]:
    found: list[Group] = []
    i = 0
    while i < len(tokens):
        group = _group_at(tokens, i, found[-1] if found else None)
        if group is None:
            i += 1
        else:
            found.append(group)
            i = group.end
    return found or _imperative(tokens)


def _group_at(tokens: Sequence[Token], i: int, before: Group | None) -> Group | None:
    for rule in (_modal, _be, _have):
        if group := rule(tokens, i):
            return group
    return (before and _coordinated(tokens, i, before)) or _finite(tokens, i, before)


def _skip(tokens: Sequence[Token], i: int) -> tuple[int, bool]:
    """Past adverbs and not; whether there was a not."""
    negative = False
    while i < len(tokens) and (tokens[i].tag in "RN" or tokens[i].low in ("either", "both")):
        negative = negative or tokens[i].tag == "N"
        i += 1
    return i, negative


def _at(tokens: Sequence[Token], i: int) -> Token:
    """The word there; behind the last one none."""
    return tokens[i] if i < len(tokens) else _END


def _modal(tokens: Sequence[Token], i: int) -> Group | None:
    j, negative = _skip(tokens, i + 1)
    low = tokens[i].low
    if tokens[i].tag != "M" or (low.startswith("d") and not negative):
        return None
    group = _be(tokens, j) or _have(tokens, j) or _base_at(tokens, j)
    return group and replace(group, start=i, negative=negative or low == "cannot" or group.negative)


def _base_at(tokens: Sequence[Token], i: int) -> Group | None:
    """The word at i, which must be a verb in its base form, listed or not."""
    if _at(tokens, i).tag in "DOCSPMBHXTQ":
        return None
    verb = verbs.as_form(tokens[i].low, "base") or verbs.guessed(tokens[i].low)
    return Group(i, i + 1, verb, bare=True)


def _be(tokens: Sequence[Token], i: int) -> Group | None:
    be = _at(tokens, i).tag
    if be not in "BG":
        return None
    j, negative = _skip(tokens, i + 1)
    if _at(tokens, j).low == "being":
        return None
    one = _at(tokens, j)
    verb = verbs.as_form(one.low, "part") or (verbs.guessed_from_ed(one.low) if one.tag == "W" else None)
    if verb:
        after = _at(tokens, j + 2)
        off = _at(tokens, j + 1).low in _PARTICLES and after.tag not in "DWAQO" and after.low != "of"
        if off and "_" not in verb.base:  # the meters are read off
            low = _at(tokens, j + 1).low
            verb = Verb(f"{verb.base}_{low}", f"{verb.participle}_{low}", "update")
        return Group(i, j + 1 + off, verb, True, negative)
    verb = verbs.as_form(one.low, "ing") if be == "B" and one.tag != "A" else None
    return Group(i, j + 1, verb, False, negative) if verb else None


def _have(tokens: Sequence[Token], i: int) -> Group | None:
    if _at(tokens, i).tag != "H":
        return None
    j, negative = _skip(tokens, i + 1)
    one = _at(tokens, j)
    if one.low == "been":
        group = _be(tokens, j)
        return group and replace(group, start=i, negative=negative or group.negative)
    verb = verbs.as_form(one.low, "part") if one.tag != "A" else None
    return Group(i, j + 1, verb, negative=negative) if verb and _at(tokens, j + 1).tag != "W" else None


def _coordinated(tokens: Sequence[Token], i: int, before: Group) -> Group | None:
    """A verb after `and` or a comma in the form of the verb before it."""
    start = i
    i, negative = _skip(tokens, i + (before.bare and tokens[i].tag == "T"))
    word = _at(tokens, i).low
    if before.passive and _at(tokens, i + 1).tag in "PTRXC" and (verb := verbs.as_form(word, "part")):
        own, _ = _subject(tokens, before.end, i)
        if own and own.end == i and not verbs.as_form(word, "base"):
            return Group(start, i + 1, verb, True, negative)  # the gate is closed and the guard informed
    if tokens[start - 1].tag != "C" and tokens[start - 1].text != ",":
        return None
    if before.passive and (verb := verbs.as_form(word, "part")):
        return Group(start, i + 1, verb, True, negative)
    forms: tuple[verbs.Form, ...] = ("base",) if before.bare else ("s",) if before.passive else ("s", "past")
    verb = verbs.as_form(word, *forms)  # is closed and goes back to the depot
    noun = word.rstrip("s") in _NOUN_TOO and not _begins_object(tokens, i + 1)
    if verb is None or noun:
        return None
    return Group(start, i + 1, verb, negative=negative, bare=before.bare)


def _begins_object(tokens: Sequence[Token], i: int) -> bool:
    one = _at(tokens, i)
    return not one.text or one.tag in "DOAQC" or (one.tag == "W" and naming.is_plural(one.low))


def _finite(tokens: Sequence[Token], i: int, before: Group | None) -> Group | None:
    """A verb in the third person, plural or past, right after its subject."""
    if i == 0 and _at(tokens, 1).tag == "D" and (verb := verbs.as_form(tokens[0].low, "s")):
        return Group(0, 1, verb)  # Walks the field
    if i == 0 or tokens[i].tag not in "WAG" or tokens[i].text.isupper():
        return None
    if not _after_subject(tokens[i - 1]) or (before and not _parted(tokens, before.end, i)):
        return None
    counted = tokens[i - 1].tag == "A" and tokens[i].low.removesuffix("s") in _NOUN_TOO  # all open offers
    if counted or _at(tokens, i + 1).tag in "BMHG":
        return None
    for rule in (_third_person, _plural_verb, _past):
        if verb := rule(tokens, i, _at(tokens, i + 1)):
            return Group(i, i + 1, verb, bare=rule is _plural_verb)
    return None


def _after_subject(before: Token) -> bool:
    return before.tag in "WORQA" or before.text == ")" or before.low in ("one", "this", "either", *_RELATIVE)


def _third_person(tokens: Sequence[Token], i: int, following: Token) -> Verb | None:
    low, before = tokens[i].low, tokens[i - 1]
    verb, noun = verbs.as_form(low, "s"), low[:-1] in _NOUN_TOO
    after = following.tag
    collective = verb and after in "DO" and not noun  # Accounts pays the seller
    if before.tag == "W" and naming.is_plural(before.low) and not collective:
        return None
    if verb:  # customer orders expire, the water values of a basin
        other = following.low == "of" or (after == "W" and verbs.as_form(following.low, "s", "base"))
        return None if noun and other else verb
    known = (
        tokens[i].text.islower() and low.endswith("s") and not low.endswith(("ss", "us", "is", "ings", "'s"))
    )
    alone = before.low in ("it", "he", "she", "who") and after in "PTXCS"
    does = alone or (after in "DO" and following.low != "i")
    return verbs.guessed(naming.singular(low)) if known and does else None


def _plural_verb(tokens: Sequence[Token], i: int, following: Token) -> Verb | None:
    before = tokens[max((j for j in range(i) if tokens[j].tag != "R"), default=i - 1)]  # we then charge
    many = before.tag == "W" and naming.is_plural(before.low) and not before.text.endswith("'s")
    subject = many or before.low in ("i", "we", "they", "you", "people", "staff")
    both = tokens[i].low in _NOUN_TOO and (before.low in _MODIFIERS or tokens[i - 1] is tokens[0])
    listed = following.text == "," or (following is _END and both)
    return verbs.as_form(tokens[i].low, "base") if subject and not listed else None


def _past(tokens: Sequence[Token], i: int, following: Token) -> Verb | None:
    told = following.low in ("by", "in", "on", "at", "from", "with") or following.tag == "W"
    return None if told else verbs.as_form(tokens[i].low, "past")


def _imperative(tokens: Sequence[Token]) -> list[Group]:
    """`Register a new book`: a sentence that begins with its verb."""
    i, negative = _skip(tokens, 0)
    verb, after = verbs.as_form(_at(tokens, i).low, "base"), _at(tokens, i + 1)
    begins = after.tag in "DO" or (_at(tokens, i).low not in _NOUN_TOO and after.tag in "AQWC")
    if verb is None or not (begins or after.text == ","):
        return []
    first = Group(i, i + 1, verb, negative=negative, bare=True)
    more = [_coordinated(tokens, j, first) for j in range(i + 1, len(tokens))]
    return [first, *(group for group in more if group)]


# ---------------------------------------------------------------- clauses


def _before(tokens: Sequence[Token], begin: int, after: Group) -> int:
    """Where what belongs to a verb ends before the next one: `returns the copy and the librarian closes` has one object."""
    own, start = _subject(tokens, begin, after.start)
    if own is None or tokens[after.start - 1].low in _RELATIVE:
        return after.start
    while start > begin and (tokens[start - 1].tag in "CDAQR" or tokens[start - 1].text == ","):
        start -= 1
    return start


def _complement_end(tokens: Sequence[Token], start: int, end: int) -> int:
    """A complement ends where a subordinate part or another main part begins."""
    for i in range(start, end):
        if tokens[i].tag == "S" or tokens[i].text in ";:(—–" or tokens[i].low == "but":
            return i
    return end


def _clause(
    tokens: Sequence[Token], group: Group, begin: int, end: int, made: Sequence[Clause]
) -> Clause | None:
    before = made[-1] if made else None
    own, start = _subject(tokens, begin, group.start)
    if own and own.plural and own.start > begin and tokens[group.start].low in ("is", "was", "has", "gets"):
        first = _first_phrase(tokens, begin, group.start)  # a project with germs or plants is refused
        own, start = (first, first.start) if first and not first.plural else (own, start)
    who = own or (before and (made[0] if made[0].which else before).subject)  # nobody who has paid may
    nobody = who and who.head in ("nobody", "nothing", "none") and (who is not own or not group.bare)
    if nobody or (own and own.start and tokens[own.start - 1].low == "no"):
        group = replace(group, negative=True)
    if own is None and begin and before is not None:
        relative = tokens[before.group.start - 1].low in _RELATIVE
        if not relative and begin < group.start and not _parted(tokens, begin, group.start):
            return None
        start = group.start
    subject = own or (before.subject if before and begin else None)
    objects, at = noun_phrases(tokens, group.end, end)
    particle = f"{group.verb.base}_{tokens[at].low}" if objects and at < end else ""
    verb = verbs.as_form(particle, "base")
    if verb and (at + 1 >= end or tokens[at + 1].tag not in "DWAQ"):  # checks the guests in
        group, at = replace(group, verb=verb), at + 1
    by, was = group.start - 1, tokens[group.start].low in ("was", "were", "got")
    which = by > 0 and tokens[by].low in _RELATIVE and tokens[by - 1].text != ","  # orders that are paid
    if own and objects and objects[0].pronoun in ("itself", "themselves"):  # the lamp switches itself off
        objects[0] = own
    return Clause(group, subject, tuple(objects), _tails(tokens, at, end), start, end, which, was)


def _parted(tokens: Sequence[Token], begin: int, end: int) -> bool:
    """Whether a conjunction, a comma or a relative word stands between two words."""
    return any(token.tag in "CS" or token.text in ",;:–—" for token in tokens[begin:end])


def _subject(tokens: Sequence[Token], begin: int, end: int) -> tuple[Phrase | None, int]:
    """The last noun phrase list before the verb, after the last break; who, which, that mean the noun before them."""
    if end > begin and tokens[end - 1].low in _RELATIVE and end - 1 > begin:
        return _last_phrase(tokens, begin, end - 1 - (tokens[end - 2].text == ",")), end
    start = begin
    for i in range(begin, end):
        broken = tokens[i].tag == "S" or tokens[i].text in ",;:()–—" or (begin and tokens[i].tag == "C")
        if broken and i + 1 < end:
            start = i + 1
        elif broken:  # the deposit, less any damage, is refunded
            apart = start > begin and tokens[i].text == tokens[start - 1].text == ","
            return _subject(tokens, begin, start - 1) if apart else (None, end)
    if begin and start == begin:
        return None, end
    phrase = _first_phrase(tokens, start, end)
    return phrase, phrase.start if phrase else end


def _first_phrase(tokens: Sequence[Token], start: int, end: int) -> Phrase | None:
    while start < end and tokens[start].tag in "CRX":
        start += 1
    within = start < end and tokens[start].tag in "PT"  # in the evening the cashier
    phrase = noun_phrase(tokens, start + within, end)
    timed = within or (phrase and naming.singular(phrase.head) in _TIMES)
    if phrase and timed and phrase.end < end and tokens[phrase.end].tag in "DO":
        return noun_phrase(tokens, phrase.end, end)
    return None if within else phrase


def _last_phrase(tokens: Sequence[Token], begin: int, end: int) -> Phrase | None:
    start = end
    while start > begin and tokens[start - 1].tag in "WADQ":
        start -= 1
    return noun_phrase(tokens, start, end)


def _tails(tokens: Sequence[Token], start: int, end: int) -> tuple[tuple[str, tuple[Phrase, ...]], ...]:
    """What follows prepositions: (to, the cart), (by entering, an address), (as on, loan)."""
    found = []
    i = start
    while i < end:
        doing = verbs.as_form(_at(tokens, i + 1).low, "ing")
        if tokens[i].tag not in "PT" and not (tokens[i].tag == "C" and doing):
            i += 1
            continue
        j, word = i + 1, tokens[i].low
        if doing or (word == "as" and _at(tokens, j).tag == "P"):
            j, word = j + 1, f"{word} {tokens[j].low}"
        phrases, after = noun_phrases(tokens, j, end)
        if not phrases and word != "by" and _at(tokens, j).tag == "Q":  # falls below 5
            phrases = [Phrase((), j, j + 1, False)]
        if phrases:
            found.append((word, tuple(phrases)))
        i = max(after, j)
    return tuple(found)


def _shared_objects(made: Sequence[Clause]) -> list[Clause]:
    """`creates, updates and deletes products`: verbs without an object take the next one's."""
    shared: list[Clause] = []
    for clause in reversed(made):
        after = shared[-1] if shared else None
        alone = not (clause.objects or clause.tails or clause.group.passive)
        alone = alone and clause.group.verb.base not in _TAKES
        if after and alone and clause.subject == after.subject and not after.group.passive:
            clause = replace(clause, objects=after.objects, tails=after.tails)
        shared.append(clause)
    return shared[::-1]
