"""What stands in for the graph and the language model: a few questions that depend on one another, and answers of a serial number.

No two calls get the same answer, so what became of each answer can be followed into the finished model.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import job_pb2, model_pb2
from pydantic import BaseModel

from executor.errors import LlmUnavailable
from executor.graph.question import Question, Unusable
from executor.llm.journal import key_of
from executor.llm.language_model import Message, Reply, Throttled
from executor.wire import Pending
from poller.msaez.esvalue import EsValue
from workbench.simulation.wire import EPOCH
from workbench.simulation.world import World

TIMEOUT_SECONDS = 20.0


class Witness(Protocol):
    """Told of every call: job, epoch, journal key, and what was asked in words; and how it ended."""

    def asked(self, job: str, epoch: int, key: str, question: str) -> None: ...
    def replied(self, job: str, key: str) -> None: ...
    def broken_off(self, job: str, question: str) -> None: ...


class Said(BaseModel):
    """An answer: which call it came from."""

    serial: int


class LanguageModel:
    """Implements the product's port. `unwilling`: share of calls without an answer; `odd`: of answers that are none."""

    name = "simulated:model"

    def __init__(self, world: World, witness: Witness) -> None:
        self._world, self._witness = world, witness
        self.serial = 0
        self.unwilling = 0.0
        self.odd = 0.0
        self.slow = 0.4
        self.away = 0.0
        """Until when every call is refused."""

    async def ask(self, messages: Sequence[Message], schema: Any, *, trace: Mapping[str, str]) -> Reply:
        world, (job, epoch) = self._world, EPOCH.get()
        question = f"{trace['step']}/{trace['unit']}/{trace['ordinal']}"
        key = key_of(self.name, schema, messages, int(trace["ordinal"]))
        self._witness.asked(job, epoch, key, question)
        self.serial += 1
        serial = self.serial
        world.say(f"asks {job[:4]} {epoch} {question} → {serial}")
        began = world.now
        try:
            await asyncio.sleep(0.02 + world.chance.expovariate(1 / self.slow))
        except asyncio.CancelledError:
            if world.now < began + TIMEOUT_SECONDS:
                self._witness.broken_off(job, question)
            raise
        luck = world.chance.random()
        if world.now < self.away:
            raise LlmUnavailable("503")
        if luck < self.unwilling:
            world.fault("the language model gives no answer")
            raise Throttled("429") if luck < self.unwilling / 2 else LlmUnavailable("503", retry_after=1.0)
        self._witness.replied(job, key)
        if luck > 1 - self.odd:
            return Reply(text="I would rather not", tokens=1, prompt=1)
        return Reply(text=json.dumps({"serial": serial}), tokens=3, prompt=2)


async def generation(job: job_pb2.JobInput, chat: Any) -> AsyncGenerator[Any, None]:
    """`Pipeline`: an outline, then units in parallel of two questions each, then a last question over all."""
    yield wire.Progress(current=2, total=11)
    said = {"outline": await _ask(chat, "outline", "all", job.requirements)}
    yield wire.Log(line=job_pb2.LogLine(message=f"outline {said['outline']}"), key="outline")
    units = 1 + len(job.requirements) % 3
    tasks = [asyncio.ensure_future(_unit(chat, f"unit{n}", said["outline"])) for n in range(units)]
    try:
        for number, task in enumerate(tasks):
            said |= await task
            yield wire.Progress(current=3 + number, total=11)
            present = dict(said)
            yield Pending(lambda present=present: wire.ModelSnapshot(model=model_of(present)))  # type: ignore[misc]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    said["policies"] = await _ask(chat, "policies", "all", json.dumps(said, sort_keys=True))
    yield wire.Completed(model=model_of(said))


async def _unit(chat: Any, unit: str, outline: int) -> dict[str, int]:
    draft = await _ask(chat, "draft", unit, str(outline))
    return {unit: draft, f"{unit}/more": await _ask(chat, "behaviour", unit, str(draft))}


async def _ask(chat: Any, step: str, unit: str, text: str) -> int:
    answer = await chat.ask(Question(step=step, unit=unit, schema=Said, system=step, user=f"{unit} {text}"))
    return 0 if isinstance(answer, Unusable) else int(answer.serial)


def model_of(said: Mapping[str, int]) -> model_pb2.EventStormingModel:
    """A valid model; each answer used is in a description."""
    model = model_pb2.EventStormingModel(language=model_pb2.LANGUAGE_ENGLISH)
    context = model.bounded_contexts.add(
        ordinal=1, name="Ordering", alias="Ordering", description=_told(said, "")
    )
    for number, unit in enumerate(
        sorted(key for key in said if key.startswith("unit") and "/" not in key), start=1
    ):
        name = f"Order{number}"
        aggregate = context.aggregates.add(
            ordinal=number, name=name, alias=name, description=_told(said, unit)
        )
        aggregate.fields.add(name="id", type="Long", is_key=True)
        event = aggregate.events.add(ordinal=1, name=f"{name}Placed", alias=f"{name} placed")
        event.fields.add(name="id", type="Long", is_key=True)
        aggregate.commands.add(ordinal=1, name=f"Place{name}", alias=f"Place {name}").emits.append(event.name)
    return model


def drawn(model: model_pb2.EventStormingModel, **_: Any) -> EsValue:
    """The projection of `poller.msaez.esvalue` without what no rule here looks at: a sticker for each part that tells its answers."""
    parts: list[model_pb2.BoundedContext | model_pb2.Aggregate] = []
    for context in model.bounded_contexts:
        parts += (context, *context.aggregates)
    return EsValue(
        elements={part.name: {"_type": "", "description": part.description} for part in parts},
        relations={},
    )


def _told(said: Mapping[str, int], unit: str) -> str:
    mine = [key for key in sorted(said) if (key.startswith(unit) if unit else not key.startswith("unit"))]
    return "answers " + " ".join(str(said[key]) for key in mine) + "."


def serials_in(model: Mapping[str, Any]) -> set[int]:
    """Of a stored typed model (JSON): the answers that it was made from; 0 is none."""
    found: set[int] = set()
    for context in model.get("bounded_contexts", ()):
        for part in (context, *context.get("aggregates", ())):
            words = part.get("description", "").rstrip(".").split()
            found |= {int(word) for word in words[1:] if word.isdigit()}
    return found - {0}
