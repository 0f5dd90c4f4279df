"""Reads English sentences: what follows from what. What is done is in english_actions, grammar in english_grammar."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from devkit.rules import lexicon, naming, verbs
from devkit.rules.english_actions import (
    BECOMES,
    FILE,
    LIMITS,
    VERB_OF,
    Actions,
    is_system,
    participle,
    whole,
    words,
)
from devkit.rules.english_grammar import Clause, Phrase, Token, clauses, noun_phrase, tokens_of
from devkit.rules.english_lists import choices, is_person, members, term_of
from devkit.rules.facts import Action, Facts, Term
from devkit.rules.loose_ends import timer_of
from devkit.rules.saying import Said, by_itself
from devkit.rules.text import Sentence

_STORY = lexicon.pattern("english_story")
_REWORDED = lexicon.forms(
    "english",
    NOMINAL="|".join(lexicon.pairs(FILE, "nominal")) + "|(?:report|request|order|rental|use) of",
    MESSAGE="|".join(words("message")),
    BASE="|".join(verbs.plain() - words("noun_and_verb")),
    ABLE="|".join(words("able")),
    MUST="|".join(words("must")),
)
_REMINDING = lexicon.pattern("english_reminding")
_BEGINS = ("after", "every", "each", "at ", "nightly", "hourly")
_RULE = lexicon.pattern("english_rule")
_SECTION = lexicon.pattern("english_section")
_ASKED = lexicon.pattern("english_asked")
_BEGUN = lexicon.pattern("english_begun")
_TWO = lexicon.pattern("english_two")
_JOB = lexicon.pattern("english_job")
_REFUSED = lexicon.pattern("english_refused")
_CAN = lexicon.pattern("english_can")
_AGAIN = lexicon.pattern("english_again")
_TRIGGERS = frozenset(("when", "whenever", "once", "after", "upon"))
_DEMONSTRATIVES = ("this", "that", "so")
_ANY = ("a", "an", "each", "every", "any")
_NAMING = ("after", "upon", "before")
_WITH_TIME = {"overdue", "late", "expired", "due", "stock"}


@lru_cache(maxsize=2048)
def _said(text: str) -> Said:
    """The same sentence is read once, in whatever questions it stands."""
    said, actor = text, None
    if story := _STORY.match(said):
        phrase = whole(tokens_of(story["actor"]))
        actor, said = term_of(phrase) if phrase else None, said[story.end() :]
    short = "'" in said or "’" in said
    for pattern, instead in _REWORDED:
        if "['’]" in pattern.pattern and not short:
            continue
        if pattern.pattern[0] != "^" or pattern.match(said):
            said = pattern.sub(instead, said)
    cause, effect = _halves(tokens_of(said))
    state = _state(cause) if cause else _time(said, effect)
    return Said(
        choices=choices(text), members=[] if cause else members(text), rule=bool(_RULE.search(text) or _REFUSED.search(text)), words=said, actor=actor, cause=cause,
        effect=effect, state=state,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Course:
    """What came before a sentence: the one before and what it says is done, what was done last, what that followed from; or
    the question that it answers."""

    sentence: Sentence | None = None
    effect: Sequence[Token] = ()
    latest: Sequence[Action] = ()
    causes: Sequence[Action] = ()
    asked: str = ""


class English(Actions):
    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._course = _Course()

    def forget(self) -> None:
        super().forget()
        self._course = _Course()

    def asked(self, question: str) -> None:
        """What the next sentence answers: `What happens when a ticket is lost?`, `Oven too hot?`"""
        found = _ASKED.search(question)
        self._course = _Course(asked=next(filter(None, found.groups()), "").strip() if found else "")
        for about in [one for clause in clauses(tokens_of(question))[:1] for one in clause.objects]:
            self._speak_of(about)

    def heading(self, title: str) -> Term:
        """The concept of a heading; its thing is what the next sentences' pronouns may mean."""
        text = re.sub(r"\(.*?\)", "", _SECTION.sub("", title)) or title
        return Term(naming.pascal(text), re.sub(r"\s+", " ", text).strip(" .:"))

    def unknown(self, title: str) -> bool:
        """`Donate blood` is something to do, no area."""
        verb, *rest = title.lower().split() or [""]
        noun = words("noun_and_verb") | words("attribute")
        return bool(rest) and verbs.as_form(verb, "base") is not None and verb not in noun

    def is_actor(self, title: str) -> bool:
        parts = naming.parts(title)
        return 0 < len(parts) < 3 and is_person(parts[-1])

    def has_verb(self, text: str) -> bool:
        """Whether a line says that something is done; `Insurance claims` does not."""
        tokens = tokens_of(text)
        made = clauses(tokens)
        long = len(text.split()) > 3 and (made or any(token.tag in "BHM" for token in tokens))
        return bool(long) or any(one.objects or one.tails or one.group.passive for one in made)

    def doing(self, who: str, does: str, *, seen: bool = False) -> str:
        base = verbs.as_form(does.split()[0], "base")
        doer = f"The {who.lower()} " if who else ""
        return f"{doer}{'can see the ' if seen else 'can ' if base and who else ''}{does}"

    def sentence(self, sentence: Sentence, actor: Term | None = None) -> None:
        """Adds what one sentence says, and keeps it for what follows from it in the next one."""
        sentence = self._answering(sentence)
        if two := _TWO.search(sentence.text):
            self.sentence(replace(sentence, text=sentence.text[: two.start()]), actor)
            self.sentence(replace(sentence, text=sentence.text[two.end() :]), actor)
            return
        done, reacted = self._facts.so_far()
        led = self._sentence(sentence, actor)
        new, reactions = self._facts.actions[done:], self._facts.reactions[reacted:]
        every = (*new, *(a for r in reactions for a in r.results))
        last = [one for one in every if one.kind != "query" and not (led and _may_be(one))]
        causes = reactions[-1].triggers if reactions else led
        self._course = _Course(sentence, _said(sentence.text).effect, last[-1:], causes)

    def _answering(self, sentence: Sentence) -> Sentence:
        """The answer of a question: what it asks about is the cause, if the answer names none."""
        asked = self._course.asked
        if not asked or _BEGUN.match(sentence.text) or len(sentence.text.split()) < 3:
            return sentence
        answer = re.sub(r"^then,? ", "", sentence.text, flags=re.IGNORECASE)
        what, _, so = asked.rpartition(" ")
        if so in words("adjective") and not clauses(tokens_of(asked)) and " is " not in asked:  # trap full?
            asked = f"{what} is {so}"
        return replace(sentence, text=f"When {asked}, {answer[0].lower()}{answer[1:]}")

    def _sentence(self, sentence: Sentence, actor: Term | None) -> Sequence[Action]:
        """Adds it; what it says happened before."""
        said = _said(sentence.text)
        if self._lists(sentence, said) or _REFUSED.search(sentence.text):
            return ()
        sentence = replace(sentence, text=said.words) if said.words != sentence.text else sentence
        state, effect = said.state, said.effect
        causes: list[Action] = []
        it = said.cause and said.cause[0].tag == "O"  # it is shipped when it is paid
        main = [t for t in said.effect if t.start < said.cause[0].start] if it else []
        for about in (*_about(main), *_about(said.cause if state else ())):
            self._speak_of(about)
        timed = state.lower().startswith(("every", "each", "at ", "nightly"))
        alone = not (said.cause or said.actor or timed)
        if alone:
            causes, effect = self._of_event(sentence, effect)
        elif said.cause and not state:
            causes = self._before(sentence, said)
        state = state or ("" if causes else _not_understood(said))
        automatic = bool(said.cause or state or causes)
        effects = self._actions(sentence, effect, said.actor or actor, automatic=automatic)
        if said.actor and not by_itself(effects):
            causes = []  # I want to scan the papers once the exam is over
        if causes and not effects and not clauses(effect):
            effects = self._named(sentence, effect)
        if alone and not (causes or state):
            causes, effects = self._among(sentence, effect, effects)
        if causes or state:  # what may be done is no reaction
            free = [one for one in effects if _may_be(one) and (state or one.actor)]
            self._facts.actions += free
            effects = [one for one in effects if one not in free]
        if causes and effects and all(_restates(one, causes) for one in effects):
            self._facts.actions += causes  # when a bid is placed, the bid is registered
            return causes
        self._add(sentence, causes, effects, state)
        return causes

    def _before(self, sentence: Sentence, said: Said) -> list[Action]:
        """What happened before; its thing is not what a pronoun before it means."""
        spoken, effect = self._thing, said.effect
        causes = self._causes(sentence, said.cause, said.actor)
        if effect and effect[0].tag == "O" and effect[0].start < said.cause[0].start:
            self._thing = spoken  # it is unblocked when the payment is recorded
        return causes

    def _named(self, sentence: Sentence, tokens: Sequence[Token]) -> list[Action]:
        """What follows, without a verb: `repair job opened, customer informed`, `an entry in the calendar`."""
        ends = [i for i, one in enumerate(tokens) if one.text in ",;"]
        parts = (tokens[a + 1 : b] for a, b in pairwise((-1, *ends, len(tokens))))
        found = [one for part in parts if participle(part) for one in self._event(sentence, part)]
        first = tokens[: ends[0]] if ends else tokens
        return found if found and participle(first) else self._event(sentence, first, new=True)

    def _among(
        self, sentence: Sentence, tokens: Sequence[Token], effects: Sequence[Action]
    ) -> tuple[list[Action], list[Action]]:
        """A cause that the sentence has no `when` for: `the clerk files the case, and then the system assigns it`."""
        text = sentence.text
        thens = (t.start for b, t in pairwise(tokens) if t.low == "then" and b.tag not in "PS")
        then = next(thens, len(text))
        told = [one for one in effects if one.actor is None and (one.verb == "send" or one.kind == "notify")]
        by = next((i for i in range(len(effects), 0, -1) if not _by_then(effects[i - 1])), 0)
        followed = effects[by:] if by and effects[by - 1].actor else ()
        behind = [one for one in effects if text.find(one.place.quote) + len(one.place.quote) > then]
        told = list(effects) if told and all(map(_by_then, effects)) else told
        later: Sequence[Action] = followed or (behind if then < 9 else told) or behind
        near = self._just_done() if then < len(text) else ()
        before = [one for one in effects if one not in later and one.kind != "query"]
        if later and by_itself(later) and (causes := before or near):
            self._facts.actions += before[:-1]
            return list(causes[-1:]), list(later)
        return [], list(effects)

    def _just_done(self) -> Sequence[Action]:
        """What the sentence before said was done, or happened."""
        course = self._course
        told = course.sentence and clauses(course.effect) and course.effect[0].low not in _DEMONSTRATIVES
        if course.latest or course.sentence is None or not told:
            return course.latest
        return self._causes(course.sentence, course.effect, None)

    def _of_event(self, sentence: Sentence, tokens: Sequence[Token]) -> tuple[list[Action], Sequence[Token]]:
        """`Approval of the proof reserves the space`, `returned sets are examined`: the subject says what happened; what does
        nothing by itself is left to the system."""
        first = next(iter(clauses(tokens)), None)
        start = first.group.start if first else 0
        subject = tokens[: start - 1] if start and tokens[start - 1].tag == "R" else tokens[:start]
        if (
            first is None
            or first.group.negative
            or not subject
            or (first.subject and is_system(first.subject))
            or any(t.tag in "SX" for t in subject)
        ):
            return [], tokens
        if any(token.low in ("can", "may", "only", "cannot") for token in tokens[: start + 1]):
            return [], tokens
        if _AGAIN.search(sentence.text):  # every adopted tree is inspected once a year
            return [], tokens
        about, passive = first.subject, first.group.passive
        does = bool(first.objects) and not passive
        by = any(word == "by" and is_person(phrases[0].head) for word, phrases in first.tails)
        low, one = subject[0].low, len(subject) == 1
        many = (about and about.plural) or naming.is_plural(low) or (one and not verbs.as_form(low, "ing"))
        many = many and low not in _DEMONSTRATIVES
        if by or not (participle(subject) or (does and not many)):  # Dispatch packs the order
            return [], tokens
        found = self._event(sentence, subject)
        if low in _DEMONSTRATIVES and one:  # this opens a loan
            found = list(self._just_done())
        if not does or (about and is_person(about.head)):
            plain = tokens[0].tag != "D" and many and tokens[first.group.start].tag != "M"
            any_one = tokens[0].low in _ANY or ((passive or does) and plain)
            so = words("attributive")
            found = [one for one in found if any_one and one.verb not in so]
        if not found or not does:
            return found, tokens
        at = tokens[start].start
        system = Token("system", "system", "W", at, at)
        return found, (system, *tokens[start:])

    def _causes(self, sentence: Sentence, tokens: Sequence[Token], actor: Term | None) -> list[Action]:
        if tokens[0].low in _DEMONSTRATIVES and (len(tokens) < 3 or tokens[1].tag in "BHR"):
            return list(self._just_done())
        it = clauses(tokens)[:1] if tokens[0].low in ("it", "they") else ()
        course = self._course
        again = course.sentence is not None and course.sentence.text[:3].lower() == "if "
        if it and tokens[0].low == "it" and course.causes and again:
            self._thing = course.causes[-1].thing  # if it is upheld, ...; if it is dismissed, ...
        if known := [one for one in self._facts.done() if it and one.verb == it[0].group.verb.base]:
            return known[-1:]
        bare = tokens[0].tag == "D" and all(one.tag not in "BHM" for one in tokens)  # a rejected bid
        found = self._event(sentence, tokens) if bare and participle(tokens) else []
        found = found or self._actions(sentence, tokens, actor, automatic=False, past=True)
        found = found or self._became(sentence, tokens) or self._event(sentence, tokens)
        had = next((i for i, one in enumerate(tokens) if one.tag == "H"), -1)  # we have your report
        rest = tokens[had + 1 :]
        found = found or self._event(sentence, rest) or self._done_to(sentence, rest)
        return [self._facts.as_done(cause) for cause in found if cause.kind != "query"]


def _not_understood(said: Said) -> str:
    """A condition whose words say nothing that is done, or the time after it."""
    timer = timer_of(said.words)
    if not said.cause or not (" if " in f" {said.words.lower()}" or timer or not clauses(said.cause)):
        return ""
    return timer if f"{timer} later" in said.words else _plain(said.cause)


def _restates(effect: Action, causes: Sequence[Action]) -> bool:
    """Whether it says in other words what happened before."""
    same = lexicon.pairs(FILE, "same_as")
    known = (one for one in causes if one.thing.name == effect.thing.name)
    return any(
        same.get(one.verb, one.verb) == same.get(effect.verb, effect.verb)
        or one.kind == effect.kind == "create"
        for one in known
    )


def _by_then(one: Action) -> bool:
    """What nobody does, and is no possibility: the stock is corrected."""
    return one.automatic and one.kind != "query" and not _may_be(one)


def _may_be(one: Action) -> bool:
    """What somebody is free to do: the goods may be collected."""
    return bool(_CAN.search(one.place.quote))


def _state(tokens: Sequence[Token]) -> str:
    """What is so rather than happens: is positive, is not paid, exceeds 5,000. What becomes so with time (overdue) happens."""
    made = clauses(tokens)
    said = [token.low for token in tokens]
    plain = next((i for i, token in enumerate(tokens) if token.tag == "B"), 0) if not made else 0
    groups = [one.group for one in made]
    is_so = (g.verb.kind == "state" and g.verb.base != "become" for g in groups)
    limits = (one.verb.base in LIMITS and not one.passive for one in groups)
    so = bool(made) and all(a or b or one.negative for one, a, b in zip(groups, is_so, limits, strict=True))
    so = so or bool(_JOB.search(_plain(tokens)))
    timely = {*said[plain + 1 : plain + 2], *said[-1:]} & _WITH_TIME
    return _plain(tokens) if so or (plain > 0 and BECOMES.isdisjoint(said) and not timely) else ""


def _about(tokens: Sequence[Token]) -> Sequence[Phrase | None]:
    """What the first clause speaks of, its subject last."""
    made = clauses(tokens)[:1]
    return [phrase for one in made for phrase in (*one.objects, one.subject)] or [whole(tokens)]


def _plain(tokens: Sequence[Token]) -> str:
    return " ".join(token.text for token in tokens).rstrip(" .!")


def _time(text: str, effect: Sequence[Token]) -> str:
    """When time alone starts what the system does, or somebody is told: every night, a day before the appointment."""
    if any(token.low in ("can", "may") for token in effect):
        return ""
    if found := _REMINDING.search(text):
        return found[0].rstrip(".")
    timer = timer_of(text)
    made = [one for one in clauses(effect) if one.group.verb.kind != "query"]
    alone = "automatically" in text.lower() or (bool(made) and all(map(_goes_alone, made)))
    begins = timer.lower().startswith(_BEGINS) or f"{timer} later" in text
    return timer if timer and alone and begins else ""


def _goes_alone(clause: Clause) -> bool:
    """Whether nobody need be there: the system does it, or it is done or happens; somebody is told or gets it."""
    group, subject = clause.group, clause.subject
    if group.passive:
        return all(word != "by" for word, _ in clause.tails)
    ours = subject is not None and subject.pronoun == "we" and group.verb.kind == "notify"
    return group.verb.base in ("receive", "get") or ours or (subject is not None and is_system(subject))


def _halves(tokens: Sequence[Token]) -> tuple[Sequence[Token], Sequence[Token]]:
    """The cause and the effect of a sentence; the cause is empty when there is none."""
    cause, effect = _parted(tokens) if tokens else ((), ())
    return cause, _until_condition(effect)


def _parted(tokens: Sequence[Token]) -> tuple[Sequence[Token], Sequence[Token]]:
    if tokens[0].low in ("while", "before", "until"):
        comma = next((i for i, token in enumerate(tokens) if token.text == ","), -1)
        return (), tokens[comma + 1 :]
    if tokens[0].low in _TRIGGERS or tokens[0].low == "if":
        comma = _comma(tokens)
        named = range(2, comma) if tokens[0].low in _NAMING else ()  # after each sale the till is closed, ...
        for i in (i for i in named if tokens[i].tag in "DO" and tokens[i - 1].tag in "WA"):
            if not clauses(tokens[1:i]) and _subject_first(tokens[:comma], i):
                return tokens[1:i], tokens[i:]
        return (tokens[1:comma], tokens[comma + 1 :]) if comma else _without_comma(tokens)
    able = any(token.low in ("can", "may", "cannot") for token in tokens)
    for i, token in enumerate(tokens[1:], 1):
        rest = _until_condition(tokens[i + 1 :])
        if token.low == "if" and not able and _main_part(rest):
            return rest, tokens[:i]
        if token.low in _TRIGGERS and tokens[i - 1].low == "only":
            return (), tokens[: i - 1]
        if token.low in _TRIGGERS and (_main_part(rest) or (not clauses(rest) and _happens(rest))):
            return () if able else rest, tokens[:i]
    return (), tokens


def _comma(tokens: Sequence[Token], start: int = 0) -> int:
    """Where the comma before the main part stands; 0 where there is none."""
    commas = [i for i in range(start, len(tokens)) if tokens[i].text == ","]
    upon = tokens[0].low == "upon"
    parts = (i for i in commas if _main_part(tokens[i + 1 :]) or (upon and not clauses(tokens[:i])))
    named = [i for i in commas[-1:] if upon and [one.tag for one in tokens[i + 1 : i + 2]] == ["D"]]
    last = named[0] if named else 0  # upon that, the invoice
    return next(parts, 0 if clauses(tokens[last + 1 :]) else last)


def _main_part(rest: Sequence[Token]) -> bool:
    """Whether something is done or becomes so in what is left of a sentence."""
    begins = bool(rest) and rest[0].tag not in "CX"
    return begins and bool(clauses(rest) or any(t.low in BECOMES for t in rest))


def _without_comma(tokens: Sequence[Token]) -> tuple[Sequence[Token], Sequence[Token]]:
    then = next((i for i, token in enumerate(tokens) if token.low == "then" and tokens[i - 1].tag != "C"), 0)
    if then:
        return tokens[1:then], tokens[then + 1 :]
    main = [i for i in range(1, len(tokens)) if tokens[i].tag in "DO" and _subject_first(tokens, i)]
    for i in main:
        happens = tokens[0].low in _NAMING or _happens(tokens[1:i])
        if i > 1 and tokens[i - 1].tag not in "PSD" and happens:
            return tokens[1:i], tokens[i:]
    return (), tokens[next(iter(main), 1) :]


def _subject_first(tokens: Sequence[Token], start: int) -> bool:
    """Whether a main part begins there: a noun phrase and its verb."""
    made = clauses(tokens[start:])
    end = start + made[0].group.start if made else start
    phrase = noun_phrase(tokens, start, end)
    return phrase is not None and phrase.end == end


def _happens(tokens: Sequence[Token]) -> bool:
    both = words("noun_and_verb")
    full = any(b.tag == "B" and a.tag == "A" for b, a in pairwise(tokens))
    return bool(clauses(tokens)) or full or any(t.low in VERB_OF or t.low in both for t in tokens[:3])


def _until_condition(tokens: Sequence[Token]) -> Sequence[Token]:
    """An effect without its condition, which may stand before it: a day before the visit, ..."""
    for i, token in enumerate(tokens[1:], 1):
        if token.low in words("condition"):
            comma = _comma(tokens, i)
            rest = tokens[comma + 1 :] if comma else _without_comma(tokens[i:])[1]
            if rest and not clauses(tokens[:i]):
                return rest
            ands = [j for j in range(i, len(tokens) - 1) if tokens[j].low == "and"]
            part = {j for j in ands if tokens[j - 1].text == "," and _main_part(tokens[j + 1 :])}
            part |= {j for j in ands if verbs.as_form(tokens[j + 1].low, "base", "s")}
            more = min(part, default=len(tokens))
            return (*tokens[:i], *tokens[more:])  # lock it before use and release it
    return tokens
