"""Whatever fits the schema ends as a model without findings, or as NothingUsable; nothing else leaves the graph."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from executor.errors import NothingUsable
from executor.graph.given import GraphInput
from executor.graph.run import Finished, Snapshot, generate
from executor.graph.text import document, units
from executor.model import BoundedContext, EventStormingModel, SourceRange
from executor.wire import model_to_proto
from tests.executor.from_proto import model_from_proto
from tests.executor.graph.hostile import HostileChat
from tests.executor.graph.inputs import asked_for, draft, requirements
from tests.executor.graph.places import places_of
from tests.executor.graph.ranges import ranges_of
from tests.executor.invariants import findings

inputs = st.sampled_from((requirements(), requirements(3), draft()))


async def _models(input: GraphInput, chat: HostileChat) -> list[EventStormingModel]:
    try:
        return [e.model async for e in generate(input, chat) if isinstance(e, Snapshot | Finished)]
    except NothingUsable:
        return []


@settings(max_examples=120)
@given(input=inputs, seed=st.integers(0, 10**9), kindness=st.sampled_from((0.2, 0.6, 0.9)))
def test_any_answers_give_a_valid_model_or_none(input: GraphInput, seed: int, kindness: float) -> None:
    models = asyncio.run(_models(input, HostileChat(seed, kindness)))
    for model in models:
        assert findings(model, finished=False) == ()
    for before, after in pairwise(models):
        assert places_of(before).items() <= places_of(after).items()
    for model in models[-1:]:
        assert findings(model, *asked_for(input, model)) == ()
        assert model_from_proto(model_to_proto(model)) == model
        _assert_storable(model)
        for context in model.bounded_contexts:
            _assert_ranges_inside(input, model, context)


def _assert_storable(model: EventStormingModel) -> None:
    text = repr(model)
    assert "\\x00" not in text
    assert not re.search(
        r"<script|<[^>]*(\son\w+\s*=|javascript:|url\(|http:)", "".join(_screens(model)), re.IGNORECASE
    )


def _screens(model: EventStormingModel) -> Iterator[str]:
    for aggregate in model.aggregates:
        for owner in (*aggregate.commands, *aggregate.read_models):
            if owner.screen:
                yield owner.screen.html


def _assert_ranges_inside(input: GraphInput, model: EventStormingModel, context: BoundedContext) -> None:
    lines = document(context.description if context.ranges_in_description else input.requirements)
    about = [e for e in (*model.policies, *model.open_questions) if e.bounded_context == context.name]
    for found in (*ranges_of(context), *ranges_of(tuple(about))):
        assert _inside(found, lines)


def _inside(found: SourceRange, lines: tuple[str, ...]) -> bool:
    return 1 <= found.start_line == found.end_line <= len(
        lines
    ) and 1 <= found.start_column <= found.end_column <= units(lines[found.start_line - 1])
