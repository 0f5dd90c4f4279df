"""From the input and the parts so far to the model: before and at the first join, for every snapshot, and at the end. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from executor.graph.draft import Draft
from executor.graph.given import DraftAggregate, GraphInput, Named
from executor.graph.merge import unmerged
from executor.graph.normalise import lookup
from executor.graph.policies import Reactions
from executor.graph.scenarios import Examples, together
from executor.graph.screens import Screens
from executor.graph.state import Part, by_place, of_step
from executor.graph.text import verbatim
from executor.graph.unit import ContextUnit, Outline, Place, PoliciesUnit
from executor.graph.units import Drafted, for_policies, outline_of
from executor.model import (
    Aggregate,
    BoundedContext,
    EventStormingModel,
    Field,
    Note,
    OpenQuestion,
    loose,
    once,
)
from executor.repair import Required, repaired, with_valid_links
from executor.review import Reviewed, joined, reviewed

# ---------------------------------------------------------------- before the names are known


def foreseen(input: GraphInput, parts: Sequence[Part]) -> EventStormingModel:
    """What the chunks read so far name, as a board may show it: contexts may still be joined and named anew."""
    whole = unmerged(part.value for part in of_step(parts, "outline"))
    contexts = (
        BoundedContext(
            ordinal=n, name=c.name, alias=c.alias, purpose=c.purpose, aggregates=_named(c.aggregates)
        )
        for n, c in enumerate(whole.contexts, 1)
    )
    return _previewed(input, contexts, whole)


def outlined(input: GraphInput, units: Sequence[ContextUnit], parts: Sequence[Part]) -> EventStormingModel:
    """The contexts and what each owns, as a board may show them: ordinals inside a context may still change."""
    contexts = (replace(_bare(unit), aggregates=_named(unit.aggregates)) for unit in units)
    return _previewed(input, contexts, outline_of(parts))


def _named(aggregates: Iterable[Named | DraftAggregate]) -> tuple[Aggregate, ...]:
    return tuple(Aggregate(name=a.name, alias=a.alias) for a in aggregates)


def _previewed(input: GraphInput, contexts: Iterable[BoundedContext], whole: Outline) -> EventStormingModel:
    model = EventStormingModel(
        language=input.language,
        bounded_contexts=tuple(contexts),
        external_systems=whole.systems,
        open_questions=whole.questions,
    )
    return repaired(model).model


def _bare(unit: ContextUnit) -> BoundedContext:
    return BoundedContext(
        ordinal=unit.index + 1,
        name=unit.name,
        alias=unit.alias,
        purpose=unit.purpose,
        description=verbatim(unit.document, unit.numbers),
        ranges_in_description=unit.ranges_in_description,
    )


# ---------------------------------------------------------------- the first join: all names


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedModel:
    """The model with every context, aggregate, command, event and read model it will ever have.

    Ordinals are final: the context of unit n has ordinal n + 1, its aggregate m has ordinal m + 1.
    """

    model: EventStormingModel
    dangling: tuple[tuple[str, str], ...]
    reversed: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]


def drafted(units: Sequence[ContextUnit], parts: Sequence[Part]) -> Drafted:
    """The aggregates of each context: those known before in their order, then those that drafts have added, each once."""
    found: dict[int, Sequence[Aggregate]] = {}
    for unit in units:
        known = {a.name for a in unit.aggregates}
        every = [a for part in _drafts(unit, parts) for a in part.aggregates]
        added = once((a for a in every if a.name not in known), taken={name.casefold() for name in known})
        found[unit.index] = (*(a for a in every if a.name in known), *added)
    return found


def _drafts(unit: ContextUnit, parts: Sequence[Part]) -> list[Draft]:
    return [part.value for part in of_step(parts, "draft") if part.place[0] == unit.index]


def named(input: GraphInput, units: Sequence[ContextUnit], parts: Sequence[Part]) -> NamedModel:
    """Joins the drafts; makes names unique, connections whole, and one of what was named twice."""
    aggregates = drafted(units, parts)
    outline = outline_of(parts)
    systems = (*outline.systems, *(s for unit in units for d in _drafts(unit, parts) for s in d.systems))
    bare = EventStormingModel(
        language=input.language,
        bounded_contexts=tuple(
            replace(_bare(unit), aggregates=tuple(_unreferring(a) for a in aggregates[unit.index]))
            for unit in units
            if aggregates[unit.index] or unit.ranges_in_description
        ),
        external_systems=once(systems),
    )
    wanted = required(input)
    one = joined(bare, outline.roles, wanted.read_models)
    whole = repaired(one.model, wanted)
    referring = _Referring(whole.model, aggregates)
    return NamedModel(
        model=with_valid_links(_questioned(referring.model(), units, parts)),
        dangling=tuple(referring.dangling),
        reversed=tuple(referring.reversed),
        notes=(*one.notes, *whole.notes),
    )


def _unreferring(aggregate: Aggregate) -> Aggregate:
    """Without what is worked out later: inner types have no fields yet, and names of other aggregates may still change."""
    fields = tuple(replace(field, references="") for field in aggregate.fields)
    return replace(aggregate, fields=fields, value_objects=())


def _questioned(
    model: EventStormingModel, units: Sequence[ContextUnit], parts: Sequence[Part]
) -> EventStormingModel:
    """With the questions that outline and drafts leave open; those of a draft are about its context."""
    names = {context.ordinal: context.name for context in model.bounded_contexts}
    asked: list[OpenQuestion] = [*outline_of(parts).questions]
    for unit in units:
        for draft in _drafts(unit, parts):
            asked += [replace(q, bounded_context=names.get(unit.index + 1, "")) for q in draft.questions]
    return replace(model, open_questions=tuple(asked))


def required(input: GraphInput) -> Required:
    """What a draft asked for by name."""
    wanted = [context.required for context in input.contexts]
    return Required(
        commands=frozenset(name for names in wanted for name in names.commands if name.strip()),
        events=frozenset(name for names in wanted for name in names.events if name.strip()),
        read_models=frozenset(name for names in wanted for name in names.read_models if name.strip()),
    )


# ---------------------------------------------------------------- references that drafts state


class _Referring:
    """Gives the references of drafts to the aggregates that are meant, one direction for each two of them."""

    def __init__(self, model: EventStormingModel, aggregates: Drafted) -> None:
        self._model = model
        self._drafted = {
            (context.ordinal, a.ordinal): aggregates[context.ordinal - 1][a.ordinal - 1]
            for context in model.bounded_contexts
            for a in context.aggregates
        }
        self._anywhere = self._names(model.bounded_contexts)
        self._meant = {
            (a.name, field.name): self._target(field, context)
            for context in model.bounded_contexts
            for a in context.aggregates
            for field in self._drafted[context.ordinal, a.ordinal].fields
            if field.references
        }
        self.dangling: list[tuple[str, str]] = []
        self.reversed: list[tuple[str, str]] = []

    def _names(self, contexts: Sequence[BoundedContext]) -> dict[str, str]:
        """Aggregates by the names that drafts know them under."""
        pairs = [(c.ordinal, a) for c in contexts for a in c.aggregates]
        return lookup((self._drafted[ordinal, a.ordinal].name, a.name) for ordinal, a in pairs)

    def _target(self, field: Field, context: BoundedContext) -> str:
        """Of the same context if it can be; a context of one aggregate stands for it; "" if there is none."""
        wanted = loose(field.references)
        alone = lookup(
            (c.name, c.aggregates[0].name) for c in self._model.bounded_contexts if len(c.aggregates) == 1
        )
        return self._names((context,)).get(wanted) or self._anywhere.get(wanted) or alone.get(wanted) or ""

    def model(self) -> EventStormingModel:
        """The model with its references."""
        order = {a.name: i for i, a in enumerate(self._model.aggregates)}
        pairs = {(owner, target) for (owner, _), target in self._meant.items() if target not in ("", owner)}
        both = {(s, t) for s, t in pairs if (t, s) in pairs}
        kept = {pair for pair in pairs if pair not in both or self._depends(pair, order)}
        self.reversed = sorted(both - kept, key=lambda pair: (order[pair[0]], order[pair[1]]))
        contexts = tuple(
            replace(c, aggregates=tuple(self._referring(a, c.ordinal, kept) for a in c.aggregates))
            for c in self._model.bounded_contexts
        )
        return replace(self._model, bounded_contexts=contexts)

    def _depends(self, pair: tuple[str, str], order: dict[str, int]) -> bool:
        """Of two that refer to each other: the one that keeps a single identity, else the one that comes later."""
        source, target = pair
        many, back = (self._keeps_many(*each) for each in (pair, pair[::-1]))
        return many < back if many != back else order[source] > order[target]

    def _keeps_many(self, source: str, target: str) -> bool:
        return all(
            name.casefold().endswith("s")
            for (owner, name), to in self._meant.items()
            if (owner, to) == (source, target)
        )

    def _referring(self, aggregate: Aggregate, context: int, kept: set[tuple[str, str]]) -> Aggregate:
        fields = []
        for field, said in zip(aggregate.fields, self._stated(aggregate, context), strict=True):
            target = self._meant.get((aggregate.name, field.name), "")
            if said and not target:
                self.dangling.append((aggregate.name, said))
            fields.append(replace(field, references=target if (aggregate.name, target) in kept else ""))
        return replace(aggregate, fields=tuple(fields))

    def _stated(self, aggregate: Aggregate, context: int) -> list[str]:
        said = {f.name: f.references for f in self._drafted[context, aggregate.ordinal].fields}
        return [said.get(field.name, "") for field in aggregate.fields]


# ---------------------------------------------------------------- the model as it stands


def shown(
    units: Sequence[ContextUnit], model: EventStormingModel, parts: Sequence[Part]
) -> EventStormingModel:
    """The named model with all that is known so far. What one call shows, a call with more parts shows again.

    Policies of a part of the text appear only when those of all parts before it are known, so that none changes its ordinal.
    """
    return with_valid_links(_grown(units, model, parts))


def finished(
    input: GraphInput, units: Sequence[ContextUnit], model: EventStormingModel, parts: Sequence[Part]
) -> Reviewed:
    """The named model with everything: repaired where a step should have left it broken, and looked at as a whole."""
    whole = repaired(_grown(units, model, parts), required(input))
    examples = _examples(parts)
    unshown = {
        a.name: examples[place].unshown
        for context in whole.model.bounded_contexts
        for a in context.aggregates
        if (place := (context.ordinal - 1, a.ordinal - 1)) in examples
    }
    return Reviewed(model=reviewed(whole.model, unshown), notes=whole.notes)


def _grown(
    units: Sequence[ContextUnit], model: EventStormingModel, parts: Sequence[Part]
) -> EventStormingModel:
    behaviours: dict[Place, Aggregate] = by_place(parts, "behaviour")
    examples = _examples(parts)
    screens: dict[Place, Screens] = by_place(parts, "screens")

    def filled(context: BoundedContext, aggregate: Aggregate) -> Aggregate:
        place = (context.ordinal - 1, aggregate.ordinal - 1)
        aggregate = behaviours.get(place, aggregate)
        return _drawn(aggregate, examples.get(place), screens.get(place, {}))

    reactions = list(_reactions(for_policies(units, model), parts))
    return replace(
        model,
        bounded_contexts=tuple(
            replace(context, aggregates=tuple(filled(context, a) for a in context.aggregates))
            for context in model.bounded_contexts
        ),
        policies=tuple(policy for each in reactions for policy in each.policies),
        open_questions=(*model.open_questions, *(q for each in reactions for q in each.questions)),
    )


def _examples(parts: Sequence[Part]) -> dict[Place, Examples]:
    """By place of the aggregate: of those groups of its commands that are known."""
    groups: dict[Place, list[Examples]] = {}
    for part in of_step(parts, "scenarios"):
        groups.setdefault(part.place[:2], []).append(part.value)
    return {place: together(known) for place, known in groups.items()}


def _drawn(aggregate: Aggregate, examples: Examples | None, screens: Screens) -> Aggregate:
    scenarios = examples.scenarios if examples else {}
    refusals = examples.refusals if examples else {}
    return replace(
        aggregate,
        commands=tuple(
            replace(
                c,
                scenarios=scenarios.get(c.name, ()),
                refusals=refusals.get(c.name, ()),
                screen=screens.get(c.name),
            )
            for c in aggregate.commands
        ),
        read_models=tuple(replace(r, screen=screens.get(r.name)) for r in aggregate.read_models),
    )


def _reactions(units: Sequence[PoliciesUnit], parts: Sequence[Part]) -> Iterator[Reactions]:
    answered: dict[Place, Reactions] = by_place(parts, "policies")
    for unit in units:
        if unit.place not in answered:
            return
        yield answered[unit.place]
