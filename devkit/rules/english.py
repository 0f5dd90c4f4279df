"""Reads English sentences: who does what to what, and what follows from what. Grammar is in english_grammar."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import pairwise

from devkit.rules import lexicon, naming, verbs
from devkit.rules.english_grammar import Clause, Group, Phrase, Token, clauses, noun_phrase, tokens_of
from devkit.rules.english_lists import choices, is_person, members, term_of
from devkit.rules.facts import Action, Facts, Kind, Members, Place, Term, noticed
from devkit.rules.loose_ends import timer_of
from devkit.rules.saying import Reading, Said, by_itself
from devkit.rules.text import Sentence
from devkit.rules.verbs import Verb

_FILE = "english_words.txt"
_words = partial(lexicon.words, _FILE)
_STORY = re.compile(r"^as (?:an?|the) (?P<actor>[^,]+?),? (?=i(?:'d)? )", re.IGNORECASE)
_NOMINALS = "|".join(lexicon.pairs(_FILE, "nominal")) + "|(?:report|request|order|rental|use) of"

_VERB_OF = {noun: verb for verb, noun in lexicon.pairs(_FILE, "implied").items()} | lexicon.pairs(
    _FILE, "nominal"
)
_MESSAGES = _words("message")


_BASES = "|".join(verbs.plain() - _words("noun_and_verb"))
_ABLE, _MUST = ("|".join(_words(name)) for name in ("able", "must"))
_REWORDED = lexicon.forms(
    "english", NOMINAL=_NOMINALS, MESSAGE="|".join(_MESSAGES), BASE=_BASES, ABLE=_ABLE, MUST=_MUST
)
_WHOLE = ("status", "availability", "history", "type")
_DURATIONS = ("minutes", "hours", "days", "weeks", "months", "years")
_REMINDING = re.compile(
    r"\b\w+ (?:minute|hour|day|week|month|year)s? (?:before|prior to|ahead of|after) .+", re.IGNORECASE
)
_BEGINS = ("after", "every", "each", "at ", "nightly", "hourly")
_RULE = re.compile(
    r"\b(?:must|cannot|can't|may not|only|at most|at least|no more than|up to|unique|never|not allowed|required|maximum|minimum|shall not)\b",
    re.IGNORECASE,
)
_SECTION = re.compile(
    r"^(?:bounded context|context|module|domain|epic|feature|aggregate)\b(?: overview)?:?\s*", re.IGNORECASE
)
_NAMING = ("after", "upon", "before")
_DONE = ("ed", "en", "wn", "nt", "ld", "id", "st", "nd", "ght")
_ASKED = re.compile(
    r"^(?:what|how)\b.*?\b(?:when|if|after|once)\b ([^?]+)\?|^(?:and |but )?(?:what )?if ([^?]+)\?"
    r"|^(?!(?:wh|how|may|can|do|does|did|is|are|has|have|was|will|shall|should|must|and|any|so)\w*\b)([\w %,-]+)\?$",
    re.IGNORECASE,
)
_BEGUN = re.compile(r"(?:when|whenever|if|once|after|upon|should|as soon|until|before)\b", re.IGNORECASE)
_TWO = re.compile(r",? and (?=(?:when|once|if|as soon as|whenever) [^,]+, )", re.IGNORECASE)
_AGAIN = re.compile(
    r"\b(?:as well|also|too|besides|in addition|additionally|moreover|at the same time|in parallel|otherwise)\b",
    re.IGNORECASE,
)
_CAN = re.compile(r"\b(?:can|may|might|could)\b", re.IGNORECASE)
_TRIGGERS = frozenset(("when", "whenever", "once", "after", "upon"))
_BECOMES = _words("become")
_CHANGES = _words("change")
_TURNS = _BECOMES | _CHANGES
_WITH_TIME = ("overdue", "late", "expired", "due", "stock")
_PAST = ("below", "above", "under", "over", "beyond", "behind", "to")
_LIMITS = ("exceed", "reach")
_ENTERING = _words("entering")
_BODIES = ("ybody", "yone", "eone")


@lru_cache(maxsize=2048)
def _said(text: str) -> Said:
    """The same sentence is read once, in whatever questions it stands."""
    words, actor = text, None
    if story := _STORY.match(words):
        told = tokens_of(story["actor"])
        phrase = _whole(told)
        actor, words = term_of(phrase) if phrase and phrase.words else None, words[story.end() :]
    for pattern, instead in _REWORDED:
        if pattern.pattern[0] != "^" or pattern.match(words):
            words = pattern.sub(instead, words)
    tokens = tokens_of(words)
    cause, effect = _halves(tokens)
    state = _state(cause) if cause else _time(words, effect)
    return Said(
        choices=choices(text), members=[] if cause else members(text), rule=bool(_RULE.search(text)), words=words, actor=actor, cause=cause,
        effect=effect, state=state,
    )  # fmt: skip


class English(Reading):
    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._things: set[str] = set()  # what something was done to
        self._before: tuple[Sentence, Sequence[Token]] | None = (
            None  # the sentence before, if it said that something is done
        )
        self._latest: Sequence[Action] = ()  # what it said is done last
        self._reacted: Sequence[Action] = ()  # to what
        self._asked = ""

    def forget(self) -> None:
        super().forget()
        self._before, self._latest, self._reacted, self._asked = None, (), (), ""

    def asked(self, question: str) -> None:
        """What the next sentence answers: `What happens when a ticket is lost?`, `Oven too hot?`"""
        found = _ASKED.search(question)
        self._asked = next(filter(None, found.groups()), "").strip() if found else ""
        self._latest, self._before, self._reacted = (), None, ()

    def heading(self, title: str) -> Term:
        """The concept of a heading; its thing is what the next sentences' pronouns may mean."""
        text = re.sub(r"\(.*?\)", "", _SECTION.sub("", title)) or title
        return Term(naming.pascal(text), re.sub(r"\s+", " ", text).strip(" .:"))

    def unknown(self, title: str) -> bool:
        """`Donate blood` is something to do, no area."""
        verb, *rest = title.lower().split() or [""]
        noun = _words("noun_and_verb") | _words("attribute")
        return bool(rest) and verbs.as_form(verb, "base") is not None and verb not in noun

    def is_actor(self, title: str) -> bool:
        return bool(words := naming.parts(title)) and len(words) < 3 and is_person(words[-1])

    def has_verb(self, text: str) -> bool:
        """Whether a line says that something is done; `Insurance claims` does not."""
        made = clauses(tokens_of(text))
        return bool(made) and (
            len(text.split()) > 3 or any(one.objects or one.tails or one.group.passive for one in made)
        )

    def doing(self, who: str, does: str, *, seen: bool = False) -> str:
        base = verbs.as_form(does.split()[0], "base")
        doer = f"The {who.lower()} " if who else ""
        return f"{doer}{'can see the ' if seen else 'can ' if base and who else ''}{does}"

    def sentence(self, sentence: Sentence, actor: Term | None = None) -> None:
        """Adds what one sentence says, and keeps it for what follows from it in the next one."""
        if self._asked and len(sentence.text.split()) > 2:
            if not _BEGUN.match(sentence.text):
                answer = re.sub(r"^then,? ", "", sentence.text, flags=re.IGNORECASE)
                sentence = replace(sentence, text=f"When {self._asked}, {answer[0].lower()}{answer[1:]}")
            self._asked = ""
        if two := _TWO.search(sentence.text):
            self.sentence(replace(sentence, text=sentence.text[: two.start()]), actor)
            self.sentence(replace(sentence, text=sentence.text[two.end() :]), actor)
            return
        near = self._same_line(sentence) or (self._before and not sentence.bullet)
        self._near = self._latest if near else ()
        done, reacted = self._facts.so_far()
        self._sentence(sentence, actor)
        self._goes_on(sentence, done, reacted)
        new, reactions = self._facts.actions[done:], self._facts.reactions[reacted:]
        last = [one for one in (*new, *(a for r in reactions for a in r.results)) if one.kind != "query"]
        if last or not self._same_line(sentence):
            self._latest, self._reacted = last[-1:], reactions[-1].triggers if reactions else ()
        self._before = (sentence, _said(sentence.text).effect)

    def _goes_on(self, sentence: Sentence, done: int, reacted: int) -> None:
        """`The haulier is informed as well`, `otherwise it is seized`: has the cause of the sentence before."""
        effects, before = self._facts.actions[done:], self._before[0].text if self._before else ""
        again = before.endswith(";") or _AGAIN.search(sentence.text)
        if self._reacted and again and all(map(_by_then, effects)) and len(self._facts.reactions) == reacted:
            del self._facts.actions[done:]
            self._add(sentence, self._reacted, effects)

    def _sentence(self, sentence: Sentence, actor: Term | None) -> None:
        said = _said(sentence.text)
        if self._lists(sentence, said) and ";" not in sentence.text:
            return
        if said.words != sentence.text:
            sentence = replace(sentence, text=said.words)
        state = self._not_so(said) or said.state
        undone = {one.group.verb.base for one in clauses(said.cause) if one.group.negative} if state else ()
        it = said.cause and said.cause[0].tag == "O"  # it is shipped when it is paid
        main = [t for t in said.effect if t.start < said.cause[0].start] if it else []
        for about in (*_about(main), *_about(said.cause if state else ())):
            self._speak_of(about)
        causes = (self._told if state else self._causes)(sentence, said.cause, said.actor)
        effect, alone = said.effect, not (said.cause or state or said.actor)
        if alone:
            causes, effect = self._of_event(sentence, effect)
        state = state or ("" if causes else _not_understood(said))
        automatic = bool(said.cause or state or causes)
        effects = self._actions(sentence, effect, said.actor or actor, automatic=automatic)
        effects = effects or (self._named(sentence, effect) if causes and not clauses(effect) else [])
        if alone and not causes:
            causes, effects = self._among(sentence, effect, effects)
        if causes and causes[0].verb == "make" and causes[0].actor is None and not by_itself(effects):
            causes = []  # on arrival the skipper registers
        self._add(sentence, causes, effects, state, undone)

    def _not_so(self, said: Said) -> str:
        """`If it isn't`: the time that the sentence before gave is over."""
        negated = bool(said.cause) and len(said.cause) < 5 and said.cause[-1].tag == "N"
        return timer_of(self._before[0].text) if negated and self._before else ""

    def _told(self, sentence: Sentence, tokens: Sequence[Token], _: Term | None) -> list[Action]:
        """What a state says was done: `where an imported reading exceeds the limit`."""
        one = next(iter(clauses(tokens)), None)
        told = self._participial(sentence, tokens[: one.subject.end]) if one and one.subject else []
        return [known for one in told if (known := self._facts.earlier(one, ""))]

    def _named(self, sentence: Sentence, tokens: Sequence[Token]) -> list[Action]:
        """What follows, without a verb: `repair job opened`, `the creation of an account`, `an entry in the calendar`."""
        found = self._fragments(sentence, tokens) or self._nominal(sentence, tokens)
        return found or self._new(sentence, tokens)

    def _among(
        self, sentence: Sentence, tokens: Sequence[Token], effects: Sequence[Action]
    ) -> tuple[list[Action], list[Action]]:
        """A cause that the sentence has no `when` for: `the clerk files the case, and then the system assigns it`."""
        thens = (
            t.start
            for b, t in pairwise(tokens)
            if t.low == "then" and (b.text in ",;and" or b.tag == "B" or b.low in _words("system"))
        )
        then, text = next(thens, len(sentence.text)), sentence.text
        told = [
            one
            for one in effects
            if one.actor is None and (one.verb == "send" or (one.kind == "notify" and one.automatic))
        ]
        by = next((i for i in range(len(effects), 0, -1) if not _by_then(effects[i - 1])), 0)
        followed = effects[by:] if by and effects[by - 1].actor else ()
        later = (
            followed
            or told
            or [one for one in effects if text.find(one.place.quote) + len(one.place.quote) > then]
        )
        before = [one for one in effects if one not in later]
        near = self._just_done() if then < len(text) else self._reacted or self._just_done()
        near = near if then < len(text) or self._same_line(sentence) else ()
        if later and by_itself(later) and (causes := before or near):
            self._facts.actions += before[:-1]
            return list(causes[-1:]), list(later)
        return [], list(effects)

    def _same_line(self, sentence: Sentence) -> bool:
        return self._before is not None and self._before[0].whole.line == sentence.whole.line

    def _just_done(self) -> Sequence[Action]:
        """What the sentence before said was done, or happened."""
        if self._latest or self._before is None or not clauses(self._before[1]):
            return self._latest
        return self._causes(*self._before, None)

    def _of_event(self, sentence: Sentence, tokens: Sequence[Token]) -> tuple[list[Action], Sequence[Token]]:
        """`Approval of the proof reserves the space`, `returned sets are examined`: the subject says what happened; what does
        nothing by itself is left to the system."""
        first = next(iter(clauses(tokens)), None)
        start = first.group.start if first else 0
        subject = tokens[: start - 1] if start and tokens[start - 1].tag == "R" else tokens[:start]
        able = any(token.low in ("can", "may", "only", "cannot") for token in tokens[: start + 1])
        if (
            first is None
            or not subject
            or able
            or first.group.negative
            or any(t.tag in "SX" for t in subject)
        ):
            return [], tokens
        done = self._participial(sentence, subject)
        by = any(word == "by" and is_person(phrases[0].head) for word, phrases in first.tails)
        if first.group.passive or not first.objects or (first.subject and is_person(first.subject.head)):
            decided = tokens[0].low in ("a", "an", "each", "every") and not timer_of(sentence.text)
            done = [
                one
                for one in done
                if self._facts.earlier(one, "") or (decided and one.verb in _words("verdict"))
            ]
        many = first.subject is not None and first.subject.plural
        many = many or (
            len(subject) == 1 and not verbs.as_form(subject[0].low, "ing")
        )  # Dispatch packs the order
        if done or first.group.passive or not first.objects or many:
            found = [] if by else done
        else:
            found = self._doing(sentence, subject) or self._nominal(sentence, subject)
        found = [self._as_done(cause, "") for cause in found]
        if found and not first.group.passive:
            at = tokens[start].start
            return found, (Token("system", "system", "W", at, at), *tokens[start:])
        return found, tokens

    def _causes(self, sentence: Sentence, tokens: Sequence[Token], actor: Term | None) -> list[Action]:
        if not tokens:
            return []
        if tokens[0].low in ("this", "that", "so") and (len(tokens) < 3 or tokens[1].tag in "BHR"):
            return list(self._just_done())
        it = clauses(tokens)[:1] if tokens[0].low in ("it", "they") else ()
        if known := [one for one in self._facts.done() if it and one.verb == it[0].group.verb.base]:
            return known[-1:]
        plain = all(one.tag not in "BHM" for one in tokens)
        found = self._participial(sentence, tokens) if plain and tokens[0].tag == "D" else []
        found = found or self._actions(sentence, tokens, actor, automatic=False, past=True)
        found = found or self._became(sentence, tokens)
        found = found or self._doing(sentence, tokens)
        found = found or self._participial(sentence, tokens)
        if not clauses(tokens):
            found = found or self._nominal(sentence, tokens)
        had = next((i for i, one in enumerate(tokens) if one.tag == "H"), -1)  # we have your report
        found = found or (self._nominal(sentence, tokens[had + 1 :]) if had >= 0 else [])
        found = found or self._done_to(sentence, tokens[had + 1 :])
        return [self._as_done(cause, _noun_of(cause)) for cause in found]

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
        inputs = [clause for clause in made if clause.group.verb.base in _words("input_like")]
        found: list[Action] = []
        for clause in made:
            if clause in inputs and len(made) > 1 and not (automatic and clause.group.passive):
                continue
            place = sentence.place(tokens[clause.start].start, tokens[clause.end - 1].end)
            about, did = clause.subject, tokens[clause.group.end - 1].low
            if tokens[clause.start - 1].low == "that" and tokens[clause.group.start].low in ("can", "may"):
                continue  # a message that it can be fetched
            if not past and about and about.pronoun in ("i", "we") and not verbs.as_form(did, "base"):
                told = clause.group.end - clause.group.start == 1 and verbs.as_form(did, "past")
                if told:  # I lost my key
                    continue
            several = _by_object(tokens, _meant(_gone(tokens, clause), automatic=automatic))
            done = (self._action(place, one, actor, automatic=automatic, past=past) for one in several)
            found += filter(None, done)
        return found or ([] if past else self._became(sentence, tokens, only_change=True))

    def _action(
        self, place: Place, clause: Clause, actor: Term | None, *, automatic: bool, past: bool
    ) -> Action | None:
        group, kind = clause.group, clause.group.verb.kind
        self._speak_of(clause.subject if group.passive else next(iter(clause.objects), None))
        if clause.which or (group.passive and not past and (clause.was or (not automatic and _told(clause)))):
            return None
        named = (clause.subject,) if group.passive else clause.objects
        entered = group.verb.base == "enter" and not any(one is None or _is_attribute(one) for one in named)
        entered = entered and bool(named)
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
        if about and about.words and not (is_person(about.head) or _nobody(about) or _skipped(about)):
            self._thing = self._thing if _is_attribute(about) else self._thing_of(about)[0]

    def _by_nobody(self, clause: Clause) -> bool:
        """`Maria sends a list`, `the station loses power`: who does something is a role or a system, not a name or a thing."""
        subject = clause.subject
        if clause.group.passive or not clause.objects or subject is None or not subject.words:
            return False
        if clause.group.verb.kind == "intransitive":
            return False
        if self._facts.headings and term_of(subject).name == self._facts.headings[0].term.name:
            return True  # what the whole text is about
        if is_person(subject.head) or _is_system(subject) or _nobody(subject):
            return False
        word = naming.singular(subject.head)
        noun = word in _VERB_OF or bool(verbs.as_form(word, "base"))  # Dispatch ships the order
        return (
            subject.named and not noun and not any(one.plural for one in clause.objects)
        ) or naming.pascal(word) in self._things

    def _crossed(self, place: Place, clause: Clause) -> Action | None:
        """`the stock falls below the minimum`: somebody must notice it."""
        if clause.subject is None:
            return None
        thing, owner = self._thing_of(clause.subject)
        limits = ((word, phrases[0]) for word, phrases in clause.tails if phrases[0].words and word in _PAST)
        preposition, limit = next(limits, ("", next(iter(clause.objects), None)))
        bare = limit is None or (preposition not in _PAST and clause.group.verb.base not in _LIMITS)
        if thing is None or (bare and "_" not in clause.group.verb.base):
            return None
        self._thing = thing
        state = naming.pascal(preposition if limit and preposition else clause.group.verb.base)
        state += term_of(limit).name if limit and limit.words else ""
        command, event = _term(f"Detect{thing.name}{state}"), _term(f"{thing.name}{state}Detected")
        return noticed(place, "detect", thing, owner, command, event)

    def _made(
        self, place: Place, clause: Clause, actor: Term | None, *, automatic: bool, past: bool
    ) -> Action | None:
        doer, verb = self._doer(clause, actor), clause.group.verb
        target, preposition = self._target(clause, alone=automatic or past, past=past)
        if target is None or _skipped(target):
            return None
        thing, owner, verb = self._whom(target, verb, actor)
        if thing is None:
            return None
        self._things.add(naming.pascal(naming.head(thing.name)))
        into, tail = _into(clause)
        owner = owner or (into if into and into.name != thing.name else None)
        listed = _is_reported(target)
        asked = listed and verb.base in _words("reporting") and not (automatic or past)
        kind = "query" if asked else _kind(verb, thing)
        if listed and kind != "query":
            thing += term_of(replace(target, words=target.words[-1:]))
        command, event = _names(verb, thing, tail, preposition)
        if into:  # AddItemToCart, ItemAdded
            event = _names(verb, thing, "", preposition)[1]
        if kind == "query":
            command = event = _question(verb, target, thing, owner)
        elif not (target.pronoun or _is_attribute(target) or target.head.endswith(_BODIES)):
            self._thing = thing
        system = doer is not None and naming.head(doer.name) in _words("system")
        return Action(
            place=place, kind=kind, verb=verb.base, actor=None if system else doer, thing=thing, owner=owner, command=command,
            event=event, fields=_fields(clause), automatic=automatic or bool(system) or (clause.group.passive and doer is None),
        )  # fmt: skip

    def _whom(self, target: Phrase, verb: Verb, actor: Term | None) -> tuple[Term | None, Term | None, Verb]:
        """The thing, what it is a part of, and the verb; `you` are told by a notification, who tells the story is its actor."""
        thing, owner = self._thing_of(target)
        if not target.pronoun or verb.kind != "notify":
            return thing, owner, verb
        if actor or target.pronoun not in ("you", "me", "us", "him", "her"):
            return actor or thing, owner, verb
        said = "Reminder" if verb.base == "remind" else "Notification"
        return _term(said), None, verbs.as_form("send", "base") or verb

    def _doer(self, clause: Clause, actor: Term | None) -> Term | None:
        """Who does it: the subject, or the agent after by."""
        subject, doer = clause.subject, None
        if clause.group.passive:
            agents = (phrases[0] for word, phrases in clause.tails if word == "by")
            doer = next((term_of(agent) for agent in agents if is_person(agent.head)), None)
        elif subject is None or subject.pronoun or _nobody(subject):
            known = subject is not None and subject.pronoun in ("he", "she", "they")
            doer = actor or (self._actor if known else None)
        elif clause.objects or is_person(subject.head):
            doer = term_of(subject)
        self._actor = doer or self._actor
        return doer

    def _target(self, clause: Clause, *, alone: bool, past: bool) -> tuple[Phrase | None, str]:
        """What it is done to, and the preposition in between, if any; `alone`: a thing may do it by itself."""
        subject, verb = clause.subject, clause.group.verb
        if clause.group.passive:
            told = subject and _is_somebody(subject) and verb.base in _words("dative_to")
            given = clause.objects[:1] if told or verb.base in _words("dative") else ()
            return next((one for one in given if one.words), subject), ""
        thing = subject and subject.words and not is_person(subject.head) and not _is_system(subject)
        if clause.objects and not (thing and verb.kind == "intransitive"):
            return clause.objects[0], ""
        preposition = lexicon.pairs(_FILE, "takes").get(verb.base, "")
        for word, phrases in clause.tails:
            if phrases[0].words and word in preposition.split("|"):
                return phrases[0], word
        if verb.kind == "intransitive" or thing:
            return subject if alone or verb.kind == "intransitive" else None, ""
        implied = lexicon.pairs(_FILE, "implied").get(verb.base)
        return (Phrase((implied,), 0, 0, False), "") if implied else (subject if past else None, "")

    def _thing_of(self, phrase: Phrase) -> tuple[Term | None, Term | None]:
        """The thing, and what it is a part of."""
        if phrase.pronoun:
            return self._thing, None
        term = term_of(phrase)
        last = naming.singular(phrase.head)
        whole = term_of(phrase.of) if phrase.of and phrase.of.words else None
        if whole and last in _words("listish"):
            return (whole + term if last in _WHOLE else whole), whole
        if whole and phrase.of and not is_person(phrase.of.head):
            return (whole + term if last in _words("attribute") else term), whole
        attribute = last in _words("attribute") and last not in _MESSAGES
        if attribute and len(phrase.words) == 1 and self._thing:
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
        marks = (i for i, t in enumerate(tokens) if t.low in _TURNS or (t.tag == "B" and not only_change))
        at = next(filter(None, marks), 0)
        subject, state = noun_phrase(tokens, 0, at), tokens[at + 1 : at + 3]
        thing, owner = (
            self._thing_of(subject) if subject and state and not _skipped(subject) else (None, None)
        )
        if thing is None:
            return []
        self._thing, verb, became = thing, "Mark", ""
        if tokens[at].low in _CHANGES or naming.head(thing.name) in ("status", "state"):
            verb = "Change"
        elif state[-1].low == "stock":
            became = "OutOfStock"
        elif state[0].tag in "AW" and not (len(state) > 1 and state[1].tag == "W"):
            became = naming.pascal(state[0].low)
        else:
            return []
        command, event = f"{verb}{thing.name}{became}", f"{thing.name}{verb.rstrip('e')}ed{became}"
        place = sentence.place(tokens[0].start, tokens[-1].end)
        return [noticed(place, "mark", thing, owner, _term(command), _term(event))]

    def _doing(self, sentence: Sentence, tokens: Sequence[Token]) -> list[Action]:
        """`After checking the form`, `submitting an order`, `in response to shipping`."""
        verb = verbs.as_form(tokens[0].low, "ing") if tokens else None
        phrase = noun_phrase(tokens, 1, len(tokens)) if verb else None
        known = (one for one in reversed(self._facts.done()) if verb and one.verb == verb.base)
        if len(tokens) == 1 and (done := next(known, None)):
            return [done]
        noun = bool(tokens) and tokens[0].low in _words("noun_in_ing")
        if noun or phrase is None or not phrase.words or tokens[1].tag not in "DQW":
            return []
        return self._passive(sentence, tokens, verb, phrase)

    def _participial(self, sentence: Sentence, tokens: Sequence[Token]) -> list[Action]:
        """`A refused declaration`, `damage found`: what was done to a thing, said before it or behind."""
        at = next((i for i, one in enumerate(tokens) if one.tag in "WA" and one.low.endswith(_DONE)), -1)
        verb = verbs.as_form(tokens[at].low, "part") if at >= 0 else None
        before = noun_phrase(tokens, 0, at) if at > 0 else None
        phrase = before or noun_phrase(tokens, at + 1, len(tokens))
        if phrase is None or (before and before.end < at) or phrase.head in _DURATIONS:
            return []
        return self._passive(sentence, tokens, verb, phrase)

    def _fragments(self, sentence: Sentence, tokens: Sequence[Token]) -> list[Action]:
        """`Damage found: repair job opened, customer informed`."""
        ends = [i for i, one in enumerate(tokens) if one.text in ",;" or one.low == "and"]
        parts = (tokens[a + 1 : b] for a, b in pairwise((-1, *ends, len(tokens))))
        return [
            done for part in parts for done in self._participial(sentence, part) if part[0].low[-2:] != "ed"
        ]

    def _passive(
        self, sentence: Sentence, tokens: Sequence[Token], verb: Verb | None, phrase: Phrase
    ) -> list[Action]:
        if verb is None:
            return []
        clause = Clause(Group(0, 1, verb, passive=True), phrase, (), (), 0, len(tokens))
        place = sentence.place(tokens[0].start, tokens[-1].end)
        done = self._action(place, _meant(clause, automatic=True), None, automatic=True, past=True)
        return [done] if done else []

    def _done_to(self, sentence: Sentence, tokens: Sequence[Token]) -> list[Action]:
        """`After the match`: what was done last to what is only named."""
        phrase = _whole(tokens)
        if phrase and (phrase.end < len(tokens) or is_person(phrase.head)):
            return []
        name = term_of(phrase).name if phrase and phrase.words else ""
        done = (one for one in reversed(self._facts.done()) if name and one.thing.name.endswith(name))
        return [replace(one, place=sentence.whole) for one in [next(done, None)] if one]

    def _new(self, sentence: Sentence, tokens: Sequence[Token]) -> list[Action]:
        """`Registration results in an entry`: there is one then."""
        phrase = _whole(tokens)
        if (
            phrase is None
            or not phrase.words
            or tokens[0].tag != "D"
            or is_person(phrase.head)
            or _skipped(phrase)
        ):
            return []
        thing, place = term_of(phrase), sentence.place(tokens[0].start, tokens[-1].end)
        made = [
            one
            for one in self._facts.done()
            if one.thing.name == thing.name and one.kind in ("create", "notify")
        ]
        command, event = _names(Verb("create", "created", "create"), thing, "", "")
        new = noticed(place, "create", thing, None, command, event)
        return [replace(made[-1], place=place) if made else replace(new, kind="create")]

    def _nominal(self, sentence: Sentence, tokens: Sequence[Token]) -> list[Action]:
        """`After payment`, `upon approval of the request`."""
        phrase = _whole(tokens)
        noun = naming.singular(phrase.head) if phrase and phrase.words else ""
        of = phrase.of if phrase and noun in _words("noun_and_verb") else None
        known = noun in _words("noun_and_verb") and any(one.verb == noun for one in self._facts.done())
        about = tokens[phrase.end].low in ("for", "of") if phrase and phrase.end < len(tokens) else False
        if phrase and about and noun in ("request", "order", "application"):  # a request for a new copy
            of = noun_phrase(tokens, phrase.end + 1, len(tokens))
            phrase = replace(phrase, of=of)
        doing = verbs.as_form(noun, "ing") if phrase and phrase.of else None
        base = _VERB_OF.get(noun) or (noun if of or known else None) or (doing.base if doing else None)
        base = None if of and is_person(of.head) else base  # on request of the insurer
        verb = verbs.as_form(base, "base") if base else None
        if phrase is None or verb is None:
            return []
        before = Phrase(phrase.words[:-1], phrase.start, phrase.end, False) if phrase.words[:-1] else None
        whole = phrase.of if phrase.of and phrase.of.words else before
        itself = phrase.words == (lexicon.pairs(_FILE, "implied").get(verb.base),)
        done = next((action for action in reversed(self._facts.done()) if action.verb == verb.base), None)
        thing = term_of(whole) if whole else done.thing if done else term_of(phrase) if itself else None
        if thing is None and (tokens[0].low in ("a", "an", "each", "every", "any") or not self._thing):
            thing, verb = term_of(phrase), verbs.as_form("make", "base") or verb  # every sale: it is made
        thing = thing or self._thing
        if thing is None:
            return []
        self._thing = thing
        command, event = _names(verb, thing, "", "")
        place = sentence.place(tokens[0].start, tokens[-1].end)
        kind: Kind = "create" if verb.kind == "create" else "update"
        return [replace(noticed(place, verb.base, thing, None, command, event), kind=kind, automatic=False)]


def _not_understood(said: Said) -> str:
    """A condition whose words say nothing that is done, or the time after it."""
    timer = timer_of(said.words)
    if not said.cause or not (" if " in f" {said.words.lower()}" or timer or not clauses(said.cause)):
        return ""
    return timer if f"{timer} later" in said.words else _plain(said.cause)


def _by_then(one: Action) -> bool:
    """What nobody does, and is no possibility: the stock is corrected."""
    return one.automatic and one.actor is None and one.kind != "query" and not _CAN.search(one.place.quote)


def _state(tokens: Sequence[Token]) -> str:
    """What is so rather than happens: is positive, is not paid, exceeds 5,000. What becomes so with time (overdue) happens."""
    made = clauses(tokens)
    words = [token.low for token in tokens]
    plain = next((i for i, token in enumerate(tokens) if token.tag == "B"), 0) if not made else 0
    groups = [one.group for one in made]
    so = bool(made) and all(
        one.negative or one.verb.kind == "state" or (one.verb.base in _LIMITS and not one.passive)
        for one in groups
    )
    so = so or (plain > 0 and _BECOMES.isdisjoint(words) and words[-1] not in _WITH_TIME)
    return _plain(tokens) if so else ""


def _about(tokens: Sequence[Token]) -> Sequence[Phrase | None]:
    """What the first clause speaks of, its subject last."""
    made = clauses(tokens)[:1]
    return [phrase for one in made for phrase in (*one.objects, one.subject)] or [_whole(tokens)]


def _whole(tokens: Sequence[Token]) -> Phrase | None:
    return noun_phrase(tokens, 0, len(tokens))


def _plain(tokens: Sequence[Token]) -> str:
    return " ".join(token.text for token in tokens).rstrip(" .!")


def _time(text: str, effect: Sequence[Token]) -> str:
    """When time alone starts what the system does, or somebody is told: every night, a day before the appointment."""
    if any(token.low in ("can", "may") for token in effect):
        return ""
    if found := _REMINDING.search(text):
        return found[0].rstrip(".")
    made, timer = clauses(effect), timer_of(text)
    made = [one for one in made if one.group.verb.kind != "query"]
    alone = "automatically" in text.lower() or (bool(made) and all(map(_goes_alone, made)))
    begins = timer.lower().startswith(_BEGINS) or f"{timer} later" in text
    return timer if timer and alone and begins else ""


def _goes_alone(clause: Clause) -> bool:
    """Whether nobody need be there: the system does it, or it is done or happens; somebody is told or gets it."""
    group, subject = clause.group, clause.subject
    if group.passive:
        return all(word != "by" for word, _ in clause.tails)
    ours = subject is not None and subject.pronoun == "we" and group.verb.kind == "notify"
    return group.verb.base in ("receive", "get") or ours or (subject is not None and _is_system(subject))


def _told(clause: Clause) -> bool:
    """`the arrival time is recorded` is nothing that is done."""
    kept = clause.group.verb.base in _words("keeping")
    return kept and clause.subject is not None and _is_attribute(clause.subject)


def _no_question(clause: Clause, *, automatic: bool) -> bool:
    """Nobody looks up what an event leads to, or a message; checking or listing one thing is work, checking its status is not."""
    group, objects = clause.group, clause.objects
    base, first = group.verb.base, next(iter(objects), None)
    if group.verb.kind != "query":
        return False
    if base == "check" or (base in _words("working") and not group.bare):
        many = base == "see" and first and (first.plural or first.of or _is_attribute(first))
        return not (many or _asks_state(clause))
    one = base == "list" and first and not first.plural
    shown = base in ("show", "display") and first and _is_somebody(first)  # to their seats
    return group.verb.kind == "query" and bool(
        automatic or one or shown or (first and first.head in _MESSAGES)
    )


def _is_attribute(phrase: Phrase) -> bool:
    return naming.singular(phrase.head) in _words("attribute")


def _noun_of(cause: Action) -> str:
    """The verb of a booking that is made, a payment that is completed."""
    done = cause.verb in ("complete", "finish", "make")
    return _VERB_OF.get(naming.head(cause.thing.name), "") if done else ""


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
        return (tokens[1:comma], tokens[comma + 1 :]) if comma else _without_comma(tokens)
    able = any(token.low in ("can", "may", "cannot") for token in tokens)
    for i, token in enumerate(tokens[1:], 1):
        if token.low == "if" and not able and (_main_part(tokens, i + 1) or _state(tokens[i + 1 :])):
            return tokens[i + 1 :], tokens[:i]
        if token.low in _TRIGGERS and tokens[i - 1].low == "only":
            return (), tokens[: i - 1]
        if token.low in _TRIGGERS and _follows(tokens, i):
            return () if able else tokens[i + 1 :], tokens[:i]
    return (), tokens


def _comma(tokens: Sequence[Token], start: int = 0) -> int:
    """Where the comma before the main part stands; 0 where there is none."""
    commas = [i for i in range(start, len(tokens)) if tokens[i].text == ","]
    upon = tokens[0].low == "upon"
    parts = (i for i in commas if _main_part(tokens, i + 1) or (upon and not clauses(tokens[:i])))
    last = (
        commas[-1] if upon and commas and tokens[commas[-1] + 1].tag == "D" else 0
    )  # upon that, the invoice
    return next(parts, 0 if clauses(tokens[last + 1 :]) else last)


def _follows(tokens: Sequence[Token], i: int) -> bool:
    """What comes after a `when` in the middle: something happens, or is named by its noun (after each donation, after paying)."""
    rest = tokens[i + 1 :]
    doing = len(rest) > 1 and verbs.as_form(rest[0].low, "ing") and rest[1].tag == "D"
    return bool(doing) or _main_part(tokens, i + 1) or (not clauses(rest) and _happens(rest))


def _main_part(tokens: Sequence[Token], start: int) -> bool:
    rest = tokens[start:]
    return (
        bool(rest) and rest[0].tag not in "CX" and bool(clauses(rest) or any(t.low in _BECOMES for t in rest))
    )


def _without_comma(tokens: Sequence[Token]) -> tuple[Sequence[Token], Sequence[Token]]:
    then = next((i for i, token in enumerate(tokens) if token.low == "then"), 0)
    if then:
        return tokens[1:then], tokens[then + 1 :]
    main = [i for i in range(1, len(tokens)) if tokens[i].tag in "DO" and _subject_first(tokens, i)]
    for i in main:
        happens = (
            tokens[0].low in _NAMING or _happens(tokens[1:i]) or any(t.low in _DURATIONS for t in tokens[1:i])
        )
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
    both = _words("noun_and_verb")
    return bool(clauses(tokens)) or any(t.low in _VERB_OF or t.low in both for t in tokens[:3])


def _until_condition(tokens: Sequence[Token]) -> Sequence[Token]:
    for i, token in enumerate(tokens[1:], 1):
        if token.low in _words("condition"):
            comma = _comma(tokens, i)
            if not clauses(tokens[:i]) and (comma or _without_comma(tokens[i:])[1]):
                return (
                    tokens[comma + 1 :] if comma else _without_comma(tokens[i:])[1]
                )  # a day before the visit
            ands = (j for j in range(i, len(tokens) - 1) if tokens[j].low == "and")
            more = next((j for j in ands if verbs.as_form(tokens[j + 1].low, "base")), len(tokens))
            able = any(one.tag == "M" for one in tokens[:i])  # lock it before use and release it
            return (*tokens[:i], *tokens[more if able else len(tokens) :])
    return tokens


def _by_object(tokens: Sequence[Token], clause: Clause) -> list[Clause]:
    """`reserves a desk or a meeting room` does two things: each object that an article marks as one of its own."""
    more = (
        one for one in clause.objects[1:] if one.words and tokens[one.start - 1].low in ("a", "an", "the")
    )
    own = [one for one in more if one.end == len(tokens) or tokens[one.end].tag not in "BMHG"]
    first, *rest = clause.objects or (None,)
    if clause.group.passive:
        return [clause]
    if first and _is_somebody(first) and rest and tokens[first.end].tag == "D":
        return [replace(clause, objects=tuple(rest))]  # sends the driver a list
    return [clause, *(replace(clause, objects=(other,)) for other in own)]


def _meant(clause: Clause, *, automatic: bool) -> Clause:
    """Who gets a message, or gets anything when something has happened, is sent it; who is told is informed; who gives an
    address and a photo, and to nobody, fills in something."""
    group, objects, base, meant = clause.group, clause.objects, clause.group.verb.base, ""
    gets = (
        base in ("receive", "get", "get_back") and objects and clause.subject and _is_somebody(clause.subject)
    )
    to = any(word == "to" for word, _ in clause.tails)
    if group.passive:
        meant = {"tell": "inform", "find": "detect"}.get(base, "")
        if base == "ask" and automatic:
            group = replace(group, verb=replace(group.verb, kind="update"))
            clause = replace(clause, group=group)
    elif gets and (automatic or base == "get_back" or objects[0].head in _MESSAGES | _words("paper")):
        meant, clause = "return" if base == "get_back" else "send", replace(clause, subject=None)
    elif group.verb.kind == "notify" and objects and objects[0].pronoun in ("you", "me", "us"):
        noun = {"remind": "reminder", "warn": "warning"}.get(base, "notification")
        meant, clause = "send", replace(clause, objects=(Phrase((noun,), 0, 0, False),))
    elif base == "give" and len(objects) > 1 and not to and not _is_somebody(objects[0]):
        meant = "provide"
    verb = verbs.as_form(meant, "base")
    about = clause.subject
    we = about and (about.pronoun in ("we", "you") or _is_system(about))
    if base == "drop" and objects and clause.subject and is_person(clause.subject.head):
        verb = replace(group.verb, kind="update")
    if base in ("check", "query") and (objects or group.passive) and not (we or _asks_state(clause)):
        verb = replace(group.verb, kind="update")
    return replace(clause, group=replace(group, verb=verb)) if verb else clause


def _gone(tokens: Sequence[Token], clause: Clause) -> Clause:
    """A thing that goes somewhere is sent there, or put on a list; one that goes back is returned."""
    group, about = clause.group, clause.subject
    thing = about and about.words and not (is_person(about.head) or _is_system(about) or _nobody(about))
    if group.passive or group.verb.base not in ("go", "travel", "end_up") or not thing:
        return clause
    to = next((word for word, _ in clause.tails), "")
    ways = {"back": "return", "up": "raise", "down": "lower"}
    way = next((ways[t.low] for t in tokens[group.end : group.end + 2] if t.low in ways), "")
    meant = way or {"to": "send", "into": "put", "on": "put", "in": "put"}.get(to, "")
    verb = verbs.as_form(meant, "base")
    return replace(clause, group=replace(group, verb=verb, passive=True)) if verb else clause


def _is_somebody(phrase: Phrase) -> bool:
    return bool(phrase.pronoun) or is_person(phrase.head)


def _asks_state(clause: Clause) -> bool:
    """Checking a thing is work; checking its status is a question."""
    return any(naming.singular(phrase.head) in _words("listish") for phrase in clause.objects)


def _skipped(phrase: Phrase) -> bool:
    """Things of the tool rather than of the business."""
    word, generic = naming.singular(phrase.head), _words("generic_thing")
    alone = word in generic and phrase.of is None and len(phrase.words) == 1
    return alone or phrase.upper or word in _words("of_the_tool")


def _nobody(phrase: Phrase) -> bool:
    return phrase.head in _words("nobody")


def _is_reported(phrase: Phrase) -> bool:
    return bool(phrase.of) and naming.singular(phrase.head) in _words("reported")


def _is_system(phrase: Phrase) -> bool:
    return phrase.head in _words("system")


def _kind(verb: Verb, thing: Term) -> Kind:
    kinds: dict[str, Kind] = {kind: kind for kind in ("create", "delete", "query", "notify")}
    told = verb.base in ("send", "email") and naming.head(thing.name) in _MESSAGES
    return "notify" if told else kinds.get(verb.kind, "update")


def _into(clause: Clause) -> tuple[Term | None, str]:
    """`adds an item to the cart` belongs to the cart; `marks it as lost` says what it became."""
    verb = clause.group.verb.base
    marks, passive = verb in _words("marking"), clause.group.passive
    first = clause.objects[:1] if passive and marks else ()
    if verb in _words("complement") | _words("marking"):
        first = first or tuple(one for one in clause.objects[not passive :][:1] if _is_so(one))
    for word, phrase in (
        *(("as", one) for one in first),
        *((word, phrases[0]) for word, phrases in clause.tails),
    ):
        name = naming.pascal(" ".join(phrase.words))
        if (marks or first) and word == "as" and name:
            return None, name
        if (verb, word) in (("set", "to"), ("take", "of")) and name:  # set to empty, taken out of service
            return None, ("To" if verb == "set" else "OutOf") + name
        if verb in ("place", "put") and word == "on" and name == "Hold":
            return None, "OnHold"
        target = verb in _words("into_target") and (
            word in ("to", "from", "into", "in") or (word == "on" and verb == "put")
        )
        if target and name and not is_person(phrase.head):
            return term_of(phrase), f"{naming.pascal(word)}{term_of(phrase).name}"
    return None, ""


def _is_so(phrase: Phrase) -> bool:
    """`declared void`, `made available`."""
    so = phrase.head in _words("adjective") or phrase.head.endswith(("able", "ible"))
    return len(phrase.words) == 1 and bool(so or verbs.as_form(phrase.head, "part") or phrase.head == "void")


def _names(verb: Verb, thing: Term, tail: str, preposition: str) -> tuple[Term, Term]:
    if lexicon.pairs(_FILE, "implied").get(verb.base) == thing.name.lower():
        verb = Verb("place", "placed", "create") if verb.base == "order" else Verb("make", "made", "create")
    between = naming.pascal(preposition)
    command = f"{naming.pascal(verb.base)}{between}{thing.name}{tail}"
    event = f"{thing.name}{naming.pascal(verb.participle)}{tail}"
    return _term(command), _term(event)


def _term(name: str) -> Term:
    return Term(name, naming.sentence_case(name))


def _question(verb: Verb, target: Phrase, thing: Term, owner: Term | None) -> Term:
    """The name of a look-up: what is asked for, as one or as many."""
    last = naming.singular(target.head)
    many = target.plural or verb.base in ("list", "search", "browse") or last in ("list", "set")
    many = many or bool(target.of and target.of.plural)
    if last in _words("shown_whole"):
        name = (owner.name if owner and not thing.name.startswith(owner.name) else "") + thing.name
    elif many:
        name = thing.name if thing.name.endswith("List") else f"{thing.name}List"
    else:
        name = f"{thing.name}Details"
    return Term(name, naming.sentence_case(name), many)


def _fields(clause: Clause) -> tuple[Term, ...]:
    """What is given along: with a title, by entering an address."""
    found: list[Term] = []
    for word, phrases in clause.tails:
        if word == "with" or word.rpartition(" ")[2] in _ENTERING:
            things = [phrase for phrase in phrases if phrase.words]
            if not all(
                is_person(phrase.head) for phrase in things
            ):  # "title, author" is no company of people
                found += map(term_of, things)
    return tuple(dict.fromkeys(found))
