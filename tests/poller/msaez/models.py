"""Random typed models such as the executor makes whole, with names and texts as hostile as it lets through."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations

from eventstorming.v1 import model_pb2
from hypothesis import strategies as st

CONTEXT_NAMES = [
    "주문 관리",
    "ui",
    "A.B#C",
    "$[0]/x",
    "OrderManagement",
    "日本語",
    "@",
    "a" * 256,
    "😀 Shop",
    "9Lives",
]
AGGREGATE_NAMES = [
    "Order",
    "order",
    "주문",
    "배달 기사",
    "book_loan",
    "2fa",
    "String",
    "日本",
    "A" * 128,
    "Address",
    "@",
    "OrderId",
]
ALIASES = [
    "",
    "주문하기",
    "주문 하기",
    "@",
    "Place order",
    "😀",
    "<script>alert(1)</script>",
    "null",
    "주문",
]
FIELD_NAMES = [
    "id",
    "orderId",
    "주문번호",
    "status",
    "@",
    "a b",
    "class",
    "memo",
    "x" * 128,
    "total-price",
    "日",
    "isbn13",
]
TYPES = ["String", "Long", "Integer", "Double", "BigDecimal", "Boolean", "Date", "List<String>", "List<Date>"]
VALUES = ["", "@", "N/A", "501", "21.5", "true", "9" * 30, "서울시 😀", "{}", "007"]
HTML = ["", "<div class='x'>주문</div>", "<script>alert(1)</script>", "<p onclick='x()'>a</p>", "@"]
TEXT = "첫 줄 😀\n\nsecond line of the text\n끝"


@st.composite
def models(
    draw: st.DrawFn, contexts: int = 8, aggregates: int = 3, each: int = 4
) -> model_pb2.EventStormingModel:
    """Sizes are Hypothesis's choice and shrink; the contents follow from a seed."""
    sizes = draw(st.lists(st.integers(1, aggregates), min_size=1, max_size=contexts))
    return _Builder(draw(st.integers(0, 2**32)), each).model(sizes)


def sized(contexts: int, aggregates: int, each: int, seed: int = 1) -> model_pb2.EventStormingModel:
    return _Builder(seed, each).model([aggregates] * contexts)


class _Builder:
    def __init__(self, seed: int, each: int) -> None:
        self.random = random.Random(seed)
        self.each = each
        self.used: dict[str, set[str]] = {}
        self.aliases: set[str] = set()

    def model(self, sizes: list[int]) -> model_pb2.EventStormingModel:
        model = model_pb2.EventStormingModel(language=self.random.choice([1, 2]))
        for ordinal, size in enumerate(sizes, start=1):
            context = model.bounded_contexts.add(ordinal=ordinal, name=self.unique("context", CONTEXT_NAMES))
            context.alias, context.description = self.alias(), self.random.choice([TEXT, "@", ""])
            for number in range(1, size + 1):
                self.aggregate(context.aggregates.add(ordinal=number))
        for actor in ("Customer", "고객", "@"):
            model.actors.add(name=actor, alias=self.alias())
        self.references(model)
        self.policies(model)
        return model

    def unique(self, kind: str, names: list[str], base: str = "") -> str:
        taken = self.used.setdefault(kind, set())
        free = [name for name in names if name not in taken]
        name = (
            self.random.choice(free)
            if free and self.random.random() < 0.4
            else f"{base}{kind.capitalize()}{len(taken)}"
        )
        taken.add(name)
        return name

    def alias(self) -> str:
        """Not one that was chosen before, whatever its blanks."""
        chosen = self.random.choice(ALIASES)
        blank_free = "".join(chosen.split()).casefold()
        if blank_free in self.aliases:
            return ""
        self.aliases.add(blank_free)
        return chosen

    def ranges(self) -> list[model_pb2.SourceRange]:
        one = model_pb2.SourceRange(start_line=1, start_column=1, end_line=3, end_column=6)
        return self.random.choice([[], [one], [model_pb2.SourceRange()], [one, one]])

    def fields(self, types: list[str], least: int = 0) -> list[model_pb2.Field]:
        names = self.random.sample(FIELD_NAMES, self.random.randint(least, 6))
        return [
            model_pb2.Field(
                name=name,
                type=self.random.choice([*TYPES, *types, *(f"List<{name}>" for name in types)]),
                is_key=self.random.random() < 0.2,
                ranges=self.ranges(),
            )
            for name in names
        ]

    def aggregate(self, aggregate: model_pb2.Aggregate) -> None:
        aggregate.name = self.unique("aggregate", AGGREGATE_NAMES)
        aggregate.alias, aggregate.description = self.alias(), self.alias()
        names = dict.fromkeys(["Money", "주소", "OrderId", "Status", aggregate.name, "String", "@"])
        types = self.random.sample(list(names), self.random.randint(0, 5))
        for name in types[::2]:
            value = aggregate.value_objects.add(name=name, alias=self.alias(), ranges=self.ranges())
            value.fields.extend(self.fields(types, least=1))
        for name in types[1::2]:
            kind = aggregate.enumerations.add(name=name, alias=self.alias())
            kind.items.extend(model_pb2.EnumerationItem(value=v) for v in self.random.sample(VALUES[1:], 3))
        aggregate.fields.extend(self.fields(types, least=1))
        aggregate.fields[0].is_key = True
        aggregate.ranges.extend(self.ranges())
        self.behaviour(aggregate, types)

    def behaviour(self, aggregate: model_pb2.Aggregate, types: list[str]) -> None:
        for number in range(1, self.random.randint(1, self.each) + 1):
            event = aggregate.events.add(ordinal=number, name=self.unique("event", ["주문됨", "OrderPlaced"]))
            event.alias = self.alias()
            event.fields.extend(self.fields(types))
        for number in range(1, self.random.randint(1, self.each) + 1):
            self.command(aggregate, aggregate.commands.add(ordinal=number), types)
        for number in range(1, self.random.randint(0, self.each) + 1):
            view = aggregate.read_models.add(
                ordinal=number, name=self.unique("view", ["주문 조회", "OrderPlaced"])
            )
            view.alias, view.actor = self.alias(), self.random.choice(["", "Customer", "고객", "@"])
            view.parameters.extend(self.fields(types))
            view.screen.html = self.random.choice(HTML)
        emitted = {name for command in aggregate.commands for name in command.emits}
        aggregate.commands[0].emits.extend(e.name for e in aggregate.events if e.name not in emitted)

    def command(self, aggregate: model_pb2.Aggregate, command: model_pb2.Command, types: list[str]) -> None:
        command.name, command.alias = self.unique("command", ["주문하기", "PlaceOrder"]), self.alias()
        command.kind, command.actor = (
            self.random.choice([0, 1, 2, 3]),
            self.random.choice(["", "Customer", "@"]),
        )
        command.fields.extend(self.fields(types))
        command.emits.append(self.random.choice(aggregate.events).name)
        command.screen.html = self.random.choice(HTML)
        for _ in range(self.random.randint(0, 2)):
            command.scenarios.append(self.scenario(aggregate, command))

    def scenario(self, aggregate: model_pb2.Aggregate, command: model_pb2.Command) -> model_pb2.Scenario:
        def clause(name: str, fields: list[model_pb2.Field]) -> model_pb2.ScenarioClause:
            values = [model_pb2.ScenarioValue(field=f.name, value=self.random.choice(VALUES)) for f in fields]
            return model_pb2.ScenarioClause(name=name, values=values)

        then = [clause(event.name, list(event.fields)) for event in aggregate.events[:2]]
        return model_pb2.Scenario(
            title=self.alias(),
            given=clause(aggregate.name, list(aggregate.fields)),
            when=clause(command.name, list(command.fields)),
            then=then,
        )

    def references(self, model: model_pb2.EventStormingModel) -> None:
        names = [aggregate.name for _, aggregate in aggregates(model)]
        pairs = list(combinations(names, 2))
        for pair in self.random.sample(pairs, min(len(pairs), len(names))):
            source, target = self.random.sample(pair, 2)
            model.references.add(from_aggregate=source, to_aggregate=target)

    def policies(self, model: model_pb2.EventStormingModel) -> None:
        events = [(a.name, e.name) for _, a in aggregates(model) for e in a.events]
        for ordinal in range(1, self.random.randint(0, len(events)) + 1):
            owner, trigger = self.random.choice(events)
            others = [name for other, name in events if other != owner]
            if others:
                results = self.random.sample(others, min(len(others), self.random.randint(1, 2)))
                name = self.unique("policy", ["주문되면 배달", "OrderPlaced"])
                policy = model.policies.add(ordinal=ordinal, name=name, alias=self.alias(), trigger=trigger)
                policy.results.extend(results)
                policy.bounded_context = self.random.choice(model.bounded_contexts).name


def aggregates(
    model: model_pb2.EventStormingModel,
) -> Iterator[tuple[model_pb2.BoundedContext, model_pb2.Aggregate]]:
    return ((context, aggregate) for context in model.bounded_contexts for aggregate in context.aggregates)


def names_only(model: model_pb2.EventStormingModel) -> model_pb2.EventStormingModel:
    """What is known at the join: every name and ordinal, no details, no policies."""
    bare = model_pb2.EventStormingModel(language=model.language, actors=model.actors)
    for context in model.bounded_contexts:
        known = bare.bounded_contexts.add(ordinal=context.ordinal, name=context.name, alias=context.alias)
        for aggregate in context.aggregates:
            known.aggregates.append(_bare(aggregate))
    return bare


def _bare(aggregate: model_pb2.Aggregate) -> model_pb2.Aggregate:
    bare = model_pb2.Aggregate(ordinal=aggregate.ordinal, name=aggregate.name, alias=aggregate.alias)
    for kind in ("commands", "events", "read_models"):
        for one in getattr(aggregate, kind):
            getattr(bare, kind).add(ordinal=one.ordinal, name=one.name, alias=one.alias)
    return bare


def growth(model: model_pb2.EventStormingModel, seed: int) -> Iterator[model_pb2.EventStormingModel]:
    """The snapshots of one run: details of one aggregate after the other in any order, then policies one by one."""
    now = names_only(model)
    yield now
    places = [
        (c, a) for c, context in enumerate(model.bounded_contexts) for a in range(len(context.aggregates))
    ]
    random.Random(seed).shuffle(places)
    for c, a in places:
        now.bounded_contexts[c].aggregates[a].CopyFrom(model.bounded_contexts[c].aggregates[a])
        yield now
    now.references.extend(model.references)
    for policy in model.policies:
        now.policies.append(policy)
        yield now
