"""A language model that does not answer a run: told once, and its end, whatever made it silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from executor.errors import LlmUnavailable
from executor.llm.chat import JournaledChat
from executor.llm.language_model import Reply, Throttled
from executor.ports import Lapse
from tests.executor.llm.fakes import GOOD, MemoryLink, ScriptedLanguageModel, Step, chat, question
from tests.virtual import virtual


class Timed(ScriptedLanguageModel):
    """Takes so many seconds for each call, the last ones for ever; `away` raises until that time."""

    def __init__(self, *seconds: float, away: tuple[float, float, Step] | None = None) -> None:
        super().__init__(GOOD)
        self._seconds = list(seconds)
        self._away = away

    async def ask(self, *asked: Any, **trace: Any) -> Reply:
        await asyncio.sleep(self._seconds.pop(0) if len(self._seconds) > 1 else self._seconds[0])
        if self._away and self._away[0] <= now() < self._away[1]:
            assert isinstance(self._away[2], Exception)
            raise self._away[2]
        return await super().ask(*asked, **trace)


def now() -> float:
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def listening(asking: JournaledChat, *, told: bool = False) -> AsyncIterator[list[tuple[float, Lapse]]]:
    """What is told, and when."""
    heard: list[tuple[float, Lapse]] = []

    async def listen() -> None:
        async for lapse in asking.silence.lapses(told=told):
            heard.append((now(), lapse))

    task = asyncio.create_task(listen())
    yield heard
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def in_a_row(asking: JournaledChat, count: int) -> None:
    for n in range(count):
        await asking.ask(question(f"{n}"))


def said(heard: Sequence[tuple[float, Lapse]]) -> list[tuple[int, bool]]:
    return [(lapse.answers, lapse.over) for _, lapse in heard]


@virtual
async def test_nothing_is_told_of_a_language_model_that_answers() -> None:
    async with (
        chat(Timed(20.0), MemoryLink(), step_seconds=100, timeout=100) as asking,
        listening(asking) as heard,
    ):
        await in_a_row(asking, 5)
        await asyncio.sleep(600)  # nothing is asked any more
    assert heard == []


@pytest.mark.parametrize("reason", [LlmUnavailable("503"), Throttled("429", retry_after=7)])
@virtual
async def test_calls_that_all_fail_are_told_after_thirty_seconds_and_their_end_at_once(
    reason: LlmUnavailable,
) -> None:
    model = Timed(1.0, away=(1.5, 90.0, reason))
    async with (
        chat(model, MemoryLink(), step_seconds=300, timeout=100, chance=lambda: 0.5) as asking,
        listening(asking) as heard,
    ):
        await in_a_row(asking, 2)
    assert said(heard) == [(1, False), (1, True)]
    (told, first), (over, last) = heard
    assert told == pytest.approx(1.0 + 30, abs=0.1)  # from the last answer on, which came after a second
    assert first.seconds == pytest.approx(30, abs=0.1)
    assert over == pytest.approx(now(), abs=0.1)
    assert last.seconds == pytest.approx(over - 1.0, abs=0.1)


@virtual
async def test_a_call_that_hangs_is_told_too() -> None:
    model = Timed(2.0, 100.0, 1.0)
    async with (
        chat(model, MemoryLink(), step_seconds=300, timeout=60) as asking,
        listening(asking) as heard,
    ):
        await in_a_row(asking, 2)
    assert said(heard) == [(1, False), (1, True)]


@virtual
async def test_who_answers_slowly_as_usual_is_not_silent() -> None:
    async with (
        chat(Timed(50.0), MemoryLink(), step_seconds=300, timeout=100) as asking,
        listening(asking) as heard,
    ):
        await in_a_row(asking, 6)
    assert said(heard) == [(0, False), (0, True)]  # only of the first is not known what is usual


@virtual
async def test_one_answer_that_takes_three_times_as_long_as_usual_is_no_silence() -> None:
    async with (
        chat(Timed(15.0, 15.0, 45.0), MemoryLink(), step_seconds=300, timeout=100) as asking,
        listening(asking) as heard,
    ):
        await in_a_row(asking, 3)
    assert heard == []


@virtual
async def test_one_answer_among_many_ends_it() -> None:
    async with (
        chat(Timed(5.0, 45.0), MemoryLink(), step_seconds=300, timeout=100) as asking,
        listening(asking) as heard,
    ):
        await asyncio.gather(*(asking.ask(question(f"{n}")) for n in range(4)))
    assert said(heard) == [(1, False), (1, True)]
    assert heard[0][0] == pytest.approx(35.0, abs=0.1)


@virtual
async def test_two_silences_are_told_apart() -> None:
    model = Timed(1.0, 60.0, 1.0, 1.0, 60.0, 1.0)
    async with (
        chat(model, MemoryLink(), step_seconds=300, timeout=100) as asking,
        listening(asking) as heard,
    ):
        await in_a_row(asking, 6)
    assert said(heard) == [(1, False), (1, True), (4, False), (4, True)]


@virtual
async def test_a_run_that_continues_names_the_same_silence_and_tells_the_end_of_the_one_before() -> None:
    link = MemoryLink()
    async with chat(Timed(1.0), link) as asking:
        await in_a_row(asking, 1)
    async with (
        chat(Timed(60.0), MemoryLink(), recalled=link.stored, step_seconds=300, timeout=100) as asking,
        listening(asking) as heard,
    ):
        await in_a_row(asking, 2)
    assert said(heard) == [(1, False), (1, True)]
    async with (
        chat(Timed(1.0), MemoryLink(), recalled=link.stored) as asking,
        listening(asking, told=True) as heard,
    ):
        await in_a_row(asking, 2)
    assert [lapse for _, lapse in heard] == [Lapse(answers=1, seconds=0.0, over=True)]


@virtual
async def test_a_silence_says_nothing_of_the_pace() -> None:
    async with (
        chat(Timed(2.0, 3.0, 60.0, 4.0), MemoryLink(), step_seconds=300, timeout=100) as asking,
        listening(asking),
    ):
        await in_a_row(asking, 4)
        assert asking.pace == 4.0


@virtual
async def test_nothing_of_it_is_journaled() -> None:
    link = MemoryLink()
    async with (
        chat(Timed(60.0, 1.0), link, step_seconds=300, timeout=100) as asking,
        listening(asking) as heard,
    ):
        await in_a_row(asking, 2)
    assert heard
    assert [entry.value for entry in link.stored] == ['{"answer":{"name":"Fig","seeds":9}}'] * 2
