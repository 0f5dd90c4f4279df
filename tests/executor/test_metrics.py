"""What the executor counts of answers and ends that are not the good ones. Whole jobs: tests/e2e/test_metrics.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any

import grpc
import pytest
from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import job_pb2

from executor.errors import LlmMisconfigured, LlmUnavailable
from executor.llm.language_model import Reply, Throttled
from executor.llm.language_models import ProcessLanguageModels
from executor.metrics import Metrics
from executor.ports import Allowance, Entry, RunChat
from tests.executor.llm.fakes import GOOD, MemoryLink, ScriptedLanguageModel, Step, question
from tests.executor.service_client import execute, fruits, served
from tests.scrape import Scrape

MODEL = "openai:scripted"


def made() -> Metrics:
    return Metrics(steps=("fruit",), models=(MODEL,))


def seen(counted: Metrics) -> Scrape:
    return Scrape.counted(counted.registry)


async def asked(
    counted: Metrics, *script: Step, recalled: Sequence[Entry] = (), timeout: float = 5
) -> tuple[Scrape, list[Entry]]:
    """What is counted of one question with these replies, and what went into the journal."""
    model, link = ScriptedLanguageModel(*script), MemoryLink()
    if not script:
        model.gate.clear()
    models = ProcessLanguageModels(
        model, model, concurrency=8, timeout=timeout, chance=lambda: 0.0, metrics=counted
    )
    allowance = Allowance(step_seconds=0.5)
    async with models.chat(job_id="j", link=link, recalled=recalled, allowance=allowance) as chat:
        with suppress(LlmUnavailable, LlmMisconfigured):
            await chat.ask(question())
    return seen(counted), link.stored


async def test_an_answer_that_needs_a_repair_is_two_calls_one_step_and_both_are_journaled() -> None:
    found, stored = await asked(made(), "no json", GOOD)
    assert found.sum("llm_calls_total", outcome="unusable") == 1
    assert found.sum("llm_calls_total", outcome="answered") == 1
    assert len(stored) == 2
    assert found.sum("step_seconds_count", step="fruit", outcome="answered") == 1
    assert found.sum("llm_seconds_count", model=MODEL) == 2


async def test_a_question_that_comes_to_nothing_is_an_unusable_step() -> None:
    found, stored = await asked(made(), Reply(declined="refused: no", tokens=7))
    assert found.sum("llm_calls_total", outcome="unusable") == len(stored) == 2
    assert found.sum("step_seconds_count", outcome="unusable") == found.sum("step_seconds_count") == 1
    assert found.sum("llm_tokens_total") == 14


async def test_recalled_answers_cost_no_call_and_no_token() -> None:
    _, stored = await asked(made(), GOOD)
    found, again = await asked(made(), LlmUnavailable("must not be asked"), recalled=stored)
    assert found.sum("llm_calls_total", outcome="recalled") == found.sum("llm_calls_total") == 1
    assert found.sum("llm_tokens_total") == 0
    assert again == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [(Throttled("429", retry_after=0), "throttled"), (LlmUnavailable("503", retry_after=0), "unavailable")],
)
async def test_calls_without_an_answer_are_counted_with_the_reason_for_asking_again(
    error: Exception, reason: str
) -> None:
    found, _ = await asked(made(), error, error, GOOD)
    assert found.sum("llm_calls_total", outcome="none") == 2
    assert found.sum("llm_calls_total", outcome="answered") == 1
    assert found.sum("llm_retries_total", step="fruit", model=MODEL, reason=reason) == 2
    assert found.sum("llm_retries_total") == 2


async def test_silence_is_a_time_out_until_the_steps_time_is_over() -> None:
    found, _ = await asked(made(), timeout=0.1)
    assert found.sum("llm_retries_total", reason="timeout") == found.sum("llm_retries_total") > 0
    assert found.sum("llm_calls_total", outcome="none") == found.sum("llm_retries_total") + 1
    assert found.sum("step_seconds_count", outcome="stopped") == 1


async def test_a_wrong_key_is_one_call_without_an_answer() -> None:
    found, _ = await asked(made(), LlmMisconfigured("wrong key"))
    assert found.sum("llm_calls_total", outcome="none") == found.sum("llm_calls_total") == 1
    assert found.sum("llm_retries_total") == 0


async def test_tokens_of_a_reply_are_split_without_overlap() -> None:
    found, _ = await asked(made(), Reply(text=GOOD, tokens=100, prompt=80, cached=50))
    kinds = {kind: found.sum("llm_tokens_total", kind=kind) for kind in ("prompt", "cached", "completion")}
    assert kinds == {"prompt": 30, "cached": 50, "completion": 20}


async def test_names_that_were_not_configured_make_no_series_of_their_own() -> None:
    counted = Metrics(steps=("contexts",), models=("openai:configured",))
    found, _ = await asked(counted, GOOD)
    assert found.sum("llm_calls_total", step="other", model="other", outcome="answered") == 1
    assert found.labels("step") == {"contexts", "other"}


async def broken(job: job_pb2.JobInput, chat: RunChat) -> AsyncGenerator[Any, None]:
    yield wire.Progress(current=1, total=11)
    raise ValueError("a fault of ours")


async def test_runs_are_counted_by_how_they_ended_generate_included() -> None:
    counted = made()
    async with served(fruits("a"), metrics=counted) as executor:
        await (await execute(executor)).rest()
        direct = executor.stub.Generate(wire.GenerateRequest(input=job_pb2.JobInput(requirements="x")))
        assert [event async for event in direct]
        assert seen(counted).sum("ack_seconds_count") == 1  # nobody acks what Generate answers
    async with served(broken, metrics=counted) as executor:
        await (await execute(executor)).error()
    async with served(
        fruits("a"), ScriptedLanguageModel(LlmMisconfigured("key")), metrics=counted
    ) as executor:
        await (await execute(executor)).error()
    async with served(fruits("a"), ScriptedLanguageModel(), metrics=counted) as executor:
        executor.model.gate.clear()
        stream = await execute(executor)
        reading = asyncio.create_task(stream.error())
        await executor.model.arrived.wait()
        stream.call.cancel()
        await asyncio.wait({reading})
        await asyncio.wait_for(executor.slots.empty(), 60)
        stream = await execute(executor, echo=False)  # so that nothing is being asked, whoever is faster
        await stream.until("beat")
        executor.slots.drain()
        assert await stream.error() == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
        await asyncio.wait_for(executor.slots.empty(), 60)
    found = seen(counted)
    wanted = {"completed": 2, "internal": 1, "llm_misconfigured": 1, "lost": 1, "draining": 1}
    assert {end: found.sum("runs_ended_total", outcome=end) for end in wanted} == wanted
    assert found.sum("runs_ended_total") == sum(wanted.values())


async def test_a_call_that_finds_no_slot_is_no_run() -> None:
    counted = made()
    async with served(fruits("a"), slots=1, metrics=counted) as executor:
        executor.model.gate.clear()
        holding = asyncio.create_task((await execute(executor)).rest())
        await executor.model.arrived.wait()
        direct = executor.stub.Generate(wire.GenerateRequest(input=job_pb2.JobInput(requirements="x")))
        assert await direct.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        executor.model.gate.set()
        await holding
    assert seen(counted).sum("runs_ended_total") == 1
