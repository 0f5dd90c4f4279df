"""Reads Korean sentences: who does what to what, and what follows from what. Grammar is in korean_grammar."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise

from devkit.rules import korean_terms as terms
from devkit.rules import lexicon, naming
from devkit.rules.facts import Action, Facts, Kind, Place, Rule, Term, noticed
from devkit.rules.korean_grammar import Clause, Noun, clauses
from devkit.rules.korean_lists import choices, members, phrase
from devkit.rules.lexicon import forms, pairs, pattern
from devkit.rules.saying import Reading, Said, by_itself
from devkit.rules.text import Sentence
from devkit.rules.verbs import Verb

_RULE = pattern("korean_rule")
_STORY = re.compile(
    r"^(?:as an? )?(?P<actor>[가-힣A-Za-z ]{1,20}?)(?:(?:으)?로서,?\s+(?:(?:나|저|우리)는?\s+)?|,? i want(?: to)? )(?=\S)",
    re.IGNORECASE,
)
_SO_THAT = re.compile(r"^(?:그래야|그래서|이를 통해|왜냐하면)\s")
_THEN = pattern("korean_then")
_RESTS = {word[0]: "" for word in terms.verb_nouns()}
for _word in sorted(terms.verb_nouns(), key=len, reverse=True):
    _RESTS[_word[0]] += f"|{_word[1:]}"
_VERBS = (
    f"(?=[{''.join(_RESTS)}])(?:{'|'.join(f'{first}(?:{rests[1:]})' for first, rests in _RESTS.items())})"
)
"""Verb nouns by their first letter, the longest first: a pattern that fails soon."""
_REWORDED = forms("korean", VERB=_VERBS)
_MANY = ("목록", "명단", "내역", "이력", "현황", "리스트")
_LISTED = (*_MANY, "정보", "상세", "여부", "사실")
_TIMED = pattern("korean_timed")
_ARROW = re.compile(r"\s*(?:→|->|=>|⇒|➔|▶)\s*")
_TIMED_FIRST = re.compile(rf"(?:\S+\s){{0,2}}(?:{_TIMED.pattern})")
_KINDS: dict[str, Kind] = {"create": "create", "delete": "delete", "query": "query", "notify": "notify"}
Resolved = tuple[Verb, str, Noun | None]
_STATES = ("상태", "현황", "이력", "내역", "잔액", "통계", "재고", "결과")


@lru_cache(maxsize=2048)
def _said(text: str) -> Said:
    """The same sentence is read once, in whatever questions it stands."""
    words, actor = text, None
    if story := _STORY.match(words):
        words, actor = words[story.end() :], terms.term(tuple(story["actor"].split()))
    for form, instead in _REWORDED:
        words = form.sub(instead, words) if form.search(words) else words
    return Said(
        choices=choices(text), members=members(text), rule=bool(_RULE.search(text)), words=words, actor=actor
    )


@dataclass(slots=True)
class _Course:
    """What a sentence says so far of one reaction: what begins it, else what is so."""

    causes: list[Action] = field(default_factory=list)
    effects: list[Action] = field(default_factory=list)
    state: str = ""


class Korean(Reading):
    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._now = _Course()
        self._chained = False  # between arrows, all is about one thing

    def heading(self, title: str) -> Term:
        """The concept of a heading."""
        text = re.sub(r"^(?:바운디드\s*컨텍스트|컨텍스트|도메인|모듈|기능|영역)\s*[:：]?\s*(?=\S)", "", title)
        text = re.sub(r"\(.*?\)", "", text).strip(" .:") or title
        words = [word for word in re.findall(r"[가-힣A-Za-z0-9]+", text) if word not in ("및", "와", "과")]
        read = terms.term(tuple(words))
        return Term(read.name, text)

    def unknown(self, title: str) -> bool:
        """Whether a word of a heading has no English: it names no context."""
        return bool(terms.unknown(tuple(re.findall(r"[가-힣A-Za-z0-9]+", title))))

    def is_actor(self, title: str) -> bool:
        words = title.split()
        return len(words) == 1 and terms.is_person(words[0])

    def has_verb(self, text: str) -> bool:
        return any(clause.ending != "none" for clause in clauses(text))

    def sentence(self, sentence: Sentence, actor: Term | None = None) -> None:
        """Adds what one sentence says; what stands between arrows follows from what stands before it."""
        steps = _ARROW.split(sentence.text)
        if len(steps) > 2 and all(steps):
            self._chained = True
            for before, after in pairwise(steps):
                self.sentence(replace(sentence, text=f"{before} → {after}"), actor)
            self._chained = False
            return
        said = _said(_whole(sentence.text, acting=actor is not None) if sentence.bullet else sentence.text)
        if not self._lists(sentence, said) and not _SO_THAT.match(sentence.text):
            self._behaviour(replace(sentence, text=said.words), said.actor or actor)

    def _behaviour(self, sentence: Sentence, actor: Term | None) -> None:
        made = [_meant(one) for one in clauses(sentence.text)]
        conditional = any(_is_cause(one, made[i + 1 :]) for i, one in enumerate(made))
        conditional |= bool(_TIMED_FIRST.match(sentence.text))
        begun = made and made[0].with_particle("은", "는", "이", "가", "께서")
        self._actor = actor or (None if conditional or begun else self._actor)
        self._now = now = _Course()
        for position, clause in enumerate(made):
            rest = made[position + 1 :]
            if _is_cause(clause, rest):
                now = self._begun(sentence, clause, made, rest)
                continue
            thing = self._thing
            action, *more = [self._action(sentence, one, made) for one in _apart(clause)]
            on_the_way = action and (
                (now.causes and action.kind == "query") or _is_on_the_way(action, clause, rest)
            )
            self._thing = thing if on_the_way else self._thing
            self._facts.actions += filter(None, () if on_the_way else more)
            now.effects += [action] if action and not on_the_way and (rest or clause.ending != "if") else []
        self._end(sentence, now)

    def _end(self, sentence: Sentence, now: _Course) -> None:
        """Adds what began and what follows; without a condition that is time, or what was done last."""
        if not now.causes and not now.state:
            now.state = self._time(sentence.text, now.effects)
            now.causes = [] if now.state else self._among(sentence, now.effects)
        self._add(sentence, now.causes, now.effects, now.state)

    def _begun(
        self, sentence: Sentence, clause: Clause, made: Sequence[Clause], rest: Sequence[Clause]
    ) -> _Course:
        """What a condition begins; what was begun before it ends, if anything follows from it."""
        if self._now.effects:
            self._end(sentence, self._now)
            self._now = _Course()
        now, acting = self._now, self._actor
        permitted = rest[0].may and rest[0].with_particle("은", "는", "이", "가")  # 임대인은 해지할 수 있다
        if permitted or _same_actor(clause, rest):
            self._doer(clause, _target(clause))
            return now
        if known := self._cause(sentence, clause, made):
            now.causes = [known]
        elif not now.causes:
            now.state = sentence.text[clause.start : clause.end]
        if not clause.with_particle("은", "는"):
            self._actor = acting
        return now

    def _cause(self, sentence: Sentence, clause: Clause, made: Sequence[Clause]) -> Action | None:
        """What a condition says was done; what was found (`발견`) is only seen."""
        thing, action = self._thing, self._action(sentence, clause, made)
        cause = _happened(action) if action else None
        resolved = self._resolved(clause)
        if action and (clause.noun == "발견" or action.thing.alias == resolved[1]):  # 결제가 되면
            self._thing = thing
        cause = None if clause.noun == "발견" else cause
        known = self._asked(resolved) or (cause and self._facts.as_done(cause))
        return replace(known, place=sentence.place(clause.start, clause.end)) if known else None

    def _time(self, text: str, effects: list[Action]) -> str:
        """When time alone starts what the system does, or somebody is told: every night, a day before the appointment."""
        found = _TIMED.search(text)
        first = _TIMED_FIRST.match(text)
        if first and _told_of(effects):
            effects[:] = [replace(one, actor=None) for one in effects]
        alone = by_itself(effects) and (first or all(one.automatic or _told_of([one]) for one in effects))
        return found[0] if found and alone else ""

    def _among(self, sentence: Sentence, effects: Sequence[Action]) -> list[Action]:
        """`이에 따라`: what was done last."""
        then = _THEN.match(sentence.text)
        goes_on = then and effects and (by_itself(effects) or then["so"])
        return [replace(one, place=sentence.whole) for one in self._facts.done()[-1:] if goes_on]

    def _asked(self, resolved: Resolved) -> Action | None:
        """`신청이 접수되면`, `요금 산정이 끝나면`: what was applied for, what was calculated before."""
        _, noun, target = resolved
        words = target.words if target and noun in terms.words("of_deeds") else ("",)
        verb, before = terms.verb_of(words[-1]).base, " ".join(words[:-1])
        done = [one for one in self._facts.done() if before in one.command.alias] if verb else []
        same = (one for one in reversed(done) if one.verb == verb and words[-1] in one.command.alias)
        return next(same, None)

    def _action(self, sentence: Sentence, clause: Clause, made: Sequence[Clause]) -> Action | None:
        verb, noun, target = self._resolved(clause)
        verb, kind = (terms.english_verb("view"), "query") if _is_shown(clause) else (verb, clause.kind)
        if not verb.base:
            return None
        doer = self._doer(clause, target)
        thing_like = target is not None and not terms.is_attribute(target.words[-1])
        if kind in ("unknown", "threshold", "state") and noun not in (clause.noun, ""):
            kind = verb.kind
        if kind != "query" and noun in ("기록", "저장") and target and (thing_like or not clause.passive):
            kind = "create"
        entered = clause.ending == "if" if clause.passive else clause is made[-1]
        if noun == "기입" and target and not thing_like:
            kind = "input"
        chosen = target and thing_like and (entered or _is_role(target))
        if kind == "input" and (chosen or (clause.ending == "if" and target)):
            kind = "update"
        if clause.negative or kind in ("state", "input", "unknown"):
            return None
        place = sentence.place(clause.start, clause.end)
        if kind == "threshold":
            return self._crossed(place, clause, target) if clause.ending == "if" else None
        return self._made(place, clause, (verb, noun, target), kind, doer, made)

    def _made(
        self, place: Place, clause: Clause, resolved: Resolved, kind: str, doer: Term | None, made: Sequence[Clause]
    ) -> Action | None:  # fmt: skip
        verb, noun, target = resolved
        self._recall(verb, clause, target)
        implied = pairs(terms.FILE, "implied").get(noun)
        if target is None and implied is None and not clause.passive:
            target = self._object_before(clause, made)
        guess = target is None and implied is None and _goes_without_saying(self._thing, clause, made)
        spoken = clause.ending == "if" or self._chained or "이를 " in place.quote
        thing, owner = self._thing_of(target) if target else (self._thing if spoken else None, None)
        restated = thing is not None and thing.name in (terms.english(noun), naming.pascal(verb.base))
        named = noun != clause.noun or not clause.passive or not self._thing
        if implied and (restated or (target is None and named)):
            base, _, name = implied.partition(":")
            verb, thing, owner = terms.english_verb(base), Term(name, noun), None
        elif restated or (target is None and noun in terms.words("happens")):
            return None
        tool = target and _is_tool(target) and kind != "query"
        tool = tool or (target and noun in terms.words("light") and terms.is_attribute(target.words[-1]))
        if thing is None or tool or guess:
            return None
        verb, kind = _settled(verb, kind, thing)
        if verb.base in terms.words("settled_only"):
            return None
        if target and (unknown := terms.unknown(_core(target)[-1:])):
            self._facts.unclear.append(Rule(place=place, text=unknown))
            self._thing = None  # what `이를` means is not known
            return None
        into = clause.with_particle("에", "에서") if verb.base in ("add", "remove") else None
        owner = terms.term(into.words) if into else owner
        if noun == "납부" and not thing.name.endswith(tuple(terms.words("money"))):
            verb, noun = terms.english_verb("submit"), "제출"
        tail = f"To{owner.name}" if into and owner and verb.base == "add" else ""
        command, event = _names(verb, noun, thing, tail)
        if kind == "query":
            command = event = _question(noun, target, thing, owner)
        elif kind != "notify" and (target is None or not terms.is_attribute(target.words[-1])):
            kept = verb.base in ("assign", "call") and target and _is_role(target) and self._thing
            self._thing = kept or thing
        system = doer is not None and doer.name == "System"
        return Action(
            place=place, kind=_KINDS.get(kind, "update"), verb=verb.base, actor=None if system else doer, thing=thing, owner=owner,
            command=command, event=event, fields=_fields(clause, made), automatic=system or (clause.passive and doer is None),
        )  # fmt: skip

    def _recall(self, verb: Verb, clause: Clause, target: Noun | None) -> None:
        """`신고 후`: what was reported."""
        if target is None and clause.ending in ("if", "after"):
            done, said = self._facts.done()[-8:], clause.noun
            same = [one.thing for one in done if one.verb == verb.base and said in one.command.alias]
            self._thing = next(reversed(same), self._thing)

    def _object_before(self, clause: Clause, made: Sequence[Clause]) -> Noun | None:
        """`상품을 검색하고 장바구니에 담는다`, `도서 등록, 수정`: what the clause before did something to."""
        at = next((i for i, other in enumerate(made) if other is clause), 0)
        earlier = (one for one in reversed(made[:at]) if one.ending != "if" and clause.ending != "if")
        return next(filter(None, (self._resolved(one)[2] for one in earlier)), None)

    def _resolved(self, clause: Clause) -> Resolved:
        """The verb that is meant, and what it is done to: `취소 처리한다`, `결제를 진행한다` mean 취소, 결제."""
        target = _target(clause)
        target = None if target and target.words[0] in terms.words("generic") else target
        granted = clause.noun == "수령" and target is not None and target.words[-1] in terms.words("granted")
        if clause.noun not in terms.words("light") and clause.noun and not granted:
            if target is None and clause.bare:
                target = _bare_noun(clause.bare, clause)
            return clause.verb, clause.noun, target
        if bare := [word for word in clause.bare if word in terms.verb_nouns()]:
            rest = clause.bare[: clause.bare.index(bare[-1])]
            return terms.verb_of(bare[-1]), bare[-1], target or (_bare_noun(rest, clause) if rest else None)
        return _inside(clause, target) or (clause.verb, clause.noun, target)

    def _doer(self, clause: Clause, target: Noun | None) -> Term | None:
        """The subject of an active clause; the agent of a passive one; else who acted last in this sentence."""
        found = clause.with_particle("이", "가", "께서") or clause.with_particle("은", "는", "도", "만")
        if clause.passive:
            agent = clause.with_particle("에 의해")
            return terms.term(agent.words) if agent else None
        if found is not None and found is not target and _is_role(found):
            role = (_before(clause, found) or found).words
            self._actor = None if terms.unknown(role[-1:]) else terms.term(role)
        return self._actor

    def _thing_of(self, target: Noun) -> tuple[Term, Term | None]:
        """The thing, and what it is a part of."""
        words = _core(target)
        thing = terms.term(words, plural=target.plural)
        if target.of and not terms.is_attribute(target.of[-1]):
            whole = terms.term(target.of)
            return (whole + thing if terms.is_attribute(words[-1]) else thing), whole
        if len(words) == 1 and terms.is_attribute(words[0]) and self._thing:
            return self._thing + thing, self._thing
        return thing, None

    def _crossed(self, place: Place, clause: Clause, target: Noun | None) -> Action | None:
        """`재고가 안전재고 아래로 떨어지면`: somebody must notice it."""
        if target is None or target.particle in ("을", "를") or terms.unknown(target.words[-1:]):
            return None
        if clause.noun == "부족" and not _is_measured(target.words[-1]):
            return None  # 승인이 떨어지면
        thing, owner = self._thing_of(target)
        command, event = _names(clause.verb, clause.noun, thing)
        if clause.noun == "부족":
            command = Term(f"DetectLow{thing.name}", f"{thing.alias} 부족 감지")
            event = Term(f"Low{thing.name}Detected", f"{thing.alias} 부족 감지됨")
        return noticed(place, clause.verb.base, thing, owner, command, event)


def _is_measured(word: str) -> bool:
    """Whether there can be little of it."""
    return terms.is_attribute(word) or word.endswith(("재고", "잔고", "한도", "압"))


def _told_of(effects: Sequence[Action]) -> bool:
    """Whether somebody is only told or sent something."""
    return all(one.kind == "notify" or one.verb == "send" for one in effects)


def _before(clause: Clause, noun: Noun) -> Noun | None:
    """The noun that `와` joins to this one: `회원과 직원은`."""
    before = next((n for n, after in pairwise(clause.nouns) if after is noun), None)
    return before if before and before.particle in ("와", "과") else None


def _meant(clause: Clause) -> Clause:
    """`팀장 승인 후`, `고객 동의 시`: a role before a verb noun does it, where it is nothing that is done to people. Who gets a
    message is sent it; what a program supports, shows or goes to is nothing that is done."""
    role, noun, what = clause.bare[-1:], clause.noun, clause.with_particle("이", "가", "은", "는")
    into, given = clause.with_particle("로", "으로"), clause.with_particle("을", "를")
    if noun == "수령" and given and terms.english(given.words[-1]).endswith(tuple(terms.words("message"))):
        return replace(clause, verb=terms.english_verb("send"), noun="발송", kind="notify", passive=True)
    if noun == "지원" and given:
        return replace(clause, kind="state")  # 형식을 지원한다
    if into and noun in ("이동", "진입") and _is_tool(into):
        return replace(clause, kind="state")  # 목록 화면으로 이동한다
    shown = given or what
    printed = (shown.words if shown else clause.bare)[-1:]
    if noun == "출력" and not any(one.endswith(tuple(terms.words("printed"))) for one in printed):
        return replace(clause, kind="state")
    acting = noun in terms.verb_nouns() and noun not in terms.words("to_people")
    if acting and role and terms.is_person(role[0]) and not given:
        doer = Noun(clause.bare, "이", clause.start, clause.end)
        return replace(clause, nouns=[*clause.nouns, doer], bare=(), passive=False)
    return clause


def _apart(clause: Clause) -> list[Clause]:
    """`견적서와 계약서를 발송한다` does two things."""
    target = _target(clause)
    other = _before(clause, target) if target else None
    if target is None or other is None or clause.noun in terms.words("mutual"):
        return [clause]
    rest = [n for n in clause.nouns if n not in (target, other)]
    return [clause, replace(clause, nouns=[*rest, replace(other, particle=target.particle)])]


def _target(clause: Clause) -> Noun | None:
    """What is acted on: the object; of a passive the subject; the topic, when the subject is somebody else."""
    into = clause.with_particle("에", "에서")
    if into and clause.noun == "반영":
        return into
    happens = clause.kind == "threshold" or clause.noun in terms.words("happens")
    told = (_recipient(clause) or into) if clause.kind == "notify" else None
    if clause.passive or happens:
        passed = into if clause.noun in terms.words("in_something") else told
        return _undergoer(clause) or passed
    if found := clause.with_particle("을", "를") or told or _by_itself(clause):
        return found
    subject, topic = clause.with_particle("이", "가", "께서"), clause.with_particle("은", "는", "도", "만")
    named = topic and (subject or topic.particle in ("만", "도") or topic.words[-1] in terms.dictionary())
    if topic and named and not _is_role(topic):
        return topic
    return into if clause.noun in terms.words("in_something") else None  # 견적에 동의하면


def _recipient(clause: Clause) -> Noun | None:
    """Who gets something: `담당자에게`, `운송사로`."""
    into = clause.with_particle("로", "으로")
    return clause.with_particle("에게", "한테", "께") or (into if into and _is_role(into) else None)


def _inside(clause: Clause, target: Noun | None) -> Resolved | None:
    """`배송 완료를 등록한다`, `환불이 진행된다`: the verb is in what looks like the object."""
    words = target.words if target and not clause.with_particle("로", "으로") else ()
    while words[1:] and words[-1] in terms.words("light"):  # 출고 처리가 되면
        words = words[:-1]
    last = words[-1] if words else ""
    if target is None or last not in terms.verb_nouns():
        return None
    rest = words[:-1] or target.of
    rest = rest if rest and not terms.is_person(rest[-1]) else ()
    return terms.verb_of(last), last, _bare_noun(rest, clause) if rest else None


def _by_itself(clause: Clause) -> Noun | None:
    """`재고 수량이 증가한다`: without an object, a subject that is nobody undergoes it."""
    subject, topic = clause.with_particle("이", "가"), clause.with_particle("은", "는")
    alone = subject or topic
    return alone if alone and not (subject and topic) and not _is_role(alone) and not clause.bare else None


def _undergoer(clause: Clause) -> Noun | None:
    """The subject of something that happens; somebody's topic gives way to an object (`신고를 받는다`)."""
    subject = clause.with_particle("이", "가") or clause.with_particle("은", "는", "도", "만")
    given = clause.with_particle("을", "를")
    return given if subject is None or (given and _is_role(subject)) else subject


def _is_role(noun: Noun) -> bool:
    return terms.is_person(noun.words[-1])


def _core(target: Noun) -> tuple[str, ...]:
    """`예약 내역`, `회수 여부`: what it is about."""
    words = tuple(word for word in target.words if word not in _LISTED) or target.words
    return words[:-1] if words[1:] and words[-1] in terms.words("generic") else words


def _bare_noun(words: tuple[str, ...], clause: Clause) -> Noun:
    return Noun(words, "", clause.start, clause.end)


def _is_on_the_way(action: Action, clause: Clause, rest: Sequence[Clause]) -> bool:
    """A look-up that nobody asks for or that something else is done with; before what only lasts or may not be done."""
    before = clause.ending in ("after", "by")
    if action.kind == "query":
        return before or (action.actor is None and not clause.may and not _is_shown(clause))
    if clause.ending == "by" and rest and clause.noun in ("기입", "기재", "첨부"):  # 수량을 적어 신청한다
        return True
    kept = clause.ending == "by" and rest and rest[0].noun == "기록"  # 체중을 측정하여 기록한다
    return before and not kept and all(one.negative or one.kind == "state" for one in rest)


def _is_tool(noun: Noun) -> bool:
    """What a program is made of, and what it writes for whoever runs it."""
    said = {*noun.words, "".join(noun.words[-2:])}
    return noun.words[-1] in terms.words("tool") or not terms.words("trace").isdisjoint(said)


def _is_shown(clause: Clause) -> bool:
    """`화면에 대기 목록이 뜬다`, `현황을 제공한다`: somebody sees it."""
    target = _target(clause) if clause.noun in terms.words("shown") else None
    return target is not None and target.words[-1] in terms.words("viewed")


def _same_actor(cause: Clause, rest: Sequence[Clause]) -> bool:
    """`회원은 공구를 분실하면 신고한다`: what somebody must do next is nothing that follows by itself."""
    topic, subject = cause.with_particle("은", "는"), cause.with_particle("이", "가")
    acting = any(one.passive or one.with_particle("은", "는", "이", "가", "께서") for one in rest)
    return topic is not None and _is_role(topic) and not acting and not subject


def _is_cause(clause: Clause, rest: Sequence[Clause]) -> bool:
    """A condition that something else follows from. Something done first by the same person is no condition."""
    topic = clause.with_particle("은", "는")
    by = topic or clause.with_particle("이", "가", "께서")
    alone = clause.start == 0 and not clause.bare and clause.kind not in ("input", "query", "state")
    told = clause.passive or alone
    goes_on = not rest or not (rest[0].passive and _target(rest[0]) is None)
    done = clause.ending == "after" and told and not (by and _is_role(by) and goes_on)
    return bool(rest) and (clause.ending == "if" or done)


def _happened(action: Action) -> Action | None:
    """A cause is no look-up: what is confirmed has changed, what is looked up has not."""
    if action.kind != "query":
        return action
    verb = terms.english_verb("confirm")
    command, event = _names(verb, "확인", action.thing)
    return replace(action, kind="update", verb=verb.base, command=command, event=event)


def _whole(text: str, *, acting: bool) -> str:
    """`주문 취소`, `주문 취소 (고객)`: a bullet that is a thing and a verb noun, perhaps with who does it, as a sentence."""
    label, _, rest = text.partition(": ")
    verbs = terms.verb_nouns().keys()
    if rest and verbs >= set(re.split(r"\s*[/,·]\s*", rest)):
        text = f"{label.removesuffix(' 관리')} {rest}"  # 공지 관리: 등록/수정
    elif rest and not clauses(rest) and re.split("[ /]", label)[-1] in verbs - terms.words("light"):
        text = label
    what, _, who = text.rstrip(" )").partition("(")
    if acting and what.split()[-1:] and what.split()[-1] in terms.words("viewed") and not clauses(text):
        return f"{text}을 조회할 수 있다"  # 팀장: 월별 매출 통계
    words, roles = what.split(), (word for word in re.split(r"\s*[,/·]\s*", who) if terms.is_person(word))
    named = 2 <= len(words) <= 5 and re.split("[/·]", words[-1])[-1] in terms.verb_nouns()
    odd = re.search(r"[+=%:<>]|\s/\s|(?<![A-Za-z])[a-z]", what)
    if odd or not named or clauses(text) or not phrase(" ".join(words[:-1])):
        return text
    return f"{next((f'{role}가 ' for role in roles), '')}{' '.join(words)}한다"


def _fields(clause: Clause, made: Sequence[Clause]) -> tuple[Term, ...]:
    """What was chosen or entered before, in the same sentence."""
    nouns = [
        noun
        for one in made
        if one.kind == "input" and one.start < clause.start
        for noun in one.nouns
        if noun.particle in ("을", "를", "와", "과")
    ]
    return tuple(dict.fromkeys(terms.term(noun.words) for noun in nouns))


def _goes_without_saying(thing: Term | None, clause: Clause, made: Sequence[Clause]) -> bool:
    """Whether no word of the sentence is what something is done to, nor somebody said to do it: what it is done to is a guess."""
    words = {word for one in made for noun in one.nouns for word in (*noun.words, *noun.of)}
    words.update(word for one in made for word in one.bare)
    begun = clause.ending == "if" or (made[0].ending == "if" and not clause.nouns)
    said = begun or clause.passive or any(map(_is_role, clause.nouns))
    return thing is not None and thing.alias.split()[-1] not in words and not said


@lru_cache(maxsize=2048)
def _settled(verb: Verb, kind: str, thing: Term) -> tuple[Verb, str]:
    """What a verb means with its thing: `날짜를 잡는다` sets it, `신청서를 낸다` submits it, `메일이 간다` sends it."""
    if verb.base in ("send", "ship", "go", "give", "convert") and thing.name.endswith(
        tuple(terms.words("message"))
    ):
        return terms.english_verb("send"), "notify"
    if verb.base == "ship" and not thing.name.endswith(("Product", "Item", "Parcel", "Part")):
        return terms.english_verb("send"), kind
    for left, base in lexicon.pairs(terms.FILE, "settled").items():
        given, _, ends = left.partition(":")
        if given == verb.base and thing.name.endswith(tuple(ends.split("|"))):
            return terms.english_verb(base), "update" if given == "view" else kind  # 시험을 본다
    return verb, kind


def _names(verb: Verb, noun: str, thing: Term, tail: str = "") -> tuple[Term, Term]:
    command = naming.pascal(verb.base) + thing.name + tail
    event = thing.name + naming.pascal(verb.participle) + tail
    if thing.alias == noun:
        return Term(command, f"{noun}하기"), Term(event, f"{noun}됨")
    return Term(command, f"{thing.alias} {noun}"), Term(event, f"{thing.alias} {noun}됨")


def _question(noun: str, target: Noun | None, thing: Term, owner: Term | None) -> Term:
    """The name of a look-up: what is asked for, as one or as many."""
    words = target.words if target else (thing.alias,)
    many = noun == "검색" or (target is not None and target.plural) or words[-1] in _MANY
    alias = f"{' '.join((*(target.of if target else ()), *words))} {noun}"
    if words[-1] in _STATES:
        last = terms.english(words[-1])
        name = thing.name + ("" if thing.name.endswith(last) else last)
    else:
        name = thing.name + ("List" if many else "" if terms.is_attribute(words[-1]) else "Details")
    return Term(name, alias, many)
