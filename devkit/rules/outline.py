"""Steps `outline` and `merge`: bounded contexts, which lines are whose, who acts, what is left open."""

from __future__ import annotations

from collections.abc import Sequence

from devkit.rules import asked
from devkit.rules.analysis import Analysis, Found, analyse
from devkit.rules.asked import Blocks, numbers
from devkit.rules.facts import Facts, Place, Term
from devkit.rules.grouping import Area, areas, section_of
from devkit.rules.loose_ends import NEITHER, NEITHER_KO, doubted, is_foreign, left_open, systems_in, unclear
from executor.graph import answers


def outline(blocks: Blocks) -> answers.OutlineAnswer:
    """Areas of the text, whose each line is, who acts, which systems and loose ends it mentions."""
    lines, korean = asked.lines(blocks), asked.korean(blocks)
    if is_foreign(lines):
        told = NEITHER_KO if korean else NEITHER
        return answers.OutlineAnswer(contexts=[], questions=[answers.QuestionAnswer(text=told)])
    facts = asked.facts(blocks)
    found = areas(facts, analyse(facts))
    homes = _homes(facts, found, lines)
    questions = [*unclear(facts), *left_open(lines, korean=korean), *doubted(facts, korean=korean)]
    actors = (action.actor.alias for action in facts.every_action() if action.actor)
    return answers.OutlineAnswer(
        contexts=[_context(area, homes, korean=korean) for area in found],
        roles=list(dict.fromkeys(actors)),
        external_systems=[
            answers.ExternalSystemAnswer(name=term.name, alias=term.alias, lines=str(n))
            for term, n in systems_in(lines)
        ],
        silent=numbers(n for n, at in homes.items() if not at),
        questions=[answers.QuestionAnswer(text=text, lines=str(n)) for text, n in questions],
    )


def _context(area: Area, homes: dict[int, list[str]], *, korean: bool) -> answers.ContextAnswer:
    name, terms = area.term.name, [found.term for found in area.aggregates]
    return answers.ContextAnswer(
        name=name,
        alias=area.term.alias,
        purpose=purpose(terms, korean=korean),
        aggregates=[answers.Named(name=term.name, alias=term.alias) for term in terms],
        owns=numbers(n for n, at in homes.items() if at[-1:] == [name]),
        sees=numbers(n for n, at in homes.items() if name in at[:-1]),
    )


def purpose(terms: Sequence[Term], *, korean: bool) -> str:
    names = [term.alias for term in terms]
    if korean:
        return f"{', '.join(names)}에 관한 업무를 맡는다."
    return f"Takes care of {', '.join(name.lower() if name.isascii() else name for name in names)}."


def merge(blocks: Blocks) -> answers.MergeAnswer:
    """Contexts of one name become one; so do contexts that own the same aggregate."""
    kept: list[tuple[str, set[str], list[str]]] = []
    for context in asked.listed(blocks.get("contexts")):
        name = str(context.get("name", ""))
        owned = {str(aggregate).casefold() for aggregate in context.get("aggregates", [])}
        for other, known, replaces in kept:
            if other.casefold() == name.casefold() or owned & known:
                known |= owned
                replaces.append(name)
                break
        else:
            kept.append((name, owned, [name]))
    return answers.MergeAnswer(
        contexts=[
            answers.MergedContext(name=name, replaces=list(dict.fromkeys(names))) for name, _, names in kept
        ]
    )


# ---------------------------------------------------------------- whose a line is


def _homes(facts: Facts, found: Sequence[Area], lines: asked.Lines) -> dict[int, list[str]]:
    """By line the contexts of the aggregates it speaks of, the one that acts last; a heading goes with the first line below
    it. Lines of no context have an empty list."""
    owners = {a.term.name: area.term.name for area in found for a in area.aggregates}
    claimed = _claimed(facts, analyse(facts, [a.term for area in found for a in area.aggregates]), owners)
    first: dict[int, int] = {}
    for number, _ in lines:
        section = section_of(facts.headings, number)
        if section and not section.quiet and number in claimed and number > section.place.line:
            first.setdefault(section.place.line, number)
    for line, below in first.items():
        for between in range(line, below):  # what a use case says before its first step goes with it
            claimed.setdefault(between, claimed[below][:1])
    return {number: claimed.get(number, []) for number, line in lines if line.strip()}


def _claimed(facts: Facts, analysis: Analysis, owners: dict[str, str]) -> dict[int, list[str]]:
    """Contexts by line, from what each line says."""
    claimed: dict[int, list[str]] = {}

    def claim(place: Place, found: Found | None, last: int = 0) -> None:
        owner = owners.get(found.term.name) if found else None
        for line in (*range(place.line, max(place.line, last) + 1), *place.beside):
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
