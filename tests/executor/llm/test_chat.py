"""The chat: journal first, one repair turn, one try from scratch; unusable answers are values, no answer ends the run."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from structlog.testing import capture_logs

from executor.errors import LimitReached, LlmMisconfigured, LlmUnavailable
from executor.graph.question import Unusable
from executor.llm.journal import key_of
from executor.llm.language_model import Message, Reply, Throttled
from executor.llm.limits import Concurrency
from executor.metrics import Metrics
from process.traces import NONE, OUTCOME, Attributes, Off, Span
from tests.executor.llm.fakes import GOOD, Fruit, MemoryLink, ScriptedLanguageModel, Step, chat, question
from tests.scrape import Scrape
from tests.virtual import virtual

FIG = Fruit(name="Fig", seeds=9)


def now() -> float:
    return asyncio.get_running_loop().time()


class Slow(ScriptedLanguageModel):
    """Takes seconds for each answer: the first argument for all, or one of its own for each good one."""

    def __init__(self, seconds: float, *script: Step | int) -> None:
        self._seconds = [seconds, *(one for one in script if isinstance(one, int))]
        super().__init__(*(one for one in script if not isinstance(one, int)))

    async def ask(self, *asked: Any, **trace: Any) -> Reply:
        await asyncio.sleep(self._seconds.pop(0) if len(self._seconds) > 1 else self._seconds[0])
        return await super().ask(*asked, **trace)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@virtual
async def test_an_answer_is_returned_only_when_it_is_durable() -> None:
    link = MemoryLink()
    link.durable.clear()
    async with chat(ScriptedLanguageModel(GOOD), link) as asking:
        answer = asyncio.create_task(asking.ask(question()))
        await link.sent.wait()
        await settled()
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
    assert model.asked[2][1] == model.asked[0][1]
    assert len(model.asked[2]) == 2


async def test_an_unusable_answer_is_a_value_and_only_its_last_entry_is_marked() -> None:
    model, link = ScriptedLanguageModel("no"), MemoryLink()
    async with chat(model, link) as asking:
        assert isinstance(await asking.ask(question()), Unusable)
    assert [entry.unusable for entry in link.stored] == [False, False, True]


class Basket(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fruits: list[Fruit]


BASKET = replace(question(), schema=Basket)
HALF = f'{{"fruits":[{GOOD},{{"name":"Plum"}}]}}'
CUT = f'{{"fruits":[{GOOD},{{"na'


@pytest.mark.parametrize(
    ("script", "asked"),
    [((HALF, "no"), 2), ((CUT, "no"), 2), (("no", CUT), 2), (("no", "no", HALF), 3), (("no", "no", CUT), 3)],
)
async def test_whichever_answer_has_a_valid_part_is_used_said_and_not_marked(
    script: tuple[str, ...], asked: int
) -> None:
    model, link = ScriptedLanguageModel(*script), MemoryLink()
    with capture_logs() as logs:
        async with chat(model, link, job_id="j-1") as asking:
            assert await asking.ask(BASKET) == Basket(fruits=[FIG])
            assert await asking.ask(BASKET) == Basket(fruits=[FIG])
            assert asking.reduced == ["fruit 1"]
    said = {"event": "llm.reduced", "log_level": "info", "job": "j-1", "step": "fruit", "unit": "fruit 1"}
    assert [line for line in logs if line["event"] == "llm.reduced"] == [said]
    assert [entry.unusable for entry in link.stored] == [False] * asked


async def test_what_is_whole_in_the_end_was_not_reduced() -> None:
    async with chat(ScriptedLanguageModel("no", "no", GOOD, "no"), MemoryLink()) as asking:
        assert await asking.ask(question()) == FIG
        assert isinstance(await asking.ask(question("two")), Unusable)
        assert asking.reduced == []


async def test_an_unusable_answer_says_what_was_wrong_with_the_last_of_them_without_the_users_words() -> None:
    wrong = '{"name":1,"apples":1,"pears":2}'
    async with chat(ScriptedLanguageModel(wrong), MemoryLink()) as asking:
        answer = await asking.ask(question("Apples, please."))
    forbidden = "Extra inputs are not permitted"
    text = "name: Input should be a valid string"
    assert answer == Unusable(reason=f"{text}; seeds: Field required; …: {forbidden}")


@pytest.mark.parametrize(("form_missed", "answer"), [(True, "no"), (False, GOOD)])
async def test_a_repair_turn_repeats_the_form_where_it_was_missed(form_missed: bool, answer: str) -> None:
    model = ScriptedLanguageModel(answer, GOOD)
    async with chat(model, MemoryLink()) as asking:
        await asking.ask(question(check=lambda _: ["not sweet"]))
    assert ('"seeds"' in model.asked[1][3].content) is form_missed


async def test_where_nothing_was_said_the_question_itself_says_what_was_wrong() -> None:
    model = ScriptedLanguageModel("", GOOD)
    async with chat(model, MemoryLink()) as asking:
        await asking.ask(question("Apples, please."))
    first, second = model.asked[:2]
    assert second[0] == first[0]
    assert [message.role for message in second] == ["system", "user"]
    assert second[1].content.startswith("Apples, please.\n\n")
    assert "empty" in second[1].content


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


@virtual
async def test_leaving_cancels_open_calls_at_once_without_noise_and_nothing_can_be_asked_after() -> None:
    model, noise = ScriptedLanguageModel(GOOD), list[Any]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    model.gate.clear()
    async with chat(model, MemoryLink()) as asking:
        asks = [asyncio.create_task(asking.ask(question(str(n)))) for n in range(3)]
        await settled()
        assert len(model.asked) == 3
    assert model.cut == 3
    assert now() == 0
    assert noise == []
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


@virtual
async def test_retry_after_is_waited_out_and_said_in_the_log() -> None:
    model = ScriptedLanguageModel(Throttled("429: Which fruit?", retry_after=2), GOOD)
    with capture_logs() as logs:
        async with chat(model, MemoryLink(), chance=lambda: 1.0) as asking:
            await asking.ask(question())
    assert now() == 2
    said = {"event": "llm.no_answer", "log_level": "info", "job": "job", "step": "fruit"}
    assert logs == [said | {"reason": "429: … …?", "wait": 2}]


@virtual
async def test_what_goes_on_without_an_answer_climbs_to_a_warning() -> None:
    model = ScriptedLanguageModel(*[Throttled("429", retry_after=wait) for wait in (3, 3, 60)])
    with capture_logs() as logs:
        async with chat(model, MemoryLink(), step_seconds=20) as asking:
            with pytest.raises(Throttled):
                await asking.ask(question())
    assert [(it["log_level"], it["wait"]) for it in logs] == [("info", 3), ("info", 3), ("warning", None)]

    model = ScriptedLanguageModel(*[Throttled("429", retry_after=wait) for wait in (5, 1)], GOOD)
    with capture_logs() as logs:
        async with chat(model, MemoryLink(), step_seconds=20) as asking:
            await asking.ask(question())
    assert [it["log_level"] for it in logs] == ["info", "warning"]


@virtual
async def test_waits_and_calls_take_from_the_steps_time_and_standing_in_line_does_not() -> None:
    model, bound = ScriptedLanguageModel(LlmUnavailable("503"), LlmUnavailable("503"), GOOD), Concurrency(1)
    async with chat(model, MemoryLink(), chance=lambda: 1.0, step_seconds=4, concurrency=bound) as asking:
        async with bound.place("other"):
            answer = asyncio.create_task(asking.ask(question()))
            await asyncio.sleep(60)
        assert await answer == FIG
    assert now() == 60 + 1 + 2
    async with chat(
        Slow(3, LlmUnavailable("503")), MemoryLink(), chance=lambda: 1.0, step_seconds=8.5
    ) as again:
        with pytest.raises(LlmUnavailable):
            await again.ask(question())
    assert now() == 63 + 3 + 1 + 3  # no 2 s are left after another 3


async def test_a_retry_after_beyond_the_steps_time_ends_the_run_with_it() -> None:
    model, link = ScriptedLanguageModel(Throttled("429", retry_after=60)), MemoryLink()
    async with chat(model, link, step_seconds=5) as asking:
        with pytest.raises(LlmUnavailable) as ended:
            await asking.ask(question())
    assert ended.value.retry_after == 60
    assert link.stored == []


@virtual
async def test_a_call_that_takes_too_long_counts_as_no_answer_the_last_one_has_what_is_left() -> None:
    model = ScriptedLanguageModel(GOOD)
    model.gate.clear()
    async with chat(model, MemoryLink(), timeout=20, step_seconds=50) as asking:
        with pytest.raises(LlmUnavailable, match=r"^no answer within 10 s$"):
            await asking.ask(question())
    assert len(model.asked) == model.cut == 3
    assert now() == 50


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


class Stall(BaseModel):
    fruits: list[str] = []
    rules: list[str] = []


async def test_a_form_that_is_not_heeded_stands_in_every_later_question_also_where_the_answer_will_do() -> (
    None
):
    part, whole = '{"fruits":["Fig"]}', '{"fruits":["Fig"],"rules":[]}'
    asked = replace(question(), schema=Stall)
    model = ScriptedLanguageModel(whole, part, part, part)
    async with chat(model, MemoryLink()) as asking:
        for user in "1234":
            assert await asking.ask(replace(asked, user=user)) == Stall(fruits=["Fig"])
    spelled = ["rules" in messages[0].content for messages in model.asked]
    assert spelled == [False, False, False, True]  # of three answers, one has the form


@virtual
async def test_nothing_is_asked_while_the_link_forbids_it_not_even_a_retry() -> None:
    model, link = ScriptedLanguageModel(Throttled("429", retry_after=1), GOOD), MemoryLink()
    async with chat(model, link, step_seconds=5) as asking:
        answer = asyncio.create_task(asking.ask(question()))
        await model.arrived.wait()
        link.open.clear()
        await asyncio.sleep(60)  # more than the step's time: standing still does not count
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


@virtual
async def test_whoever_may_not_ask_holds_no_place_that_another_run_could_use() -> None:
    closed, bound = MemoryLink(), Concurrency(1)
    closed.open.clear()
    async with (
        chat(ScriptedLanguageModel(), closed, concurrency=bound) as held,
        chat(ScriptedLanguageModel(), MemoryLink(), concurrency=bound) as free,
    ):
        waiting = asyncio.create_task(held.ask(question()))
        await settled()
        assert await free.ask(question()) == FIG
        assert not waiting.done()


async def test_a_429_halves_the_bound_other_lacks_do_not_and_answers_raise_it() -> None:
    bound = Concurrency(8)
    script = (LlmUnavailable("503"), GOOD, Throttled("429"), GOOD)
    async with chat(ScriptedLanguageModel(*script), MemoryLink(), concurrency=bound) as asking:
        await asking.ask(question("one"))
        assert bound.allowed == 8
        await asking.ask(question("two"))
        assert bound.allowed == 4
        for n in range(40):
            await asking.ask(question(str(n)))
        assert bound.allowed == 8


async def test_a_question_that_failed_can_be_asked_again() -> None:
    model = ScriptedLanguageModel(LlmMisconfigured("key"), GOOD)
    async with chat(model, MemoryLink()) as asking:
        with pytest.raises(LlmMisconfigured):
            await asking.ask(question())
        assert await asking.ask(question()) == FIG


async def test_a_call_that_fails_when_nobody_waits_any_more_makes_no_noise() -> None:
    model, noise = ScriptedLanguageModel(LlmMisconfigured("key")), list[Any]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    model.gate.clear()
    async with chat(model, MemoryLink()) as asking:
        one = asyncio.create_task(asking.ask(question()))
        await model.arrived.wait()
        one.cancel()
        await asyncio.wait([one])
        model.gate.set()
        await settled()
    del one
    gc.collect()
    await settled()
    assert noise == []


async def test_a_language_model_is_told_what_the_call_is_for() -> None:
    model = ScriptedLanguageModel("no", "no", GOOD)
    async with chat(model, MemoryLink(), job_id="j-1") as asking:
        await asking.ask(question())
    call = {"job": "j-1", "step": "fruit", "unit": "fruit 1"}
    assert model.traces == [call | {"ordinal": ordinal} for ordinal in "012"]


@virtual
async def test_the_pace_is_what_the_slowest_of_four_questions_takes_lately() -> None:
    async with chat(Slow(*range(1, 42)), MemoryLink(), timeout=60, step_seconds=60) as asking:
        assert asking.pace == 0
        await asking.ask(question("1"))
        assert asking.pace == 1
        for n in range(2, 9):
            await asking.ask(question(f"{n}"))
        assert asking.pace == 7  # of 1 to 8
        for n in range(9, 42):
            await asking.ask(question(f"{n}"))
        assert asking.pace == 32  # of 2 to 41: older ones do not count


async def test_answers_are_counted_once_those_of_an_earlier_job_apart() -> None:
    link = MemoryLink()
    async with chat(ScriptedLanguageModel(), link) as asking:
        await asyncio.gather(asking.ask(question()), asking.ask(question()), asking.ask(question("two")))
        assert asking.calls == (2, 0)
    lent = [replace(link.stored[0], borrowed=True), link.stored[1]]
    async with chat(ScriptedLanguageModel(), MemoryLink(), recalled=lent) as again:
        await again.ask(question())
        await again.ask(question("two"))
        await again.ask(question("three"))
        assert again.calls == (3, 1)


def counted(metrics: Metrics) -> Scrape:
    return Scrape.counted(metrics.registry)


@virtual
async def test_calls_steps_tokens_and_seconds_are_counted() -> None:
    metrics = Metrics(steps=("fruit",), models=("openai:scripted",))
    reply = Reply(text=GOOD, tokens=100, prompt=60, cached=20)
    script = (Throttled("429", retry_after=0), "no", reply, GOOD, LlmMisconfigured("key"))
    link = MemoryLink()
    async with chat(Slow(2, *script), link, metrics=metrics) as asking:
        await asking.ask(question())
        await asking.ask(question("zwei"))
        with pytest.raises(LlmMisconfigured):
            await asking.ask(question("two"))
    found = counted(metrics)
    calls = {kind: found.sum("llm_calls_total", outcome=kind) for kind in ("answered", "unusable", "none")}
    assert calls == {"answered": 2, "unusable": 1, "none": 2}
    tokens = [found.sum("llm_tokens_total", kind=kind) for kind in ("prompt", "cached", "completion")]
    assert tokens == [40, 20, 60]
    assert found.sum("llm_retries_total", reason="throttled") == found.sum("llm_retries_total") == 1
    assert (found.sum("llm_seconds_count"), found.sum("llm_seconds_sum")) == (5, 10)
    steps = [found.sum("step_seconds_sum", step="fruit", outcome=kind) for kind in ("answered", "stopped")]
    assert steps == [8, 2]
    again = Metrics(steps=("fruit",), models=("openai:scripted",))
    async with chat(ScriptedLanguageModel("no"), MemoryLink(), recalled=link.stored, metrics=again) as asking:
        await asking.ask(question())
        await asking.ask(question("three"))
    assert counted(again).sum("llm_calls_total", outcome="recalled") == 2
    assert counted(again).sum("step_seconds_count", outcome="unusable") == 1


@virtual
async def test_calls_made_again_are_counted_by_the_reason() -> None:
    model = ScriptedLanguageModel(LlmUnavailable("503"), GOOD)
    model.gate.clear()
    metrics = Metrics(steps=("fruit",), models=("openai:scripted",))
    async with chat(model, MemoryLink(), timeout=20, step_seconds=90, metrics=metrics) as asking:
        answer = asyncio.create_task(asking.ask(question()))
        await asyncio.sleep(50)  # two time-outs
        model.gate.set()
        await answer
    again = {why: counted(metrics).sum("llm_retries_total", reason=why) for why in ("timeout", "unavailable")}
    assert again == {"timeout": 2, "unavailable": 1}


async def test_the_token_ceiling_ends_the_run_before_the_next_call() -> None:
    model = ScriptedLanguageModel(GOOD)
    async with chat(model, MemoryLink(), max_tokens=30, tokens_used=10) as asking:
        await asking.ask(question("one"))
        await asking.ask(question("two"))
        with pytest.raises(LimitReached, match="30 tokens") as reached:
            await asking.ask(question("three"))
    assert (reached.value.limit, reached.value.value) == ("JOB_MAX_TOKENS", 30)
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


async def test_light_steps_go_to_the_light_language_model_and_all_others_to_the_main_one() -> None:
    main, light = ScriptedLanguageModel(GOOD), ScriptedLanguageModel(GOOD, name="openai:light")
    async with chat(main, MemoryLink(), light=light) as asking:
        await asking.ask(question(light=True))
        assert (len(main.asked), len(light.asked)) == (0, 1)
        await asking.ask(question())
    assert (len(main.asked), len(light.asked)) == (1, 1)


@pytest.mark.parametrize(
    ("name", "extra", "asked"),
    [("openai:scripted", "", 0), ("openai:other", "", 1), ("openai:scripted", '{"seed":1}', 1)],
)
async def test_what_another_language_model_or_another_request_would_answer_is_not_recalled(
    name: str, extra: str, asked: int
) -> None:
    link = MemoryLink()
    async with chat(ScriptedLanguageModel(GOOD), link) as asking:
        await asking.ask(question())
    model = ScriptedLanguageModel(GOOD, name=name)
    async with chat(model, MemoryLink(), recalled=link.stored, extra=extra) as asking:
        await asking.ask(question())
    assert len(model.asked) == asked


class Recorded(Off):
    """Traces that keep of each part its name, what is told of it, whether it asks outward, and how it failed."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, dict[str, Any], bool, list[str]]] = []

    @contextmanager
    def part(self, name: str, attributes: Attributes = NONE, *, outward: bool = False) -> Iterator[Span]:
        told, failed = dict(attributes), list[str]()
        self.parts.append((name, told, outward, failed))
        yield SimpleNamespace(tell=told.update, failed=failed.append)


CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "scripted",
}


async def test_a_question_is_traced_as_its_step_with_each_call_in_it() -> None:
    reply = Reply(text=GOOD, tokens=10, prompt=7)
    script = (Throttled("429"), LlmUnavailable("500"), reply, LlmMisconfigured("key"))
    traces = Recorded()
    async with chat(ScriptedLanguageModel(*script), MemoryLink(), traces=traces) as asking:
        await asking.ask(question())
        with pytest.raises(LlmMisconfigured):
            await asking.ask(question("Another?", unit="fruit 2"))
    spent = {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3}
    assert traces.parts == [
        ("step fruit", {"eventstorming.unit": "fruit 1", OUTCOME: "answered"}, False, []),
        ("chat scripted", CHAT, True, ["throttled"]),
        ("chat scripted", CHAT | {"http.request.resend_count": 1}, True, ["unavailable"]),
        ("chat scripted", CHAT | {"http.request.resend_count": 2} | spent, True, []),
        ("step fruit", {"eventstorming.unit": "fruit 2", OUTCOME: "stopped"}, False, []),
        ("chat scripted", CHAT, True, ["misconfigured"]),
    ]


async def test_of_two_jobs_that_wait_for_a_call_the_one_with_fewer_open_goes_first() -> None:
    model, bound = ScriptedLanguageModel(GOOD), Concurrency(2)
    model.gate.clear()
    async with (
        chat(model, MemoryLink(), job_id="long", concurrency=bound) as long,
        chat(model, MemoryLink(), job_id="short", concurrency=bound) as short,
        bound.place("long"),
    ):
        async with bound.place("long"):
            asks = []
            for asking in (long, short):
                asks.append(asyncio.create_task(asking.ask(question())))
                await settled()
        await settled()
        assert [trace["job"] for trace in model.traces] == ["short"]
    await asyncio.gather(*asks, return_exceptions=True)


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


async def test_why_the_last_call_got_no_answer_is_known_until_one_gets_one() -> None:
    concurrency = Concurrency(8)
    model = ScriptedLanguageModel(Throttled("429"), LlmUnavailable("503: Which fruit?"), GOOD)
    seen: list[str] = []

    def chance() -> float:
        seen.append(concurrency.problem)
        return 0.0

    async with chat(model, MemoryLink(), concurrency=concurrency, chance=chance) as asking:
        assert await asking.ask(question()) == FIG
    assert seen == ["", "503: … …?"], "a rate limit is no outage"
    assert concurrency.problem == ""


async def test_a_refused_key_is_an_outage_too() -> None:
    concurrency = Concurrency(8)
    async with chat(
        ScriptedLanguageModel(LlmMisconfigured("wrong key")), MemoryLink(), concurrency=concurrency
    ) as asking:
        with pytest.raises(LlmMisconfigured):
            await asking.ask(question())
    assert concurrency.problem == "wrong key"
