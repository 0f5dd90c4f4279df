"""The chat: journal first, one repair turn, one try from scratch; unusable answers are values, no answer ends the run."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from pydantic import BaseModel, ConfigDict

from executor.errors import LimitReached, LlmMisconfigured, LlmUnavailable
from executor.graph.question import Unusable
from executor.llm.journal import key_of
from executor.llm.language_model import Message, Reply, Throttled
from tests.executor.llm.fakes import GOOD, Fruit, MemoryLink, ScriptedLanguageModel, chat, question

FIG = Fruit(name="Fig", seeds=9)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_an_answer_is_returned_only_when_it_is_durable() -> None:
    link = MemoryLink()
    link.durable.clear()
    async with chat(ScriptedLanguageModel(GOOD), link) as asking:
        answer = asyncio.create_task(asking.ask(question()))
        await link.sent.wait()
        await asyncio.sleep(0.01)
        assert not answer.done()
        link.durable.set()
        assert await answer == FIG
    assert [entry.value for entry in link.stored] == ['{"answer":{"name":"Fig","seeds":9}}']


@pytest.mark.parametrize(
    "script",
    [
        [GOOD],
        ["prose", GOOD],
        ["prose", '{"name":1}', GOOD],
        [Reply(declined="refused"), GOOD],
        ["prose"],
        [Reply(declined="refused", tokens=3)],
        ['{"name":"Fig"}', "prose", '{"name":"half'],
        ['{"name":"\\ud800","seeds":1}', GOOD],
    ],
)
async def test_a_recalled_run_asks_nothing_and_gets_the_same(script: list[str | Reply]) -> None:
    first, again, link = ScriptedLanguageModel(*script), ScriptedLanguageModel(GOOD), MemoryLink()
    async with chat(first, link) as asking:
        answer = await asking.ask(question())
    async with chat(again, MemoryLink(), recalled=link.stored, job_id="another") as asking:
        assert await asking.ask(question()) == answer
    assert len(first.asked) == len(link.stored)
    assert again.asked == []


async def test_the_repair_turn_says_what_the_validator_said() -> None:
    model = ScriptedLanguageModel('{"name":"Fig","seeds":"many","skin":1}', GOOD)
    async with chat(model, MemoryLink()) as asking:
        assert await asking.ask(question()) == FIG
    roles = [message.role for message in model.asked[1]]
    assert roles == ["system", "user", "assistant", "user"]
    assert "seeds: Input should be a valid integer" in model.asked[1][3].content
    assert "skin: Extra inputs are not permitted" in model.asked[1][3].content


async def test_complaints_of_the_check_are_repaired_once_and_then_left_to_the_step() -> None:
    model, link = ScriptedLanguageModel(GOOD, '{"name":"Plum","seeds":1}'), MemoryLink()
    picky = question(check=lambda fruit: [f"{fruit.name} is not sweet"])
    async with chat(model, link) as asking:
        assert await asking.ask(picky) == Fruit(name="Plum", seeds=1)
    assert "- Fig is not sweet" in model.asked[1][3].content
    assert len(model.asked) == 2
    assert not any(entry.unusable for entry in link.stored)


async def test_a_failed_repair_leaves_the_parsed_answer() -> None:
    model = ScriptedLanguageModel(GOOD, "sorry")
    async with chat(model, MemoryLink()) as asking:
        assert await asking.ask(question(check=lambda _: ["not sweet"])) == FIG
    assert len(model.asked) == 2


async def test_nothing_readable_twice_is_asked_once_more_from_scratch() -> None:
    model = ScriptedLanguageModel("no", "no", GOOD)
    async with chat(model, MemoryLink()) as asking:
        assert await asking.ask(question()) == FIG
    assert model.asked[2] == model.asked[0]


async def test_an_unusable_answer_is_a_value_and_only_its_last_entry_is_marked() -> None:
    model, link = ScriptedLanguageModel("no"), MemoryLink()
    async with chat(model, link) as asking:
        assert isinstance(await asking.ask(question()), Unusable)
    assert [entry.unusable for entry in link.stored] == [False, False, True]


async def test_of_an_answer_that_stays_broken_the_valid_part_is_used_and_counted() -> None:
    class Basket(BaseModel):
        model_config = ConfigDict(extra="forbid")

        fruits: list[Fruit]

    link = MemoryLink()
    broken = f'{{"fruits":[{GOOD},{{"name":"Plum"}}]}}'
    asked = replace(question(), schema=Basket)
    async with chat(ScriptedLanguageModel(broken), link) as asking:
        assert await asking.ask(asked) == Basket(fruits=[FIG])
        assert asking.reduced == ["fruit 1"]
    assert [entry.unusable for entry in link.stored] == [False, False]
    async with chat(ScriptedLanguageModel(), MemoryLink(), recalled=link.stored) as again:
        assert await again.ask(asked) == Basket(fruits=[FIG])
        assert again.reduced == ["fruit 1"]


async def test_a_refusal_is_not_repaired() -> None:
    model = ScriptedLanguageModel(Reply(declined="refused: no"))
    async with chat(model, MemoryLink()) as asking:
        assert await asking.ask(question()) == Unusable(reason="refused: no")
    assert len(model.asked) == 2


async def test_the_same_question_in_two_units_is_one_call() -> None:
    model, link = ScriptedLanguageModel(GOOD), MemoryLink()
    async with chat(model, link) as asking:
        both = await asyncio.gather(asking.ask(question(unit="one")), asking.ask(question(unit="two")))
    assert both == [FIG, FIG]
    assert len(model.asked) == len(link.stored) == 1


async def test_a_sharing_unit_that_is_cancelled_does_not_take_the_call_with_it() -> None:
    model = ScriptedLanguageModel(GOOD)
    model.gate.clear()
    async with chat(model, MemoryLink()) as asking:
        one, two = (asyncio.create_task(asking.ask(question())) for _ in range(2))
        await model.arrived.wait()
        one.cancel()
        await asyncio.wait([one])
        model.gate.set()
        assert await two == FIG


async def test_leaving_cancels_open_calls_and_nothing_can_be_asked_after() -> None:
    model = ScriptedLanguageModel(GOOD)
    model.gate.clear()
    async with chat(model, MemoryLink()) as asking:
        asks = [asyncio.create_task(asking.ask(question(str(n)))) for n in range(3)]
        await asyncio.sleep(0.05)
        assert len(model.asked) == 3
    assert model.cut == 3
    await asyncio.gather(*asks, return_exceptions=True)
    with pytest.raises(asyncio.CancelledError):
        await asking.ask(question("late"))
    assert len(model.asked) == 3


async def test_no_answer_is_retried_within_the_steps_time_and_never_journaled() -> None:
    model, link = ScriptedLanguageModel(LlmUnavailable("500"), Throttled("429"), GOOD), MemoryLink()
    async with chat(model, link) as asking:
        assert await asking.ask(question()) == FIG
    assert len(model.asked) == 3
    assert len(link.stored) == 1


async def test_retry_after_is_waited_out() -> None:
    model = ScriptedLanguageModel(Throttled("429", retry_after=0.2), GOOD)
    began = time.monotonic()
    async with chat(model, MemoryLink(), chance=lambda: 1.0) as asking:
        await asking.ask(question())
    assert 0.19 <= time.monotonic() - began < 0.9


async def test_a_retry_after_beyond_the_steps_time_ends_the_run_with_it() -> None:
    model, link = ScriptedLanguageModel(Throttled("429", retry_after=60)), MemoryLink()
    async with chat(model, link, step_seconds=5) as asking:
        with pytest.raises(LlmUnavailable) as ended:
            await asking.ask(question())
    assert ended.value.retry_after == 60
    assert link.stored == []


async def test_a_call_that_takes_too_long_counts_as_no_answer() -> None:
    model = ScriptedLanguageModel(GOOD)
    model.gate.clear()
    async with chat(model, MemoryLink(), timeout=0.02, step_seconds=0.1) as asking:
        with pytest.raises(LlmUnavailable, match="no answer within"):
            await asking.ask(question())
    assert 2 <= len(model.asked) == model.cut


async def test_a_wrong_key_is_not_retried() -> None:
    model = ScriptedLanguageModel(LlmMisconfigured("key"))
    async with chat(model, MemoryLink()) as asking:
        with pytest.raises(LlmMisconfigured):
            await asking.ask(question())
    assert len(model.asked) == 1


@pytest.mark.parametrize("fault", [TypeError("ours"), TimeoutError("not the call's own")])
async def test_a_fault_of_ours_is_no_lack_of_an_answer(fault: Exception) -> None:
    model = ScriptedLanguageModel(fault, GOOD)
    async with chat(model, MemoryLink()) as asking:
        with pytest.raises(type(fault), match=str(fault)):
            await asking.ask(question())
    assert len(model.asked) == 1


async def test_what_closed_while_a_question_stood_in_line_is_waited_for_again() -> None:
    model, link = ScriptedLanguageModel(GOOD), MemoryLink()
    model.gate.clear()
    async with chat(model, link, concurrency=1) as asking:
        first, second = (asyncio.create_task(asking.ask(question(user))) for user in ("one", "two"))
        await model.arrived.wait()
        await settled()  # the second stands in line
        link.open.clear()
        model.gate.set()
        await first
        await settled()
        assert len(model.asked) == 1
        link.open.set()
        assert await second == FIG


async def test_a_failed_call_fails_every_unit_that_shares_it() -> None:
    model = ScriptedLanguageModel(LlmMisconfigured("key"))
    async with chat(model, MemoryLink()) as asking:
        both = await asyncio.gather(asking.ask(question()), asking.ask(question()), return_exceptions=True)
    assert [type(error) for error in both] == [LlmMisconfigured, LlmMisconfigured]


async def test_nothing_is_asked_while_the_link_forbids_it_not_even_a_retry() -> None:
    model, link = ScriptedLanguageModel(Throttled("429", retry_after=0.05), GOOD), MemoryLink()
    async with chat(model, link, step_seconds=0.2) as asking:
        answer = asyncio.create_task(asking.ask(question()))
        await model.arrived.wait()
        link.open.clear()
        await asyncio.sleep(0.4)  # more than the step's time: standing still does not count
        assert len(model.asked) == 1
        link.open.set()
        assert await answer == FIG


async def test_recalled_answers_are_given_while_the_link_forbids_asking() -> None:
    link = MemoryLink()
    async with chat(ScriptedLanguageModel(GOOD), link) as asking:
        await asking.ask(question())
    link.open.clear()
    async with chat(ScriptedLanguageModel(), link, recalled=link.stored) as asking:
        assert await asking.ask(question()) == FIG


async def test_the_token_ceiling_ends_the_run_before_the_next_call() -> None:
    model = ScriptedLanguageModel(GOOD)
    async with chat(model, MemoryLink(), max_tokens=25, tokens_used=10) as asking:
        await asking.ask(question("one"))
        await asking.ask(question("two"))
        with pytest.raises(LimitReached, match="30 tokens"):
            await asking.ask(question("three"))
    assert asking.tokens_used == 30


async def test_tokens_are_counted_per_step_recalled_ones_included() -> None:
    link = MemoryLink()
    async with chat(ScriptedLanguageModel(GOOD), link) as asking:
        await asking.ask(question("one"))
    async with chat(ScriptedLanguageModel(GOOD), link, recalled=link.stored, tokens_used=10) as asking:
        await asking.ask(question("one"))
        await asking.ask(question("two"))
    assert asking.tokens_by_step == {"fruit": 20}
    assert asking.tokens_used == 20


async def test_light_steps_go_to_the_light_language_model() -> None:
    main, light = ScriptedLanguageModel(GOOD), ScriptedLanguageModel(GOOD, name="openai:light")
    async with chat(main, MemoryLink(), light=light) as asking:
        await asking.ask(question(light=True))
    assert (len(main.asked), len(light.asked)) == (0, 1)


async def test_an_answer_too_long_for_a_frame_is_declined() -> None:
    model, link = ScriptedLanguageModel('{"name":"%s","seeds":1}' % ("가" * 300_000)), MemoryLink()
    async with chat(model, link) as asking:
        assert isinstance(await asking.ask(question()), Unusable)
    assert max(len(entry.value.encode()) for entry in link.stored) < 1000


class Same(BaseModel):
    name: str
    seeds: int


class Renamed(BaseModel):
    """The docstring is no part of the question."""

    name: str
    seeds: int


def test_a_key_names_the_question_and_nothing_else() -> None:
    asked = [Message("system", "a"), Message("user", "b")]
    key = key_of("openai:x", Same, asked, 0)
    others = [
        key_of("openai:y", Same, asked, 0),
        key_of("openai:x", Fruit, [*asked, Message("assistant", "c")], 0),
        key_of("openai:x", Same, asked, 2),
        key_of("openai:x", Same, [Message("system", "ab"), Message("user", "")], 0),
    ]
    assert len({key, *others}) == 5
    assert key_of("openai:x", Renamed, asked, 0) == key
