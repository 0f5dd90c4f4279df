"""Runs the whole graph on one text with one language model, without a poller: nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence

from executor.graph.given import GraphInput
from executor.graph.run import Finished, generate
from executor.graph.text import language_of
from executor.llm.language_model import LanguageModel
from executor.llm.language_models import ProcessLanguageModels
from executor.metrics import Metrics
from executor.model import EventStormingModel
from executor.ports import Allowance, OwnLink


async def model_of(text: str, asked: LanguageModel, step_seconds: float = 300) -> EventStormingModel:
    """The finished model of a requirements text."""
    models = ProcessLanguageModels(asked, asked, concurrency=16, timeout=step_seconds, metrics=Metrics())
    finished: Sequence[EventStormingModel] = ()
    async with models.chat(
        job_id="eval", link=OwnLink(), recalled=(), allowance=Allowance(step_seconds=step_seconds)
    ) as chat:
        job = GraphInput(language=language_of(text), requirements=text)
        finished = [event.model async for event in generate(job, chat) if isinstance(event, Finished)]
    return finished[-1]
