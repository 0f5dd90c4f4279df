"""From facts to aggregates: which things are acted on or recorded, and to which of them each fact belongs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import accumulate

from devkit.rules import lexicon, naming
from devkit.rules.english_lists import is_person
from devkit.rules.facts import Action, Choices, Facts, Members, Place, Rule, Table, Term

NEAR = 3
"""Lines between what somebody is told and what it is about, where no sentence says so."""
_NOTIFICATIONS = {"notification": Term("Notification", "Notification"), "알림": Term("Notification", "알림")}
_words = partial(lexicon.words, "english_words.txt")


@dataclass(slots=True)
class Found:
    """What the text says about one aggregate."""

    term: Term
    actions: list[Action] = field(default_factory=list)
    members: list[Members] = field(default_factory=list)
    choices: list[Choices] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)

    @property
    def places(self) -> list[Place]:
        """Every place that speaks of it, by line."""
        facts: list[Action | Members | Choices | Table] = [*self.actions, *self.members]
        facts += [*self.choices, *self.tables]
        return sorted(dict.fromkeys(fact.place for fact in facts), key=lambda place: place.line)

    @property
    def commands(self) -> list[Action]:
        return _unique(action for action in self.actions if action.kind != "query")

    @property
    def questions(self) -> list[Action]:
        return _unique(action for action in self.actions if action.kind == "query")


@dataclass(frozen=True, slots=True)
class Analysis:
    """Aggregates in the order in which the text comes to them, and where every action belongs."""

    found: dict[str, Found]
    homes: dict[Action, str]

    def of(self, term: Term) -> Found:
        return self.found.get(term.name.casefold()) or Found(term)

    def home(self, action: Action) -> Found | None:
        return self.found.get(self.homes.get(action, "").casefold())


def analyse(facts: Facts, given: Sequence[Term] = ()) -> Analysis:
    """The aggregates of a text. Given ones are aggregates whatever the text says."""
    return _Analyst(facts, given).analysis()


def mentions(text: str, term: Term) -> bool:
    """Whether a text speaks of the thing, by its alias or the words of its name."""
    korean, forms = _spoken(term)
    if korean:
        return korean in text.replace(" ", "")
    low = text.casefold()
    return any(form in low and pattern.search(low) for form, pattern in forms)


@lru_cache(maxsize=2048)
def _spoken(term: Term) -> tuple[str, Sequence[tuple[str, re.Pattern[str]]]]:
    """How a text says it: in Korean without blanks, else as one or as many."""
    if re.search(r"[가-힣]", term.alias):
        return term.alias.replace(" ", ""), ()
    *before, last = naming.parts(term.name) or ("",)
    forms = {" ".join((*before, last)), " ".join((*before, naming.plural(last)))} if last else ()
    return "", [(form, re.compile(rf"\b{re.escape(form)}\b")) for form in forms]


def is_attribute(term: Term) -> bool:
    return naming.head(term.name) in _words("attribute")


def _notification(action: Action) -> str:
    """What the text calls the notification that is sent; "" where it names none."""
    low = action.thing.alias.casefold()
    return next((word for word in _NOTIFICATIONS if action.kind == "notify" and word in low), "")


def _changes(action: Action) -> bool:
    return action.kind not in ("query", "notify")


def _restates(term: Term, often: Counter[str]) -> bool:
    """A longer name of a thing that is known by a shorter one: a repair booking, where bookings are spoken of."""
    low = term.name.casefold()
    longer = [name for name in often if low.endswith(name) and low != name]
    return any(often[name] > often[low] for name in longer)


def _unique(actions: Iterable[Action]) -> list[Action]:
    by_name: dict[str, Action] = {}
    for action in actions:
        known = by_name.get(action.command.name)
        if known is None or (known.actor is None and action.actor is not None):
            by_name[action.command.name] = action
    return list(by_name.values())


class _Analyst:
    def __init__(self, facts: Facts, given: Sequence[Term]) -> None:
        self._facts = facts
        self._given = {term.name.casefold(): Found(term) for term in given}
        self._actions = facts.every_action()
        self._latest: Found | None = None
        self._latest_line = 0
        self._causes = {action: r.triggers for r in facts.reactions for action in r.results}
        self._triggers = {action for r in facts.reactions for action in r.triggers}
        self._reacting = self._triggers | self._causes.keys()
        self._done: dict[str, set[tuple[str, str]]] = {}
        for action in filter(_changes, self._actions):
            self._done.setdefault(action.thing.name.casefold(), set()).add((action.verb, action.kind))
        owners = [*(fact.owner for fact in facts.members), *(fact.owner for fact in facts.choices)]
        self._recorded = [*filter(None, owners), *(table.term for table in facts.tables)]
        self._kept = {term.name.casefold() for term in self._recorded} | self._given.keys()
        self._values = {fact.owner.name.casefold() for fact in facts.members if fact.group}
        self._values -= self._done.keys()
        self._values |= {fact.name.name.casefold() for fact in facts.choices}
        self._found = dict(self._given)
        for term in self._strong():
            self._found.setdefault(term.name.casefold(), Found(term))

    def analysis(self) -> Analysis:
        homes: dict[Action, str] = {}
        first: dict[str, Found] = {}  # one command is at home in one aggregate
        for action in self._actions:
            name = action.command.name
            home = self._home(action) if action.kind == "notify" else first.get(name) or self._home(action)
            if home:
                first.setdefault(name, home)
                homes[action] = home.term.name
                self._latest, self._latest_line = home, action.place.line
                home.actions.append(action)
        self._place()
        every = self._found.items()
        kept = [(key, one) for key, one in every if key in self._given or one.actions or one.tables]
        ordered = sorted(kept, key=lambda item: (item[0] not in self._given, _first_line(item[1])))
        return Analysis(dict(ordered), homes)

    def _place(self) -> None:
        """Gives what is no action to what it is about."""
        for fact in self._facts.members:
            if home := self._near(fact.owner) or (self._holder(fact.place) if fact.group else None):
                home.members.append(fact)
        for choice in self._facts.choices:
            home = self._near(choice.owner) if choice.owner else None
            if home := home or self._related(choice.name) or self._holder(choice.place):
                home.choices.append(choice)
        for table in self._facts.tables:
            if home := self._near(table.term):
                home.tables.append(table)
        for rule in self._facts.rules:
            for found in self._found.values():
                if mentions(rule.text, found.term):
                    found.rules.append(rule)

    # ------------------------------------------------------------ what is an aggregate

    def _strong(self) -> list[Term]:
        """Things with a table, with recorded attributes, created, acted on in two ways, or part of a reaction."""
        often = Counter({thing: len(done) for thing, done in self._done.items()})
        terms = [_NOTIFICATIONS[named] for action in self._actions if (named := _notification(action))]
        for action in self._actions:
            central = often[action.thing.name.casefold()] > 1
            if action.kind == "create" or (_changes(action) and action.owner is None and central):
                terms.append(action.thing)
        often.update(term.name.casefold() for term in self._recorded)
        acted = {action.thing.name for action in self._actions if _changes(action)}
        kept = acted | {table.term.name for table in self._facts.tables}
        wholes = {naming.parts(name) for name in acted}
        known = (t for t in (*terms, *self._recorded) if self._may_be(t) and not _restates(t, often))
        parts = ((term, naming.parts(term.name)) for term in known)  # an order line is part of the order
        return [t for t, words in parts if t.name in kept or wholes.isdisjoint(accumulate(zip(words[:-1])))]

    def _may_be(self, term: Term) -> bool:
        low = term.name.casefold()
        if is_attribute(term) or low in self._values or low in ("approval", "consent"):
            return False
        return low not in _words("generic_thing") and not self._is_lesser(term)

    def _is_lesser(self, term: Term) -> bool:
        """Of what one thing is done to, nobody keeps track: somebody who is called, a photo that is sent along, a quantity, a
        deed that ends."""
        low, head = term.name.casefold(), naming.head(term.name)
        done = self._done.get(low, ())
        if len(done) != 1 or low in self._kept:
            return low in _words("indefinite")
        ((verb, kind),) = done
        if is_person(head):
            return kind != "create" and verb not in _words("joining")
        if head in _words("quantity"):
            return verb not in _words("noting")
        deed = head in lexicon.pairs("english_words.txt", "nominal") and verb in _words("phase")
        deed = deed and head not in lexicon.pairs("english_words.txt", "implied").values()
        return deed or not _words("lesser").isdisjoint((head, "-".join(naming.parts(term.name)[-2:])))

    # ------------------------------------------------------------ where an action belongs

    def _home(self, action: Action) -> Found | None:
        if action.kind == "notify":
            return self._telling(action)
        if action.verb == "assign" and is_person(naming.head(action.thing.name)):
            owner = self._known(action.owner) if action.owner else None
            return owner or self._latest or self._last_resort(action)
        for term in (action.thing, action.owner):
            if term and (home := self._known(term)):
                return home
        for term in (action.owner, action.thing):
            if term and (home := self._related(term)):
                return home
        return self._mentioned(action) or self._beside(action) or self._last_resort(action)

    def _beside(self, action: Action) -> Found | None:
        """What it follows from, or what follows from it."""
        if action.kind == "create":
            return None
        others = [
            *self._causes.get(action, ()),
            *(one for one, causes in self._causes.items() if action in causes),
        ]
        return next(filter(None, (self._known(one.thing) for one in others)), None)

    def _telling(self, action: Action) -> Found | None:
        """A notification that the text names is a thing of its own; else somebody is told by what it is about."""
        if named := _notification(action):
            return self._known(_NOTIFICATIONS[named]) or self._last_resort(action)
        caused = [self._home(cause) for cause in self._causes.get(action, ())[:1]]
        near = self._latest if action.place.line - self._latest_line <= NEAR else None
        return next(iter(caused), None) or near or (None if self._found else self._last_resort(action))

    def _known(self, term: Term) -> Found | None:
        return self._found.get(term.name.casefold())

    def _near(self, term: Term) -> Found | None:
        return self._known(term) or self._related(term)

    def _related(self, term: Term) -> Found | None:
        """The aggregate that the thing's name begins or ends with."""
        words = naming.parts(term.name)
        parts = [(found, naming.parts(found.term.name)) for found in self._found.values()]
        if near := [one for one, part in parts if part and part in (words[: len(part)], words[-len(part) :])]:
            return max(near, key=lambda found: len(found.term.name))
        longer = [found for found, part in parts if words and part[-len(words) :] == words]
        return longer[-1] if len(longer) == 1 else None

    def _mentioned(self, action: Action) -> Found | None:
        if self._may_be(action.thing) and action.kind == "create":
            return None
        named = [found for found in self._found.values() if mentions(action.place.quote, found.term)]
        things = (found for found in named if not is_person(naming.head(found.term.name)))
        return next(things, next(iter(named), None))

    def _last_resort(self, action: Action) -> Found | None:
        if action.kind != "query" and action.thing.name.casefold() in _words("generic_thing"):
            return None
        home = self._latest or next(iter(self._found.values()), None)
        lesser = self._is_lesser(action.thing)
        if home and lesser and action.kind != "query":
            return home if action in self._reacting or is_person(naming.head(action.thing.name)) else None
        if (not lesser and not self._may_be(action.thing)) or (action.kind == "query" and home):
            return home
        return self._found.setdefault(action.thing.name.casefold(), Found(action.thing))

    def _holder(self, place: Place) -> Found | None:
        """The aggregate that is spoken of nearest before."""
        before = [found for found in self._found.values() if _first_line(found) <= place.line]
        return before[-1] if before else next(iter(self._found.values()), None)


def _first_line(found: Found) -> int:
    places = found.places
    return places[0].line if places else 1 << 30
