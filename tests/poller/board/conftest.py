"""Sample models: from `*.textproto` two of an older executor and two with everything, English and Korean; regular ones of any size."""

from pathlib import Path

import pytest
from eventstorming.v1 import model_pb2 as pb
from google.protobuf import text_format

FORM = '<div class="card"><h3>Order</h3><label>Name<input type="text"></label><button>Place</button></div>'

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "<!-- <script> </script x",
    "\"quotes\" & 'apostrophes' ]]> <!-- -->",
    "\u202eright to left \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "x" * 10_000,
    "가나다라" * 2_500,
    "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿" * 30,
    "\x00\x07\x1b\ufffe line\u2028separator \u0085",
    "```\n# heading | cell | `tick` [link](javascript:alert(1)) $x$ **bold**",
    '"]; end; click x "javascript:alert(1)"; %%{init: {}}%%',
    "{{template}} ${expression} \\u003c \\",
    " ",
)


@pytest.fixture
def library() -> pb.EventStormingModel:
    """Four contexts in English, 40 stickers and more, two sentences that became none."""
    return library_model()


@pytest.fixture
def clinic() -> pb.EventStormingModel:
    """Three contexts in Korean."""
    return clinic_model()


def bikes_model() -> pb.EventStormingModel:
    """Three contexts in English with everything a model can hold."""
    return _read("bikes")


def pilates_model() -> pb.EventStormingModel:
    """The same in Korean."""
    return _read("pilates")


def library_model() -> pb.EventStormingModel:
    return _read("library")


def clinic_model() -> pb.EventStormingModel:
    return _read("clinic")


def _read(name: str) -> pb.EventStormingModel:
    text = Path(__file__).with_name(f"{name}.textproto").read_text("utf-8")
    return text_format.Parse(text, pb.EventStormingModel())


@pytest.fixture
def big() -> pb.EventStormingModel:
    """Eight contexts, more than 300 stickers."""
    return grown_model(contexts=8, aggregates=3, commands=4)


@pytest.fixture
def hostile() -> pb.EventStormingModel:
    """Every name, alias and sentence is an attack or an accident."""
    return hostile_model()


def hostile_model() -> pb.EventStormingModel:
    model = grown_model(contexts=2, aggregates=2, commands=3)
    texts = iter(HOSTILE * 100)
    for context in model.bounded_contexts:
        context.alias, context.description = next(texts), next(texts)
        for aggregate in context.aggregates:
            aggregate.alias, aggregate.description = next(texts), next(texts)
            aggregate.invariants.append(next(texts))
            for field in aggregate.fields:
                field.alias = next(texts)
            for element in (*aggregate.commands, *aggregate.events, *aggregate.read_models):
                element.alias, element.description = next(texts), next(texts)
            for command in aggregate.commands:
                command.actor = next(texts)
                command.screen.html = next(texts)
                command.scenarios.append(
                    pb.Scenario(title=next(texts), given=_clause(next(texts), next(texts)))
                )
    for policy in model.policies:
        policy.alias, policy.reason, policy.name = next(texts), next(texts), next(texts)
    model.source_text = "\n".join(HOSTILE)
    return model


def _clause(name: str, value: str) -> pb.ScenarioClause:
    return pb.ScenarioClause(name=name, values=[pb.ScenarioValue(field="x y", value=value)])


def grown_model(*, contexts: int, aggregates: int, commands: int) -> pb.EventStormingModel:
    """A regular model of any size: one event per command, a read model per aggregate, policies round about."""
    model = pb.EventStormingModel(
        language=pb.LANGUAGE_ENGLISH,
        source_text="\n".join(
            f"Sentence {number} tells of context {number}." for number in range(1, contexts + 1)
        ),
        actors=[pb.Actor(name="Clerk", alias="Clerk")],
        bounded_contexts=[_grown_context(number, aggregates, commands) for number in range(1, contexts + 1)],
    )
    owners = [(a.name, a.events) for c in model.bounded_contexts for a in c.aggregates]
    for number, (name, events) in enumerate(owners, 1):
        following = owners[number % len(owners)]
        if following[0] == name or not events or not following[1]:
            continue
        model.policies.append(
            pb.Policy(
                ordinal=number,
                name=f"React{number}",
                alias=f"React to {name}",
                trigger=events[-1].name,
                results=[following[1][0].name],
            )
        )
        if number % 2:
            model.references.append(pb.AggregateReference(from_aggregate=following[0], to_aggregate=name))
    return model


def _grown_context(number: int, aggregates: int, commands: int) -> pb.BoundedContext:
    return pb.BoundedContext(
        ordinal=number,
        name=f"Context{number}",
        alias=f"Context number {number}",
        description=f"Sentence {number} tells of context {number}.",
        aggregates=[_grown_aggregate(number, index, commands) for index in range(1, aggregates + 1)],
    )


def _grown_aggregate(context: int, number: int, commands: int) -> pb.Aggregate:
    tag = f"{context}x{number}"
    here = [pb.SourceRange(start_line=context, start_column=1, end_line=context, end_column=10)]
    return pb.Aggregate(
        ordinal=number,
        name=f"Order{tag}",
        alias=f"Order {tag}",
        fields=[pb.Field(name="orderId", type="Long", is_key=True), pb.Field(name="name", type="String")],
        ranges=here,
        commands=[
            pb.Command(
                ordinal=index,
                name=f"PlaceOrder{tag}x{index}",
                alias=f"Place order {index}",
                actor="Clerk" if index % 2 else "",
                emits=[f"OrderPlaced{tag}x{index}"],
                screen=pb.Screen(html=FORM) if index % 3 == 1 else None,
            )
            for index in range(1, commands + 1)
        ],
        events=[
            pb.Event(ordinal=index, name=f"OrderPlaced{tag}x{index}", alias=f"Order {index} placed")
            for index in range(1, commands + 1)
        ],
        read_models=[pb.ReadModel(ordinal=1, name=f"Orders{tag}", alias=f"Orders of {tag}", actor="Clerk")],
    )
