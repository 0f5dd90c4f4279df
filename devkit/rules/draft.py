"""Step `draft`: the aggregates of a context with their inner types, and what is done with them, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from devkit.rules import asked, naming
from devkit.rules.analysis import Analysis, Found, analyse, mentions
from devkit.rules.asked import Blocks
from devkit.rules.details import Given, inside
from devkit.rules.facts import Facts
from devkit.rules.names import Element, Named, names
from devkit.rules.outline import purpose
from executor.graph import answers


def draft(blocks: Blocks) -> answers.DraftAnswer:
    """The given aggregates, else those that the text speaks of and nobody else has."""
    facts, korean, context = asked.facts(blocks), asked.korean(blocks), asked.given(blocks, "context")
    others = [one.get("aggregates") for one in asked.listed(blocks.get("others"))]
    foreign = [term for aggregates in others for term in asked.terms(aggregates)]
    owned = asked.terms(context.get("aggregates"))
    analysis = analyse(facts, [*owned, *foreign], closed=bool(owned) and not context.get("purpose"))
    owned = owned or [found.term for found in analysis.found.values() if found.term not in foreign]
    given = {str(one.get("name", "")): one for one in asked.listed(context.get("aggregates"))}
    named = names(owned, analysis, asked.given(blocks, "required"), asked.lines(blocks), korean=korean)
    made = [_drafted(one, given.get(one.term.name, {}), facts, analysis, korean=korean) for one in named]
    systems = [term.alias for term in asked.terms(blocks.get("systems"))]
    return answers.DraftAnswer(aggregates=made, calls=list(_calls(made, systems, asked.lines(blocks))))


def _drafted(
    named: Named, given: dict[str, Any], facts: Facts, analysis: Analysis, *, korean: bool
) -> answers.AggregateAnswer:
    term = named.term
    found = analysis.of(term.name) or Found(term)
    references = list(map(str, given.get("references") or _references(found, facts, analysis)))
    types = {kind: asked.terms(given.get(kind)) for kind in ("enumerations", "value_objects")}
    known = Given(enumerations=types["enumerations"], parts=types["value_objects"], references=references)
    within = inside(found, facts, known)
    shown = [field.name for field in within.fields[:6]]
    return answers.AggregateAnswer(
        name=term.name,
        alias=term.alias,
        description=purpose([term], korean=korean),
        references=[
            answers.KeptReference(field=f"{naming.camel(name)}Id", aggregate=name) for name in references
        ],
        parts=[answers.PartAnswer(name=part.name, alias=part.alias) for part in within.parts],
        enumerations=[
            answers.EnumerationAnswer(
                name=e.name, alias=e.alias, items=[answers.ItemAnswer(value=v) for v in e.values]
            )
            for e in within.enumerations
        ],
        commands=[_command(command) for command in named.commands],
        read_models=[answers.ReadModelAnswer(**asdict(view), shows=shown) for view in named.views],
    )


def _command(command: Element) -> answers.CommandAnswer:
    return answers.CommandAnswer(**asdict(command), events=[answers.EventAnswer(**asdict(command.event))])


def _references(found: Found, facts: Facts, analysis: Analysis) -> list[str]:
    """Aggregates that its table refers to, that it records, or that its reactions and owners name."""
    names = [reference for table in found.tables for reference in table.references]
    columns = {naming.pascal(column.name).casefold() for table in found.tables for column in table.columns}
    recorded = {name.name.casefold() for fact in found.members for name in fact.names}
    for low, other in analysis.found.items():
        if low in recorded or f"{low}id" in columns:
            names.append(other.term.name)
    for reaction in facts.reactions:
        if any(analysis.home(result) is found for result in reaction.results):
            homes = filter(None, map(analysis.home, reaction.triggers))
            names += [home.term.name for home in homes if mentions(reaction.text, home.term)]
    known = {other.term.name for other in analysis.found.values()} - {found.term.name, "Notification"}
    return [name for name in dict.fromkeys(names) if name in known]


def _calls(
    made: Sequence[answers.AggregateAnswer], systems: Sequence[str], lines: asked.Lines
) -> Iterator[answers.CallAnswer]:
    """A command calls the systems that its lines name."""
    text = {str(n): line.casefold() for n, line in lines} if systems else {}
    for command in (c for a in made for c in a.commands):
        said = [text.get(n, "") for n in command.lines.split(",")]
        for system in systems:
            if any(system.casefold() in line for line in said):
                yield answers.CallAnswer(system=system, command=command.name)
