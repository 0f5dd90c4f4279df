"""What a text says between its facts: systems of others, times, conditions, and words that leave something open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from devkit.rules import naming
from devkit.rules.facts import Facts, Term
from devkit.rules.lexicon import pattern, words

_SYSTEM = re.compile(
    r"(?:\b(?:external|through|via|to|from|by|using|of|with|over)\s+)(?:the|an?|our)?\s*"
    r"(?P<name>(?:[A-Za-z-]{1,20}\s){0,2}?[A-Za-z-]{1,20}\s(?:provider|gateway|agency|system of \w+|service provider|API|registry))\b",
    re.IGNORECASE,
)
_SYSTEM_KO = re.compile(
    r"(?<![가-힣A-Za-z])(?P<name>(?:외부\s)?[가-힣A-Za-z]{1,20}?\s?(?:결제\s?(?:대행사|서비스|게이트웨이)|대행사|연동\s?시스템|외부\s?시스템|API|게이트웨이))"
)
_OPEN = re.compile(
    r"\b(?:etc\.?|and so on|as appropriate|if necessary|for some time|a certain (?:time|period|number|amount)|to be (?:defined|decided)|TBD)"
    r"|적절(?:한|히)|일정\s(?:기간|시간|금액|횟수)|추후|필요(?:시|하면|한 경우)|등(?:을|이|의)?\s|미정",
    re.IGNORECASE,
)
_UNDECIDED = pattern("undecided")
_TIMER = re.compile(
    r"\b(?:(?:after|within|for(?: more than)?|in|every)\s+)?(?:\d+|one|two|three|four|five|six|seven|ten|fourteen|thirty|a|an)\s+(?:minutes?|hours?|days?|weeks?|months?|years?)\b"
    r"(?:\s+(?:before|prior to|ahead of|after)\b)?|\b(?:every|each)\s+(?:night|day|week|month|morning|evening|hour|year|quarter|\w+day)\b|\bat midnight\b"
    r"|(?:\bthe )?(?:\b\w+ ){1,3}(?:job|batch|scheduler) (?:runs|starts|executes|is run)\b|\b(?:nightly|hourly)\b|\bby (?:noon|midnight|the end of \w+|(?:mon|tues|wednes|thurs|fri|satur|sun)day|\d[\d:.]*(?:\s?[ap]\.?m\.?| o'clock|h)?)\b|\b(?:after|within|in)\s\d+\s?(?:h|min)\b|\bon (?:mon|tues|wednes|thurs|fri|satur|sun)days\b|\bat the (?:end|beginning|start) of (?:the|each|every) \w+"
    r"|\d+\s?(?:분|시간|일|주|개월|달)(?:이|가)?\s?(?:후|뒤|지나면|지나도록|넘도록|이내|내에|안에|동안|전|이상|넘게)|(?:하루|이틀|사흘|일주일|한\s?달)\s?(?:전|후|뒤)|매(?:일|주|월|달|년|분기)\s?[가-힣0-9]*|자정에|(?:\d+(?:분|시간|일|주|개월|년)|분기|달|주|해|날|아침|저녁|[월주연]말|학기)마다|다음\s?날|[가-힣]*(?:종료|만료|마감|만기|기준|납기|예정|시작|개시|말)일(?:에|까지)|\d+시에"
    r"|(?:한|두|세|석|네|넉)\s?(?:시간|주|달)\s?(?:넘게|이상|동안)|(?:하루|이틀|사흘|나흘|열흘|보름|일주일|한\s?달)\s?(?:이|동안)|(?:시각|시점|날짜|기일)(?:이|가)\s(?:도래|되)\S*|(?:[가-힣]+\s)?[가-힣]*(?:기한|기간|기일|만기일?|마감일?|납기일?|예정일|종료일)(?:(?:이|가|을|를)\s(?:지나|넘기|넘|경과)\S*|까지)",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\b(?:if|unless|provided that|as long as)\b[^.,;]{1,200}", re.IGNORECASE)
_CONDITION_KO = re.compile(r"[^.,;]{0,80}?(?:경우에만|경우|않으면|없으면|있으면)")
NEITHER = "The text seems to be written neither in English nor in Korean, and the embedded rules read only these two."
NEITHER_KO = "글이 영어(English)도 한국어(Korean)도 아닌 것 같습니다. 내장 규칙은 이 두 언어만 읽습니다."
_KOREAN = re.compile(r"[가-힣]")


def is_foreign(lines: Sequence[tuple[int, str]]) -> bool:
    """Whether a text is in another language than English and Korean."""
    text = " ".join(line for _, line in lines).lower()
    said = re.findall(r"[a-zÀ-ɏḀ-ỿ가-힣]+", text)
    known = sum(map(len, said))
    if len(re.findall(r"[^\W\d_]", text)) > 2 * known:
        return True
    english = sum(word in words("english_words.txt", "own_language") for word in said)
    others = sum(
        word in words("english_words.txt", "other_language") or bool(re.search(r"[À-ɏḀ-ỿ]", word))
        for word in said
    )
    return others > max(1, 3 * english, 0.12 * len(said))


def systems_in(lines: Sequence[tuple[int, str]]) -> list[tuple[Term, int]]:
    """Systems of somebody else, each with the line that first names it."""
    found: dict[str, tuple[Term, int]] = {}
    for number, line in lines:
        for match in (_SYSTEM_KO if _KOREAN.search(line) else _SYSTEM).finditer(line):
            alias = match["name"].strip()
            name = naming.pascal(alias) if alias.isascii() else "ExternalSystem"
            found.setdefault(alias.casefold(), (Term(name, alias), number))
    return list(found.values())


def unclear(facts: Facts, most: int = 5) -> list[tuple[str, int]]:
    """A question about each word that has no English name: no name is invented for it."""
    said = {one.text: one.place.line for one in reversed(facts.unclear) if len(one.text) > 1}
    found = sorted(said.items(), key=lambda one: one[1])[:most]
    return [(f"'{word}'은(는) 무엇이며, 영어로 무엇이라고 합니까?", line) for word, line in found]


def doubted(facts: Facts, *, korean: bool, most: int = 5) -> list[tuple[str, int]]:
    """A question about what is said only once and may have been misread."""
    question = "이 일도 다룹니까? {}" if korean else "Is this part of the business, and who does it? {}"
    said = ((one.place.quote, one.place.line) for one in facts.doubtful)
    return [(question.format(quote[:1].upper() + quote[1:]), line) for quote, line in said][:most]


def left_open(lines: Sequence[tuple[int, str]], *, korean: bool, most: int = 5) -> list[tuple[str, int]]:
    """A question about each line that is undecided, and each word that says less than it seems to."""
    question = "'{}'은(는) 정확히 무엇입니까?" if korean else 'What exactly does "{}" mean here?'
    decide = "무엇으로 정합니까? {}" if korean else "What will be decided here? {}"
    undecided = [(decide.format(line.strip(" -*|")), n) for n, line in lines if _UNDECIDED.search(line)]
    words = [(question.format(match[0].strip()), n) for n, line in lines if (match := _OPEN.search(line))]
    return (undecided + words)[:most]


@lru_cache(maxsize=2048)
def timer_of(sentence: str) -> str:
    """When time starts a reaction, in the sentence's own words."""
    match = _TIMER.search(sentence)
    return match[0].strip() if match else ""


def condition_of(sentence: str) -> str:
    """What else must be so, in the sentence's own words; what begins a sentence is its trigger, not a condition."""
    pattern = _CONDITION_KO if _KOREAN.search(sentence) else _CONDITION
    found = (match[0].strip() for match in pattern.finditer(sentence) if match.start() > 0)
    return next(found, "")
