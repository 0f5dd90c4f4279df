"""Runs the whole graph on one text with one language model, without a poller: nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence

from executor.graph.run import Finished, generate
from executor.graph.state import GraphInput
from executor.graph.text import language_of
from executor.llm import providers
from executor.llm.language_model import LanguageModel
from executor.llm.language_models import ProcessLanguageModels
from executor.model import EventStormingModel
from executor.ports import Allowance, Entry
from executor.settings import ModelName, Settings


class Nobody:
    """A link behind which nobody stores anything."""

    async def store(self, entry: Entry) -> None:
        return None

    async def may_ask(self) -> None:
        return None


def language_model(name: ModelName, settings: Settings) -> LanguageModel:
    """The language model that a name means."""
    timeout = settings.llm_timeout_seconds
    if name.provider == "offline":
        return providers.offline(str(name))
    if name.provider == "openai":
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
        return providers.openai(
            str(name), name.model, api_key=key, base_url=settings.openai_base_url, timeout=timeout
        )
    return providers.other(str(name), name.provider, name.model, name.variant, timeout=timeout)


async def model_of(text: str, asked: LanguageModel, step_seconds: float = 300) -> EventStormingModel:
    """The finished model of a requirements text."""
    models = ProcessLanguageModels(asked, asked, concurrency=16, timeout=step_seconds)
    finished: Sequence[EventStormingModel] = ()
    async with models.chat(
        job_id="eval", link=Nobody(), recalled=(), allowance=Allowance(step_seconds=step_seconds)
    ) as chat:
        job = GraphInput(language=language_of(text), requirements=text)
        finished = [event.model async for event in generate(job, chat) if isinstance(event, Finished)]
    return finished[-1]
