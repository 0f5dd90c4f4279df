"""What happens in one chaos run, all of it drawn from the seed: who submits what, what users want, what breaks and when."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

WISHES = {"keep": 8, "tidy": 5, "stop": 3, "cancel": 2, "cancel and retry": 2}
"""What a user does with a job, by weight: nothing; removal after the end, as the web client does; removal in the middle; and so on."""

FAULTS = {
    "kill executor": 4,
    "kill poller": 4,
    "kill both": 2,
    "lose poller": 1,
    "stop executor": 2,
    "stop poller": 2,
    "deafen poller": 1,
    "hurry executor": 1,
    "hurry poller": 1,
    "drain executor": 1,
    "drain poller": 1,
    "rtdb drops replies": 3,
    "rtdb frozen": 2,
    "rtdb slow": 1,
    "rtdb 503": 2,
    "rtdb 412": 2,
    "rtdb cuts streams": 2,
    "rtdb revokes streams": 1,
    "rtdb killed": 1,
}
"""Kinds of fault and how many of each are in the deck that the plan is dealt from.

`lose`: killed, and back only after its leases have run out. `hurry`: a second SIGTERM right after the first. `deafen`: one
poller's event streams and reads hang, and with them its renewals, while its other writes pass, until after its leases have
run out: what the margin of time is for.
"""

LANGUAGE_MODEL_FAULTS = {"429": 0.03, "500": 0.03, "cut": 0.01, "timeout": 0.005, "truncated": 0.02, "prose": 0.02, "types": 0.01, "refusal": 0.01}  # fmt: skip

_SECONDS = {
    "stop executor": ((2.0, 25.0),),
    "stop poller": (
        (2.0, 8.0),
        (27.0, 38.0),
        (58.0, 62.0),
    ),  # it wakes while another poller has just taken its jobs over
    "lose poller": ((38.0, 45.0),),
    "deafen poller": ((36.0, 44.0),),
    "kill poller": ((0.2, 1.0),),
    "rtdb frozen": ((1.0, 12.0),),
    "rtdb slow": ((2.0, 6.0),),
}
_COUNTS = {"rtdb drops replies": (1, 8), "rtdb 503": (3, 40), "rtdb 412": (3, 40), "rtdb slow": (80, 800)}
_RESTART = ((0.2, 4.0),)
_UNDER_WAY_SECONDS = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    at: float
    number: int
    job_id: str
    request: str
    language: str
    wish: str
    patience: float
    """Seconds from the submission until the user acts, where the wish has a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`target` chooses among the processes of that kind; `seconds` is how long it lasts, or until the restart."""

    at: float
    kind: str
    target: int
    seconds: float
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    seed: int
    submissions: tuple[Submission, ...]
    faults: tuple[Fault, ...]


def plan(
    *,
    seed: int,
    jobs: int,
    seconds: float,
    every: float = 6.0,
    longest: float = 60.0,
    only: Sequence[str] = (),
) -> Plan:
    """Jobs over the first three quarters of the time, a fault about `every` seconds; none lasts more than `longest`.

    `only`: nothing but these kinds of fault, in this order again and again, once some jobs are under way.
    """
    chance = random.Random(f"chaos {seed}")
    submissions = [_submission(chance, number, seconds * 0.75) for number in range(jobs)]
    faults = _faults(chance, seconds, every, longest, only)
    return Plan(
        seed=seed, submissions=tuple(sorted(submissions, key=lambda one: one.at)), faults=tuple(faults)
    )


def _submission(chance: random.Random, number: int, seconds: float) -> Submission:
    return Submission(
        at=chance.uniform(0, seconds),
        number=number,
        job_id=str(uuid.UUID(int=chance.getrandbits(128))),
        request="fromDraft" if number % 5 in (2, 3) else "fromRequirements",
        language=("English", "Korean")[number % 2],
        wish=chance.choices(list(WISHES), list(WISHES.values()))[0],
        patience=chance.uniform(0.2, 6.0),
    )


def _faults(
    chance: random.Random, seconds: float, every: float, longest: float, only: Sequence[str]
) -> list[Fault]:
    found: list[Fault] = []
    deck: list[str] = []
    at = _UNDER_WAY_SECONDS if only else chance.uniform(1.0, 3.0)
    while at < seconds:
        deck = deck or [*reversed(only)] or _shuffled(chance)
        found.append(_fault(chance, at, deck.pop(), longest))
        at += chance.uniform(0.3, 1.7) * every
    return found


def _shuffled(chance: random.Random) -> list[str]:
    """One of each kind comes before a second of any."""
    firsts = list(FAULTS)
    rest = [kind for kind, count in FAULTS.items() for _ in range(count - 1)]
    chance.shuffle(firsts)
    chance.shuffle(rest)
    return rest + firsts


def _fault(chance: random.Random, at: float, kind: str, longest: float) -> Fault:
    seconds = min(chance.uniform(*chance.choice(_SECONDS.get(kind, _RESTART))), longest)
    count = chance.randint(*_COUNTS.get(kind, (0, 0)))
    return Fault(at=at, kind=kind, target=chance.randrange(1 << 16), seconds=seconds, count=count)
