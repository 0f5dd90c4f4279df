"""English verbs in the names of commands and events: from the imperative to the past tense and back.

Rules and a list, not a dictionary: good enough to find the event of a command, and to name one that is missing.
"""

from __future__ import annotations

import re

_IRREGULAR = {
    "Begin": "Begun", "Break": "Broken", "Build": "Built", "Buy": "Bought", "Choose": "Chosen", "Do": "Done",
    "Draw": "Drawn", "Find": "Found", "Get": "Got", "Give": "Given", "Hold": "Held", "Keep": "Kept", "Leave": "Left",
    "Lend": "Lent", "Lose": "Lost", "Make": "Made", "Pay": "Paid", "Put": "Put", "Read": "Read", "Reset": "Reset",
    "Sell": "Sold", "Send": "Sent", "Set": "Set", "Split": "Split", "Submit": "Submitted", "Take": "Taken",
    "Transfer": "Transferred", "Withdraw": "Withdrawn", "Write": "Written", "Refer": "Referred", "Cancel": "Cancelled",
    "Ship": "Shipped", "Stop": "Stopped", "Drop": "Dropped", "Plan": "Planned", "Ban": "Banned", "Scan": "Scanned",
    "Commit": "Committed", "Permit": "Permitted", "Admit": "Admitted", "Log": "Logged", "Swap": "Swapped",
    "Map": "Mapped", "Pin": "Pinned", "Tag": "Tagged", "Trim": "Trimmed", "Skip": "Skipped", "Pick": "Picked",
}  # fmt: skip
_PRESENT = {past: present for present, past in _IRREGULAR.items()}
_MUTE_E = re.compile(
    r"(at|[^aeio]et|let|plet|ut|ot|iv|ov|ev|av|rv|lv|c|dg|ng|ag|rg|iz|yz|as|os|us|is|rs|ns|ir|ar|ur|or|ul|bl|dl|pl|tl|gl|"
    r"id|ud|rad|fin|min|bin|lin|gin|in|im|um|om|am|iqu|u|ap|op|yp|yl|il|ol|al|it)$"
)
_BARE = re.compile(
    r"(oat|eat|[^t]reat|out|ount|oot|oov|loc|oad|aid|oid|aim|oom|oim|ain|oin|ein|iew|ear|oor|air|oir|eer|our|ail|oil|eal|ool|"
    r"eel|oul|ass|oss|uss|iss|ess|eap|oop|oap|onitor|uthor|actor|edit|imit|isit|osit|dit|cit|fit|ait|uit|mit|sit|dator|"
    r"avor|abor|all|ell|ill|oll|ull|atus|ocus)$"
)


def past_tense(command: str) -> str:
    """The event a command leads to: PlaceOrder gives OrderPlaced."""
    words = _words(command)
    return "".join((*words[1:], _past(words[0]))) if words else f"{command}Done"


def imperative(event: str) -> str:
    """The command that leads to an event: OrderPlaced gives PlaceOrder, LoanOverdue gives RecordLoanOverdue."""
    words = _words(event)
    verb = _present(words[-1]) if words else None
    return "".join((verb, *words[:-1])) if verb else f"Record{event}"


def same_verb(command: str, event: str) -> bool:
    """Whether the event is the command's own in the past tense."""
    verb, happened = _words(command)[:1], _words(event)[-1:]
    return bool(verb and happened) and (_past(verb[0]) == happened[0] or _present(happened[0]) == verb[0])


def _words(name: str) -> list[str]:
    return [
        word[:1].upper() + word[1:] for word in re.findall(r"[A-Z][a-z0-9]*|[a-z0-9]+|[^\x00-\x7f]+", name)
    ]


def _past(verb: str) -> str:
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if verb.endswith("e"):
        return f"{verb}d"
    return f"{verb[:-1]}ied" if re.search(r"[^aeiou]y$", verb) else f"{verb}ed"


def _present(past: str) -> str | None:
    if past in _PRESENT:
        return _PRESENT[past]
    if past.endswith("ied"):
        return f"{past[:-3]}y"
    if not past.endswith("ed") or len(past) < 5:
        return None
    stem = past[:-2]
    return f"{stem}e" if _MUTE_E.search(stem) and not _BARE.search(stem) else stem
