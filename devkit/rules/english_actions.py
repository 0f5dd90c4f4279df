"""Reads what English clauses say is done: who does what to what, by verbs or by the nouns of what happened. What follows from
what is in english."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial

from devkit.rules import lexicon, naming, verbs
from devkit.rules.english_grammar import Clause, Group, Phrase, Token, clauses, is_done, noun_phrase
from devkit.rules.english_lists import is_person, term_of
from devkit.rules.facts import Action, Facts, Kind, Members, Place, Term, noticed
from devkit.rules.saying import Reading
from devkit.rules.text import Sentence
from devkit.rules.verbs import Verb

FILE = "english_words.txt"
words = partial(lexicon.words, FILE)
VERB_OF = {noun: verb for verb, noun in lexicon.pairs(FILE, "implied").items()}
VERB_OF |= lexicon.pairs(FILE, "nominal")
"""What a noun says was done: payment, pay."""
BECOMES = words("become")
LIMITS = ("exceed", "reach")
_CHANGES = words("change")
_MESSAGES = words("message")
_WHOLE = ("status", "availability", "history", "type")
_DONE = ("ed", "en", "wn", "nt", "ld", "id", "st", "nd", "ght")
_ABSTRACT = ("ment", "ness", "ity", "ism", "ture", "ance", "ence", "ship")
_PAST = ("below", "above", "under", "over", "beyond", "behind", "to")
_GETS = ("receive", "get", "get_back")
_BODIES = ("ybody", "ebody", "yone", "eone")


class Actions(Reading):
    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._things: set[str] = set()  # what something was done to

    def _actions(
        self,
        sentence: Sentence,
        tokens: Sequence[Token],
        actor: Term | None,
        *,
        automatic: bool,
        past: bool = False,
    ) -> list[Action]:
        made = clauses(tokens)
        found: list[Action] = []
        for clause in made:
            base, happens = clause.group.verb.base, automatic and clause.group.passive
            chosen = base in words("input_like") and not happens and len(made) > 1
            told = not past and _is_told(tokens, clause, automatic=automatic)
            if chosen or told or _is_idle(tokens, clause, automatic=automatic):
                continue
            place = sentence.place(tokens[clause.start].start, tokens[clause.end - 1].end)
            who = None if base in _GETS else actor
            if (
                clause.objects
                and not clause.group.passive
                and any(t.low == "automatically" for t in tokens[clause.start : clause.end])
            ):
                who, clause = None, replace(clause, subject=None)
            several = _by_object(tokens, _meant(clause, automatic=automatic))
            done = (self._action(place, one, who, automatic=automatic, past=past) for one in several)
            found += filter(None, done)
        return found or ([] if past else self._became(sentence, tokens, only_change=True))

    def _action(
        self, place: Place, clause: Clause, actor: Term | None, *, automatic: bool, past: bool
    ) -> Action | None:
        group, kind = clause.group, clause.group.verb.kind
        self._speak_of(clause.subject if group.passive else next(iter(clause.objects), None))
        kept = clause.was or (not automatic and _is_kept(clause))
        if (
            clause.which
            or kind == "gesture"
            or group.verb.base in BECOMES
            or (group.passive and not past and kept)
        ):
            return None
        named = (clause.subject,) if group.passive else clause.objects
        entered = group.verb.base == "enter" and any(one and not _is_attribute(one) for one in named)
        if group.negative or kind == "state" or (kind == "input" and not (past or entered)):
            self._remember_inputs(place, clause, kind)
            return None
        if kind == "threshold" and not group.passive:
            return self._crossed(place, clause)
        if self._by_nobody(clause) or _no_question(clause, automatic=automatic):
            return None
        return self._made(place, clause, actor, automatic=automatic, past=past)

    def _speak_of(self, about: Phrase | None) -> None:
        """What the next pronoun may mean, whether or not anything is done to it."""
        odd = words("nobody") | words("adjective") | _MESSAGES
        if about and about.words and not (is_person(about.head) or about.head in odd or _skipped(about)):
            self._thing = self._thing if _is_attribute(about) else self._thing_of(about)[0]

    def _by_nobody(self, clause: Clause) -> bool:
        """`Maria sends a list`, `the station loses power`: who does something is a role or a system, not a name or a thing."""
        subject, group = clause.subject, clause.group
        if group.passive or group.verb.kind == "intransitive" or not clause.objects:
            return False
        if subject is None or not subject.words:
            return False
        if self._facts.headings and term_of(subject).name == self._facts.headings[0].term.name:
            return True  # what the whole text is about
        if is_person(subject.head) or is_system(subject) or subject.head in words("nobody"):
            return False
        word = naming.singular(subject.head)
        acts = word in VERB_OF or verbs.as_form(word, "base")  # Dispatch ships the order
        if word.endswith(_ABSTRACT) and word not in VERB_OF:
            return True  # this agreement replaces all earlier ones
        named = subject.named and not acts and not any(one.plural for one in clause.objects)
        return named or naming.pascal(word) in self._things

    def _crossed(self, place: Place, clause: Clause) -> Action | None:
        """`the stock falls below the minimum`: somebody must notice it."""
        thing, owner = self._thing_of(clause.subject) if clause.subject else (None, None)
        limits = ((word, phrases[0]) for word, phrases in clause.tails if word in _PAST)
        preposition, limit = next(limits, ("", next(iter(clause.objects), None)))
        bare = not (preposition or clause.group.verb.base in LIMITS)
        if thing is None or (limit and limit.pronoun) or (bare and "_" not in clause.group.verb.base):
            return None
        self._thing = thing
        state = naming.pascal(preposition or clause.group.verb.base)
        state += term_of(limit).name if limit and limit.words else ""
        command, event = _term(f"Detect{thing.name}{state}"), _term(f"{thing.name}{state}Detected")
        return noticed(place, "detect", thing, owner, command, event)

    def _made(
        self, place: Place, clause: Clause, actor: Term | None, *, automatic: bool, past: bool
    ) -> Action | None:
        doer, verb = self._doer(clause, actor), clause.group.verb
        target, preposition = self._target(clause, alone=automatic or past, past=past)
        thing, owner = self._thing_of(target) if target and not _skipped(target) else (None, None)
        if thing is None or target is None:
            return None
        self._things.add(naming.pascal(naming.head(thing.name)))
        into, tail = _into(clause)
        owner, kind = owner or into, _kind(verb, thing)
        listed = target.of is not None and naming.singular(target.head) in words("reported")
        if listed and verb.base in words("reporting") and not (automatic or past):
            kind = "query"
        elif listed and kind != "query":
            thing += term_of(replace(target, words=target.words[-1:]))
        command, event = _names(verb, thing, tail, preposition)
        if into:  # AddItemToCart, ItemAdded
            event = _names(verb, thing, "", preposition)[1]
        if kind == "query":
            command = event = _question(verb, target, thing, owner)
        elif kind != "notify" and not target.pronoun:
            attribute = _is_attribute(target) and len(target.words) == 1
            self._thing = self._thing if attribute else thing
        system = doer is not None and naming.head(doer.name) in words("system")
        return Action(
            place=place, kind=kind, verb=verb.base, actor=None if system else doer, thing=thing, owner=owner, command=command,
            event=event, fields=_fields(clause), automatic=automatic or bool(system) or (clause.group.passive and doer is None),
        )  # fmt: skip

    def _doer(self, clause: Clause, actor: Term | None) -> Term | None:
        """Who does it: the subject, or the agent after by."""
        subject, doer = clause.subject, None
        if clause.group.passive:
            agents = (phrases[0] for word, phrases in clause.tails if word == "by")
            doer = next((term_of(agent) for agent in agents if is_person(agent.head)), None)
        elif subject is None or subject.pronoun or subject.head in words("nobody"):
            known = subject is not None and subject.pronoun in ("he", "she", "they")
            doer = actor or (self._actor if known else None)
        elif is_person(subject.head) or (
            clause.objects and clause.group.verb.base not in ("show", "display")
        ):
            doer = term_of(subject)
        self._actor = doer or self._actor
        return doer

    def _target(self, clause: Clause, *, alone: bool, past: bool) -> tuple[Phrase | None, str]:
        """What it is done to, and the preposition in between, if any; `alone`: a thing may do it by itself."""
        subject, verb = clause.subject, clause.group.verb
        if clause.group.passive:
            told = subject and _is_somebody(subject) and verb.base in words("dative_to")
            given = clause.objects[:1] if told or verb.base in words("dative") else ()
            return next((one for one in given if one.words and one.words != ("home",)), subject), ""
        thing = subject and subject.words and not is_person(subject.head) and not is_system(subject)
        if clause.objects and not (thing and verb.kind == "intransitive"):
            return clause.objects[0], ""
        preposition = lexicon.pairs(FILE, "takes").get(verb.base, "")
        for word, phrases in clause.tails:
            if phrases[0].words and word in preposition.split("|"):
                return phrases[0], word
        if verb.kind == "intransitive" or thing:
            return subject if alone or (verb.kind == "intransitive" and "_" not in verb.base) else None, ""
        if verb.base in ("register", "sign_up") and subject and is_person(subject.head):
            return subject, ""
        return None, ""

    def _thing_of(self, phrase: Phrase) -> tuple[Term | None, Term | None]:
        """The thing, and what it is a part of."""
        if phrase.head.endswith(_BODIES):
            return None, None
        if phrase.pronoun:
            many = self._thing is not None and (self._thing.plural or self._thing.name.endswith("s"))
            meant = ("it", "itself", *(("they", "them", "themselves") if many else ()))
            return self._thing if phrase.pronoun in meant else None, None
        term, last = term_of(phrase), naming.singular(phrase.head)
        attribute = last in words("attribute") - _MESSAGES
        if phrase.of and phrase.of.words:
            whole = term_of(phrase.of)
            if last in words("listish"):
                return (whole + term if last in _WHOLE else whole), whole
            if not is_person(phrase.of.head):
                named = attribute or (last in words("paper") and not phrase.plural)  # the letter of rejection
                return (whole + term if named else term), whole
        elif attribute and len(phrase.words) == 1 and self._thing:
            return self._thing + term, self._thing
        return term, None

    def _remember_inputs(self, place: Place, clause: Clause, kind: str) -> None:
        """`enters the address`: fields of the thing spoken of, not a command."""
        names = tuple(term_of(phrase) for phrase in clause.objects if phrase.words and _is_attribute(phrase))
        if kind == "input" and names and self._thing and not clause.group.negative:
            self._facts.members.append(Members(place=place, owner=self._thing, names=names))

    def _became(
        self, sentence: Sentence, tokens: Sequence[Token], *, only_change: bool = False
    ) -> list[Action]:
        """`the loan becomes overdue`, `its status changes to SHIPPED`."""
        turns = BECOMES | _CHANGES
        marks = (i for i, t in enumerate(tokens) if t.low in turns or (t.tag == "B" and not only_change))
        at = next(filter(None, marks), 0)
        subject, state = noun_phrase(tokens, 0, at), tokens[at + 1 : at + 3]
        changed = tokens[at].low in _CHANGES if tokens else False
        does = state and (verbs.as_form(state[0].low, "s") or state[0].low.endswith("ing"))
        more = len(state) > 1 and (state[1].tag == "W" or state[1].low == "than")
        named = state and state[0].tag in "AW" and not (does or more)
        apart = subject and any(t.tag not in "RMBH" for t in tokens[subject.end : at])
        if not subject or _skipped(subject) or not (changed or named) or apart:
            return []
        thing, owner = self._thing_of(subject)
        if thing is None:
            return []
        self._thing, verb = thing, "Change" if changed else "Mark"
        became = "" if changed else naming.pascal(state[0].low)
        command, event = f"{verb}{thing.name}{became}", f"{thing.name}{verb.rstrip('e')}ed{became}"
        if not changed and (done := verbs.as_form(state[0].low, "part")):  # when a tool is used
            command, event = naming.pascal(done.base) + thing.name, thing.name + became
        place = sentence.place(tokens[0].start, tokens[-1].end)
        return [noticed(place, "mark", thing, owner, _term(command), _term(event))]

    def _event(self, sentence: Sentence, tokens: Sequence[Token], *, new: bool = False) -> list[Action]:
        """What a phrase without a verb of its own names as done: `checking the form`, `a refused claim`, `damage found`,
        `approval of the proof`; a thing that is only named is `new`, if it can be."""
        done = self._facts.done()
        if tokens and tokens[0].low == "no":
            return []
        found, phrase = _gerund(tokens) or participle(tokens), whole(tokens)
        named = phrase if phrase and phrase.words else None
        if not clauses(tokens):
            found = found or _nominal(tokens, {one.verb for one in done})
        if (
            new
            and named
            and tokens[0].low in ("a", "an", "another", "the")
            and all(one.tag not in "BHM" for one in tokens)
        ):
            found = found or (Verb("create", "created", "create"), named)
        if found is None:
            return []
        verb, about = found
        if verb.base == "detect" and about and (before := self._done_to(sentence, tokens[: about.end])):
            return before
        known = next((one for one in reversed(done) if one.verb == verb.base), None)
        if about is None and known:
            return [replace(known, place=sentence.whole)]
        several = tokens[0].low in ("a", "an", "each", "every", "any") or bool(named and named.plural)
        odd = several and bool(named and verbs.as_form(named.head, "ing"))  # a reading above that value
        if about is None and (odd or not (several or self._thing)):
            return []
        if about is None and several:
            verb, about = verbs.as_form("make", "base") or verb, named  # every sale: it is made
        about = about or Phrase((), 0, 0, False, pronoun="it")
        clause = Clause(Group(0, 1, verb, passive=True), about, (), (), 0, len(tokens))
        place = sentence.place(tokens[0].start, tokens[-1].end)
        action = self._action(place, _meant(clause, automatic=True), None, automatic=True, past=True)
        return [action] if action else []

    def _done_to(self, sentence: Sentence, tokens: Sequence[Token]) -> list[Action]:
        """`After the match`: what was done last to what is only named."""
        phrase = whole(tokens)
        if phrase is None or not phrase.words or phrase.end < len(tokens) or is_person(phrase.head):
            return []
        name = term_of(phrase).name
        done = (one for one in reversed(self._facts.done()) if one.thing.name.endswith(name))
        return [replace(one, place=sentence.whole) for one in [next(done, None)] if one]


def whole(tokens: Sequence[Token]) -> Phrase | None:
    """The noun phrase that a phrase begins with."""
    return noun_phrase(tokens, 0, len(tokens))


def _gerund(tokens: Sequence[Token]) -> tuple[Verb, Phrase | None] | None:
    """`Checking the form`; alone, it is checked what was checked before."""
    verb = verbs.as_form(tokens[0].low, "ing") if tokens else None
    phrase = noun_phrase(tokens, 1, len(tokens)) if verb else None
    if verb is None or (len(tokens) > 1 and phrase is None):
        return None
    return verb, phrase


def participle(tokens: Sequence[Token]) -> tuple[Verb, Phrase | None] | None:
    """`A refused declaration`, `damage found`: what was done to a thing, said before it or behind."""
    for at, token in enumerate(tokens):
        verb = verbs.as_form(token.low, "part") if token.tag in "WA" and token.low.endswith(_DONE) else None
        if verb:
            before = noun_phrase(tokens, 0, at) if at else None
            phrase = before or noun_phrase(tokens, at + 1, len(tokens))
            return (verb, phrase) if phrase and not (before and before.end < at) else None
    return None


def _nominal(tokens: Sequence[Token], done: Collection[str]) -> tuple[Verb, Phrase | None] | None:
    """`Payment`, `approval of the request`, `a fault`; a noun that is written like a verb says so with what it is done to, or where that
    was `done` before."""
    phrase = whole(tokens)
    if phrase is None or not phrase.words:
        return None
    noun, of = naming.singular(phrase.head), phrase.of
    if noun in words("incident") and noun not in VERB_OF:
        return Verb("detect", "detected", "update"), phrase
    each = tokens[0].low in ("each", "every", "any")
    both = noun in words("noun_and_verb") and (of or noun in done or each)
    verb = verbs.as_form(VERB_OF.get(noun) or (noun if both else ""), "base")
    verb = verb or (verbs.as_form(noun, "ing") if of else None)
    if verb is None:
        return None
    itself = phrase.words == (lexicon.pairs(FILE, "implied").get(verb.base),)
    before = replace(phrase, words=phrase.words[:-1], plural=False) if len(phrase.words) > 1 else None
    itself = itself and verb.base not in done
    return verb, (of if of and of.words else None) or before or (phrase if itself else None)


def _is_told(tokens: Sequence[Token], clause: Clause, *, automatic: bool) -> bool:
    """Whether somebody tells what happened or is going on, or what a message says: `I lost my key`, `the council has criticised it`,
    `that it can be fetched`."""
    begin, end, about = clause.group.start, clause.group.end, clause.subject
    first = tokens[begin]
    said = tokens[clause.start - 1].low if clause.start else ""
    if said == "that" and (first.tag in "HB" or first.low in ("can", "may")):
        return True
    forms = {form for _, form in verbs.forms().get(first.low, ()) if end - begin == 1}
    told = first.tag in "HB" or ("past" in forms and "base" not in forms)
    if about is None or clause.group.passive or not told:
        return False
    return about.pronoun in ("i", "we") or not (automatic or clause.which)


def _told_in(phrase: Phrase) -> bool:
    return naming.singular(phrase.head) in _MESSAGES


def _is_idle(tokens: Sequence[Token], clause: Clause, *, automatic: bool) -> bool:
    """`takes care`, `gives an overview`, `checks that it is so`, `is recorded in the audit trail`, `the system replaces paper`:
    nothing is done to a thing."""
    first, base = next(iter(clause.objects), None), clause.group.verb.base
    system = clause.subject is not None and is_system(clause.subject)
    if (system or automatic) and any(
        "audit" in phrases[0].words or phrases[0].words == ("log",) for _, phrases in clause.tails
    ):
        return True
    says = first is None and any(
        one.low in ("that", "whether") for one in tokens[clause.end : clause.end + 1]
    )
    chore = clause.subject is None and base in ("implement", "develop", "integrate")
    if not clause.group.passive and (says or chore or (system and base in words("purpose"))):
        return True
    if first is None or clause.group.passive or base not in words("light"):
        return False
    bare = first.start == clause.group.end and len(first.words) == 1 and not (first.plural or first.upper)
    known = first.head in VERB_OF or first.head in _MESSAGES | words("paper") | words("attribute")
    return (bare and not known) or first.head in words("idle")


def _is_kept(clause: Clause) -> bool:
    """`the arrival time is recorded`, `gloves are excluded` is nothing that is done."""
    base, about = clause.group.verb.base, clause.subject
    return base in words("standing") or (base in words("keeping") and bool(about and _is_attribute(about)))


def _no_question(clause: Clause, *, automatic: bool) -> bool:
    """Nobody looks up what an event leads to; checking one thing is work, checking its status is not."""
    base, first = clause.group.verb.base, next(iter(clause.objects), None)
    if clause.group.verb.kind != "query":
        return False
    if base == "check" or (base in words("working") and not clause.group.bare):
        return not (_asks_state(clause) or (base == "see" and first and (first.plural or first.of)))
    return automatic


def _is_attribute(phrase: Phrase) -> bool:
    return naming.singular(phrase.head) in words("attribute")


def _by_object(tokens: Sequence[Token], clause: Clause) -> list[Clause]:
    """`reserves a desk or a meeting room` does two things: each object that an article marks as one of its own."""
    articles = ("a", "an", "the")
    more = (one for one in clause.objects[1:] if one.words and tokens[one.start - 1].low in articles)
    own = [one for one in more if one.end == len(tokens) or tokens[one.end].tag not in "BMHG"]
    first, *rest = clause.objects or (None,)
    if clause.group.passive:
        return [clause]
    given = first is not None and (_is_somebody(first) or clause.group.verb.base in words("dative"))
    timed = rest and naming.singular(rest[0].head) in words("time")
    if first and given and rest and not timed and tokens[first.end].tag == "D":
        return [replace(clause, objects=tuple(rest))]  # sends the driver a list
    return [clause, *(replace(clause, objects=(other,)) for other in own)]


def _meant(clause: Clause, *, automatic: bool) -> Clause:
    """Who gets a message, or gets anything when something has happened, is sent it; who is told is informed; who gives an
    address and a photo, and to nobody, fills in something."""
    group, objects, base, meant = clause.group, clause.objects, clause.group.verb.base, ""
    about, first = clause.subject, next(iter(clause.objects), None)
    told = about if group.passive else first
    gets = base in _GETS and first is not None and (about is not None or _told_in(first))
    paper = first is not None and naming.singular(first.head) in words("paper")
    if gets and about and first and not _told_in(first):
        somebody = _is_somebody(about)
        gets = paper or base == "get_back" if somebody else automatic and (paper or _is_attribute(first))
    if group.verb.kind == "notify" and told and told.pronoun in ("you", "me", "us", "i", "we"):
        noun = {"remind": "reminder", "warn": "warning"}.get(base, "notification")
        said = Phrase((noun,), 0, 0, False)
        meant, clause = "send", replace(clause, objects=(said,), subject=said if group.passive else about)
    elif group.passive:
        meant = {"tell": "inform", "find": "detect", "keep": "retain" if automatic else ""}.get(base, "")
        if base == "ask" and automatic:
            clause = _as_work(clause)
    elif gets:
        kept = about and first and not _is_somebody(about) and _is_attribute(first)  # a crate gets a number
        meant = "return" if base == "get_back" else "assign" if kept else "send"
        clause = replace(clause, subject=None)
    elif base == "give" and len(objects) > 1 and first and not _is_somebody(first):
        meant = "provide"
    if base == "drop" and objects and about and is_person(about.head):
        clause = _as_work(clause)
    we = about and (about.pronoun in ("we", "you") or is_system(about))
    if base in ("check", "query") and (objects or group.passive) and not (we or _asks_state(clause)):
        clause = _as_work(clause)
    verb = verbs.as_form(meant, "base")
    return replace(clause, group=replace(clause.group, verb=verb)) if verb else clause


def _as_work(clause: Clause) -> Clause:
    """A question or a word that changes something."""
    return replace(clause, group=replace(clause.group, verb=replace(clause.group.verb, kind="update")))


def _is_somebody(phrase: Phrase) -> bool:
    return bool(phrase.pronoun) or is_person(phrase.head)


def _asks_state(clause: Clause) -> bool:
    """Checking a thing is work; checking its status is a question."""
    return any(naming.singular(phrase.head) in words("listish") for phrase in clause.objects)


def _skipped(phrase: Phrase) -> bool:
    """Things of the tool rather than of the business, and words that name no thing: a day, the oldest, the published, others."""
    word, whole = naming.singular(phrase.head), phrase.of.head if phrase.of else ""
    upper = phrase.upper and not whole and phrase.head not in _MESSAGES
    if upper or word in words("of_the_tool") or phrase.head in ("one", "ones", "other", "others"):
        return True
    if len(phrase.words) > 1:
        return "-".join(phrase.words[-2:]) in words("generic_thing")
    if whole:  # the number of days
        return word in words("listish") and naming.singular(whole) in words("time")
    return word in words("generic_thing") | words("time") | words("adjective") or is_done(phrase.head)


def is_system(phrase: Phrase) -> bool:
    return phrase.head in words("system")


def _kind(verb: Verb, thing: Term) -> Kind:
    kinds: dict[str, Kind] = {kind: kind for kind in ("create", "delete", "query", "notify")}
    told = verb.base in ("send", "email") and naming.head(thing.name) in _MESSAGES
    return "notify" if told else kinds.get(verb.kind, "update")


def _into(clause: Clause) -> tuple[Term | None, str]:
    """`adds an item to the cart` belongs to the cart; `marks it as lost`, `is declared void`, `set to empty` say what it became."""
    verb, passive = clause.group.verb.base, clause.group.passive
    marks = verb in words("marking")
    if marks or verb in words("complement"):
        for one in clause.objects[not passive :][:1]:
            so = one.head in words("adjective") or one.head.endswith(("able", "ible"))  # made available
            so = len(one.words) == 1 and (so or verbs.as_form(one.head, "part") is not None)
            if so or (passive and marks and one.words):
                return None, naming.pascal(" ".join(one.words))
    for word, phrases in clause.tails:
        phrase, name = phrases[0], naming.pascal(" ".join(phrases[0].words))
        preposition, *within = word.split()
        if marks and preposition == "as":  # as lost, as on loan
            return None, naming.pascal(" ".join(within)) + name
        if word == "on" and name == "Hold":
            return None, "OnHold"
        if (verb, word) in (("set", "to"), ("take", "of")):  # taken out of service
            return None, ("To" if verb == "set" else "OutOf") + name
        to = word in ("to", "from", "into", "in") or (word, verb) == ("on", "put")
        if to and verb in words("into_target") and name and not is_person(phrase.head):
            return term_of(phrase), f"{naming.pascal(word)}{term_of(phrase).name}"
    return None, ""


def _names(verb: Verb, thing: Term, tail: str, preposition: str) -> tuple[Term, Term]:
    if lexicon.pairs(FILE, "implied").get(verb.base) == thing.name.lower():
        verb = Verb("place", "placed", "create") if verb.base == "order" else Verb("make", "made", "create")
    between = naming.pascal(preposition)
    command = f"{naming.pascal(verb.base)}{between}{thing.name}{tail}"
    event = f"{thing.name}{naming.pascal(verb.participle)}{tail}"
    return _term(command), _term(event)


def _term(name: str) -> Term:
    return Term(name, naming.sentence_case(name))


def _question(verb: Verb, target: Phrase, thing: Term, owner: Term | None) -> Term:
    """The name of a look-up: what is asked for, as one or as many."""
    last, name = naming.singular(target.head), thing.name
    many = target.plural or verb.base in ("list", "search", "browse") or last in ("list", "set")
    many = many or bool(target.of and target.of.plural)
    if last not in words("shown_whole") or naming.singular(naming.head(name)) != last:
        name += "Details" if not many else "" if name.endswith("List") else "List"
    return Term(name, naming.sentence_case(name), many)


def _fields(clause: Clause) -> tuple[Term, ...]:
    """What is given along: with a title, by entering an address."""
    found: list[Term] = []
    for word, phrases in clause.tails:
        if word == "with" or word.rpartition(" ")[2] in words("entering"):
            things = [phrase for phrase in phrases if phrase.words]
            if not all(
                is_person(phrase.head) for phrase in things
            ):  # "title, author" is no company of people
                found += map(term_of, things)
    return tuple(dict.fromkeys(found))
