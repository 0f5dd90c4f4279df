"""What a model shows, by place: what a later model must show again."""

from __future__ import annotations

from executor.model import EventStormingModel


def places_of(model: EventStormingModel) -> dict[tuple[object, ...], str]:
    places: dict[tuple[object, ...], str] = {}
    for context in model.bounded_contexts:
        places["context", context.ordinal] = context.name
        for a in context.aggregates:
            places["aggregate", context.ordinal, a.ordinal] = a.name
            for kind, elements in (("command", a.commands), ("event", a.events), ("view", a.read_models)):
                places |= {(kind, context.ordinal, a.ordinal, e.ordinal): e.name for e in elements}
    places |= {("policy", p.ordinal): p.name for p in model.policies}
    places |= {("reference", r.from_aggregate, r.to_aggregate): "" for r in model.references}
    return places
