"""From aggregates to bounded contexts: by the text's own headings where they separate, else by what belongs together."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from devkit.rules.analysis import Analysis, Found, mentions
from devkit.rules.facts import Facts, Heading, Place, Term

SEVERAL = 3
"""Commands of an aggregate that is a context of its own where no heading says so."""


@dataclass(frozen=True, slots=True)
class Area:
    """A bounded context: its name and its aggregates."""

    term: Term
    aggregates: tuple[Found, ...]
    places: tuple[Place, ...]


def areas(facts: Facts, analysis: Analysis) -> list[Area]:
    """The bounded contexts in the order of the text."""
    active = [found for found in analysis.found.values() if found.actions or found.members or found.tables]
    if not any(found.commands for found in active):
        active = [found for found in active if found.tables or found.questions]
    found = _by_headings(facts, active) or _by_bonds(facts, analysis, active)
    by_name: dict[str, Area] = {}
    for area in found:
        known = by_name.get(area.term.name)
        by_name[area.term.name] = _area(known.term, [*known.aggregates, *area.aggregates]) if known else area
    return list(by_name.values())


def section_of(headings: Sequence[Heading], line: int) -> Heading | None:
    """The heading that a line stands under."""
    above = bisect_right(headings, line, key=lambda heading: heading.place.line)
    return headings[above - 1] if above else None


def _by_headings(facts: Facts, active: Sequence[Found]) -> list[Area]:
    """The highest level of headings under which at least two sections have aggregates of their own."""
    for level in sorted({heading.level for heading in facts.headings}):
        headings = [h for h in facts.headings if h.level == level and not h.generic]
        groups: dict[Term, list[Found]] = {}
        stray: list[Found] = []
        for found in active:
            heading = _home_section(headings, facts.headings, level, found)
            (groups.setdefault(heading.term, []) if heading else stray).append(found)
        if len(groups) > 1:
            return list(_sections(headings, groups, stray))
    return []


def _sections(
    headings: Sequence[Heading], groups: dict[Term, list[Found]], stray: Sequence[Found]
) -> Iterator[Area]:
    """Of the aggregates that no section has, one with little behaviour joins the nearest; another is a context of its own."""
    homes = [found for group in groups.values() for found in group]
    for found in (one for one in stray if len(one.commands) < SEVERAL):
        near = _nearest(found, homes)
        next(group for group in groups.values() if near in group).append(found)
    for heading in headings:
        if group := groups.pop(heading.term, None):
            yield _area(heading.term, group, heading.place)
    yield from (_area(_management(one.term), [one]) for one in stray if len(one.commands) >= SEVERAL)


def _home_section(
    headings: Sequence[Heading], every: Sequence[Heading], level: int, found: Found
) -> Heading | None:
    """The section where most of an aggregate's facts are; a section ends at the next heading of its level or above."""
    borders = [heading for heading in every if heading.level <= level]
    votes: Counter[int] = Counter()
    for place in found.places:
        section = section_of(borders, place.line)
        if section is not None and section in headings:
            votes[headings.index(section)] += 1
    if not votes:
        return None
    return headings[min(votes, key=lambda index: (-votes[index], index))]


def _by_bonds(facts: Facts, analysis: Analysis, active: Sequence[Found]) -> list[Area]:
    """Aggregates with behaviour of their own are contexts; lesser ones join the one they are spoken of with most."""
    pairs = [
        (analysis.homes.get(cause, ""), analysis.homes.get(result, ""))
        for reaction in facts.reactions
        for cause in reaction.triggers
        for result in reaction.results
    ]
    led = {result for cause, result in pairs if cause != result} - {cause for cause, _ in pairs}
    cores = [found for found in active if _stands_alone(found, led)] or list(active[:1])
    groups: dict[str, list[Found]] = {core.term.name: [core] for core in cores}
    for found in active:
        if found not in cores:
            groups[_nearest(found, cores).term.name].append(found)
    return [_area(_management(core.term), groups[core.term.name]) for core in cores]


def _stands_alone(found: Found, led: Collection[str]) -> bool:
    """Whether several things are done to it; what is only ever dealt with because of another is part of that one's business."""
    by_people = any(action.actor and not action.automatic for action in found.commands)
    acting = any(action.actor or not action.automatic for action in found.commands)
    return acting and len(found.commands) >= SEVERAL and (by_people or found.term.name not in led)


def _nearest(found: Found, cores: Sequence[Found]) -> Found:
    """The core whose name is in the aggregate's, else that shares most of its sentences, else that comes closest before."""
    own = found.places

    def bond(core: Found) -> tuple[bool, int, int]:
        places = core.places
        shared = sum(mentions(place.quote, core.term) for place in own)
        shared += sum(mentions(place.quote, found.term) for place in places)
        near = min(abs(place.line - own[0].line) for place in places)
        return found.term.name.startswith(core.term.name), shared, -near

    return max(cores, key=bond)


def _management(term: Term) -> Term:
    if term.alias.isascii():
        return Term(f"{term.name}Management", f"{term.alias} Management")
    return Term(f"{term.name}Management", f"{term.alias} 관리")


def _area(term: Term, aggregates: Sequence[Found], first: Place | None = None) -> Area:
    places = [place for found in aggregates for place in found.places]
    every = sorted(dict.fromkeys([*([first] if first else []), *places]), key=lambda place: place.line)
    return Area(term, tuple(aggregates), tuple(every))
