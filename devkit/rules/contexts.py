"""Bounded contexts: which there are, which lines are whose, their aggregates."""

from __future__ import annotations

from collections.abc import Sequence

from devkit.rules import asked, naming
from devkit.rules.analysis import Analysis, Found, analyse, mentions
from devkit.rules.asked import Blocks
from devkit.rules.facts import Facts, Place, Term
from devkit.rules.forms import (
    ContextAnswer,
    ContextsAnswer,
    DraftAnswer,
    DraftedAggregate,
    Named,
)
from devkit.rules.grouping import areas, section_of


def contexts(blocks: Blocks) -> ContextsAnswer:
    """Areas of the text, each with the aggregates it owns."""
    facts = asked.facts(blocks)
    korean = asked.korean(blocks)
    found = areas(facts, analyse(facts))
    return ContextsAnswer(
        contexts=[
            ContextAnswer(
                name=area.term.name,
                alias=area.term.alias,
                description=_purpose([aggregate.term for aggregate in area.aggregates], korean=korean),
                aggregates=[Named(name=a.term.name, alias=a.term.alias) for a in area.aggregates],
                sources=asked.sources(list(area.places), most=6),
            )
            for area in found
        ]
    )


def homes(blocks: Blocks, known: Sequence[dict[str, object]]) -> dict[int, list[str]]:
    """By line the contexts of the aggregates it speaks of, the one that acts last; a heading and what says nothing go with
    their section. Lines of no context have an empty list."""
    facts, lines = asked.facts(blocks), asked.lines(blocks)
    owners = _owners(known)
    analysis = analyse(facts, [Term(name, name) for name in owners])
    claimed = _claimed(facts, analysis, owners)
    _spread(facts, lines, claimed)
    return {number: claimed.get(number, []) for number, line in lines if line.strip()}


def draft(blocks: Blocks) -> DraftAnswer:
    """The aggregates a context owns, with the types and references its text gives them."""
    facts = asked.facts(blocks)
    context = blocks.get("context")
    owned = asked.terms(context.get("aggregates")) if isinstance(context, dict) else []
    foreign = [
        term for other in asked.listed(blocks.get("others")) for term in asked.terms(other.get("aggregates"))
    ]
    analysis = analyse(facts, [*owned, *foreign])
    theirs = {term.name.casefold() for term in foreign}
    ours = [found for key, found in analysis.found.items() if key not in theirs]
    if owned:
        ours = [found for found in ours if found.term in owned]
    korean = asked.korean(blocks)
    return DraftAnswer(aggregates=[_drafted(found, facts, analysis, korean=korean) for found in ours])


def _drafted(found: Found, facts: Facts, analysis: Analysis, *, korean: bool) -> DraftedAggregate:
    tables = [
        Term(table.term.name + naming.pascal(column.name), "")
        for table in found.tables
        for column in table.columns
        if column.choices
    ]
    kinds = [*(choice.name for choice in found.choices), *tables]
    groups = [group.owner for group in found.groups]
    return DraftedAggregate(
        name=found.term.name,
        alias=found.term.alias,
        description=_purpose([found.term], korean=korean),
        enumerations=[Named(name=term.name, alias=term.alias or term.name) for term in dict.fromkeys(kinds)],
        value_objects=[Named(name=term.name, alias=term.alias) for term in dict.fromkeys(groups)],
        references=references_of(found, facts, analysis),
        sources=asked.sources(found.places),
    )


def references_of(found: Found, facts: Facts, analysis: Analysis) -> list[str]:
    """Aggregates that its table refers to, that it records, or that its reactions and owners name."""
    names = [reference for table in found.tables for reference in table.references]
    recorded = {name.name.casefold() for fact in found.members for name in fact.names}
    for other in analysis.found.values():
        if other is not found and (other.term.name.casefold() in recorded or _columns_name(found, other)):
            names.append(other.term.name)
    for reaction in facts.reactions:
        if any(analysis.home(result) is found for result in reaction.results):
            homes = [analysis.home(trigger) for trigger in reaction.triggers]
            names += [
                home.term.name
                for home in homes
                if home and home is not found and mentions(reaction.text, home.term)
            ]
    known = {other.term.name for other in analysis.found.values()}
    return [
        name
        for name in dict.fromkeys(names)
        if name in known and name != found.term.name and name != "Notification"
    ]


def _columns_name(found: Found, other: Found) -> bool:
    return any(
        naming.pascal(column.name).casefold() == f"{other.term.name}id".casefold()
        for table in found.tables
        for column in table.columns
    )


def _purpose(terms: Sequence[Term], *, korean: bool) -> str:
    names = [term.alias for term in terms]
    if korean:
        return f"{', '.join(names)}에 관한 업무를 맡는다."
    return f"Takes care of {', '.join(name.lower() if name.isascii() else name for name in names)}."


def _owners(contexts: Sequence[dict[str, object]]) -> dict[str, str]:
    """Context by aggregate."""
    return {
        term.name: str(context.get("name", ""))
        for context in contexts
        for term in asked.terms(context.get("aggregates"))
    }


def _claimed(facts: Facts, analysis: Analysis, owners: dict[str, str]) -> dict[int, list[str]]:
    """Contexts by line, from what each line says."""
    claimed: dict[int, list[str]] = {}

    def claim(place: Place, found: Found | None, last: int = 0) -> None:
        owner = owners.get(found.term.name) if found else None
        for line in range(place.line, max(place.line, last) + 1):
            if owner and owner not in claimed.setdefault(line, []):
                claimed[line].append(owner)

    for reaction in facts.reactions:
        for action in (*reaction.triggers, *reaction.results):
            claim(reaction.place, analysis.home(action))
    for found in analysis.found.values():
        for place in found.places:
            claim(place, found)
        for table in found.tables:
            claim(table.place, found, table.last_line)
        for rule in found.rules:
            claim(rule.place, found)
    return claimed


def _spread(facts: Facts, lines: Sequence[tuple[int, str]], claimed: dict[int, list[str]]) -> None:
    """A heading goes with the first line below it; a line that says nothing stays without a context."""
    first: dict[int, int] = {}
    for number, _ in lines:
        section = section_of(facts.headings, number)
        if section and number in claimed and number > section.place.line:
            first.setdefault(section.place.line, number)
    for heading in facts.headings:
        below = first.get(heading.place.line)
        if below and heading.place.line not in claimed:
            claimed[heading.place.line] = list(claimed[below][:1])
