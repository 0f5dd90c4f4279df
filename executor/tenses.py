"""Forms of English verbs, the one table of them, and what the names of commands and events make of them. Nouns: process/plurals.py.

Irregular words are listed, the rest goes by rule, so a word that nobody listed has a form too. `make eval ORACLE=1` compares
the rules with a dictionary of English.
"""

from __future__ import annotations

import re
from typing import Final


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# ---------------------------------------------------------------- verbs

_LISTED: Final = """
be/was/been become/became/become begin/began/begun bend/bent bet/bet bid/bid bind/bound bite/bit/bitten bleed/bled
blow/blew/blown break/broke/broken breed/bred bring/brought broadcast/broadcast build/built burst/burst buy/bought cast/cast
catch/caught choose/chose/chosen come/came/come cost/cost cut/cut deal/dealt dig/dug do/did/done draw/drew/drawn
drink/drank/drunk drive/drove/driven eat/ate/eaten fall/fell/fallen feed/fed feel/felt fight/fought find/found fly/flew/flown
forbid/forbade/forbidden forget/forgot/forgotten forgive/forgave/forgiven freeze/froze/frozen get/got/got give/gave/given
go/went/gone grind/ground grow/grew/grown hang/hung have/had hear/heard hide/hid/hidden hit/hit hold/held hurt/hurt keep/kept
know/knew/known lay/laid lead/led leave/left lend/lent let/let light/lit lose/lost make/made mean/meant meet/met pay/paid
put/put quit/quit read/read ride/rode/ridden ring/rang/rung rise/rose/risen run/ran/run say/said see/saw/seen seek/sought
sell/sold send/sent set/set sew/sewed/sewn shake/shook/shaken shed/shed shine/shone shoot/shot show/showed/shown shrink/shrank/shrunk
shut/shut sing/sang/sung sink/sank/sunk sit/sat sleep/slept slide/slid sow/sowed/sown speak/spoke/spoken spend/spent spin/spun
split/split spread/spread stand/stood steal/stole/stolen stick/stuck strike/struck string/strung swear/swore/sworn sweep/swept
swim/swam/swum swing/swung take/took/taken teach/taught tear/tore/torn tell/told think/thought throw/threw/thrown
wake/woke/woken wear/wore/worn weave/wove/woven win/won wind/wound withhold/withheld withdraw/withdrew/withdrawn wring/wrung
write/wrote/written tie/tied lie/lied die/died vie/vied arise/arose/arisen input/input offset/offset
"""
_IRREGULAR: Final = {base: forms for base, *forms in (entry.split("/") for entry in _LISTED.split())}
_BASES: Final = {forms[-1]: base for base, forms in _IRREGULAR.items()}
_PREFIX = re.compile(
    r"(?:re|under|un|over|out|up|mis|pre|fore|with|cross|auto|down)-?(?=[b-df-hj-np-tv-z]|undo|eat)"
)
_NO_PREFIX: Final = _set("""
relay
""")
_ONSET = r"(?:[b-df-hj-np-tv-z]|[bcdfgpt]r|[bcfgps]l|s[chkmnpqtw]|[cstw]h|tw|[kgw](?=[nr])[nr]|s[cpt][lr]|shr|thr)?"
_ONE_BEAT = re.compile(rf"{_ONSET}(?:(?<=q)u)?[aeiouy][^aeiouwxyh]$")
_DOUBLES: Final = _set("""
abet abut acquit fuel refuel offset begin embed forbid forget input output admit allot annul cancel commit compel concur
confer control debug defer deter dispel emit enrol enthral equip excel expel extol format fulfil handicap
impel incur infer instil kidnap label model occur omit patrol permit prefer program propel rebel rebut recur
refer regret remit repel signal submit transfer transmit travel zigzag
""")  # the stress is on the last syllable, or British English doubles the l
_BOTH_SPELLINGS: Final = _set("""
enrol fulfil instil enthral
""")  # enroll, enrol
_WITH_E: Final = _set("""
triag creat recreat procreat exhal inhal rout rerout contraven invit unit reunit ignit expedit recit incit excit
delet complet compet deplet restor explor ignor ador implor deplor interven conven postpon condon welcom
conced preced supersed reced interfer persever adher rescal upscal downscal past wast tast cach bath breath
cloth sooth chang arrang rearrang exchang challeng rang prearrang aveng veng hing infring
""")
_WITHOUT_E: Final = _set("""
sync resync pilot pivot combat focus refocus bias canvas murmur vacuum pencil stencil debut
""")
_E = re.compile(
    r"(?:[cvu]|[^s]s|[^tz]z|[bcdfgkptz]l|[dlr]g|[iu]at|uad|(?:[^aeiou]|^|[gq]u)(?:[aio]k|[aiou]d|[aeiou]g|[iouy]l|[aiu]m|[iu]n|[auy]p|[aiuy]r"
    r"|[auo]t|[iou]b|[ae]ng)|[gq]ui[drt])$"
)
_SOUNDS_K: Final = _set("""
panic mimic traffic frolic picnic
""")
_PARTICLES: Final = _set("""
Up Out Off Back Down Away In Over On
""")


def participle(verb: str) -> str:
    """The past participle of a verb in its base form: send gives sent, resubmit resubmitted."""
    return (_irregular(verb) or [_regular(verb)])[-1]


def simple_past(verb: str) -> str:
    """write gives wrote."""
    return (_irregular(verb) or [_regular(verb)])[0]


def third_person(verb: str) -> str:
    """carry gives carries."""
    if re.search(r"[^aeiou]y$", verb):
        return f"{verb[:-1]}ies"
    return {"be": "is", "have": "has"}.get(verb) or verb + (
        "es" if re.search(r"(?:[sxzo]|[cs]h)$", verb) else "s"
    )


def gerund(verb: str) -> str:
    """tie gives tying, plan planning."""
    if verb.endswith("ie"):
        return f"{verb[:-2]}ying"
    return f"{verb[:-1] if re.search('[^eoy]e$', verb) and verb != 'be' else _doubled(verb)}ing"


def base_of(past: str) -> str | None:
    """The base form that a past participle belongs to; none where the word is no such form."""
    known = _BASES.get(past) or next(
        (prefix + base for prefix, rest in _prefixed(past) if (base := _BASES.get(rest))), None
    )
    if known or len(past) < 4 or not past.endswith("ed") or (past.endswith("eed") and past != "agreed"):
        return known
    if past.endswith("ied"):
        return f"{past[:-3]}y"
    stem = past[:-2]
    if stem[-1] == stem[-2] and stem not in ("add", "err", "ebb", "egg", "putt", "butt", "purr"):
        once = stem[:-1]
        if once in _BOTH_SPELLINGS:
            return stem
        return once if once in _DOUBLES or (stem[-1] not in "flsz" and _doubled(once) == stem) else stem
    if stem.endswith("ick") and stem[:-1] in _SOUNDS_K:
        return stem[:-1]
    if stem.endswith("e") or any(one in _WITH_E for one in (stem, *(rest for _, rest in _prefixed(stem)))):
        return f"{stem}e"
    mute = bool(_E.search(stem)) or bool(_ONE_BEAT.fullmatch(stem))
    return f"{stem}e" if mute and stem not in _WITHOUT_E else stem


def _irregular(verb: str) -> list[str] | None:
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    for prefix, rest in _prefixed(verb):
        if rest in _IRREGULAR and len(rest) > 1:
            return [prefix + form for form in _IRREGULAR[rest]]
    return None


def _prefixed(word: str) -> list[tuple[str, str]]:
    found = None if word in _NO_PREFIX else _PREFIX.match(word)
    return [(found[0], word[found.end() :])] if found else []


def _regular(verb: str) -> str:
    if verb.endswith("e"):
        return f"{verb}d"
    return f"{verb[:-1]}ied" if re.search(r"[^aeiou]y$", verb) else f"{_doubled(verb)}ed"


def _doubled(verb: str) -> str:
    """The stem before a vowel: plan gives plann, panic panick."""
    if verb in _SOUNDS_K:
        return f"{verb}k"
    beats = [verb, *(rest for _, rest in _prefixed(verb))]
    return verb + verb[-1] if any(b in _DOUBLES or _ONE_BEAT.fullmatch(b) for b in beats) else verb


# ---------------------------------------------------------------- names of commands and events


def past_tense(command: str) -> str:
    """The event a command leads to: PlaceOrder gives OrderPlaced, PickUpParcel ParcelPickedUp."""
    verb, *words = _words(command) or [""]
    tail = words[:1] if words[:1] and words[0] in _PARTICLES else []
    return "".join((*words[len(tail) :], _past(verb), *tail)) if verb else f"{command}Done"


def imperative(event: str) -> str:
    """The command that leads to an event: OrderPlaced gives PlaceOrder, LoanOverdue gives RecordLoanOverdue."""
    words = _words(event)
    tail = [words.pop()] if len(words) > 1 and words[-1] in _PARTICLES else []
    verb = base_of(words[-1].lower()) if words else None
    return "".join((verb.capitalize(), *tail, *words[:-1])) if verb else f"Record{event}"


def same_verb(command: str, event: str) -> bool:
    """Whether the event is the command's own in the past tense."""
    verb, happened = _words(command)[:1], [word for word in _words(event) if word not in _PARTICLES][-1:]
    return bool(verb and happened) and (
        _past(verb[0]) == happened[0] or base_of(happened[0].lower()) == verb[0].lower()
    )


def _past(verb: str) -> str:
    past = participle(verb.lower())
    return past[:1].upper() + past[1:]


def _words(name: str) -> list[str]:
    return [
        word[:1].upper() + word[1:] for word in re.findall(r"[A-Z][a-z0-9]*|[a-z0-9]+|[^\x00-\x7f]+", name)
    ]
