"""Step `draft`: the aggregates of a context with their inner types, and what is done with them, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from devkit.rules import asked, naming
from devkit.rules.analysis import Analysis, Found, analyse, mentions
from devkit.rules.asked import Blocks
from devkit.rules.details import inside
from devkit.rules.facts import Facts, Term
from devkit.rules.names import Named, names
from devkit.rules.outline import purpose
from executor.graph import answers


def draft(blocks: Blocks) -> answers.DraftAnswer:
    """The given aggregates, else those that the text speaks of and nobody else has."""
    facts, korean, context = asked.facts(blocks), asked.korean(blocks), asked.given(blocks, "context")
    lines, others = asked.lines(blocks), asked.listed(blocks.get("others"))
    foreign = [(other.get("name"), t) for other in others for t in asked.terms(other.get("aggregates"))]
    owned = asked.terms(context.get("aggregates"))
    known = [*owned, *(term for _, term in foreign)]
    analysis = analyse(facts, known)
    added = [found for found in analysis.found.values() if found.term not in known]
    if owned and not context.get("purpose"):
        own = [*owned, *(term for name, term in foreign if name == context.get("name"))]
        _gather(added, own, analysis, lines)
    owned = owned or [found.term for found in added]
    given = {str(one.get("name", "")): one for one in asked.listed(context.get("aggregates"))}
    named = names(owned, analysis, asked.given(blocks, "required"), korean=korean)
    made = [_drafted(one, given.get(one.term.name, {}), facts, analysis, korean=korean) for one in named]
    systems = [term.alias for term in asked.terms(blocks.get("systems"))]
    return answers.DraftAnswer(aggregates=made, calls=list(_calls(made, systems, lines)))


def _gather(added: Sequence[Found], own: Sequence[Term], analysis: Analysis, lines: asked.Lines) -> None:
    """Where a context's aggregates are all that there are, what is done to another thing is done to the one that the sentence
    names, else to the one that the text comes to first: the same in every question about the context."""

    def first(term: Term) -> tuple[int, str]:
        return next((n for n, line in lines if mentions(line, term)), len(lines)), term.name

    ordered = sorted(own, key=first)
    for action in (one for found in added for one in found.actions if not one.automatic):
        named = (term for term in ordered if mentions(action.place.quote, term))
        analysis.of(next(named, ordered[0])).actions.append(action)


def _drafted(
    named: Named, given: dict[str, Any], facts: Facts, analysis: Analysis, *, korean: bool
) -> answers.AggregateAnswer:
    term, found = named.term, analysis.of(named.term)
    references = asked.texts(given.get("references")) or _references(found, facts, analysis)
    fields, parts, kinds = inside(
        found,
        facts,
        enumerations=asked.terms(given.get("enumerations")),
        parts=asked.terms(given.get("value_objects")),
        references=references,
    )
    shown = [field.name for field in fields[:6]]
    return answers.AggregateAnswer(
        name=term.name,
        alias=term.alias,
        description=purpose([term], korean=korean),
        references=[answers.KeptReference(field=name) for name in references],
        parts=[answers.PartAnswer(**asdict(part)) for part in parts],
        enumerations=[answers.EnumerationAnswer(**asdict(one)) for one in kinds if one.items],
        commands=[
            answers.CommandAnswer(**asdict(one), events=[answers.EventAnswer(**asdict(one.event))])
            for one in named.commands
        ],
        read_models=[answers.ReadModelAnswer(**asdict(view), shows=shown) for view in named.views],
    )


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
    text = {str(n): line.casefold() for n, line in lines}
    for command in (c for a in made for c in a.commands):
        said = "\n".join(text.get(n, "") for n in command.lines.split(","))
        for system in systems:
            if system.casefold() in said:
                yield answers.CallAnswer(system=system, command=command.name)
