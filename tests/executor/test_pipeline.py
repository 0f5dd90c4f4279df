"""What the pipeline adds to the graph's events: a line about the time left, and the tokens used as the last line."""

from __future__ import annotations

import asyncio
import re

import pytest
from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import job_pb2

from executor.graph.run import Progress
from executor.model import Language
from executor.pipeline import run_graph, time_left
from executor.wire import Event
from tests.executor.graph.inputs import TEXT
from tests.executor.graph.scripted import ScriptedChat
from tests.executor.llm.fakes import MemoryLink, ScriptedLanguageModel, chat, question

REQUIREMENTS = job_pb2.JobInput(requirements=TEXT)
KOREAN = job_pb2.JobInput(requirements="Lending: 대출\nLending: Loan 회원이 빌린다.\n안녕하세요.")


class TimedChat(ScriptedChat):
    """Says that a question takes `pace` seconds."""

    tokens_used = 12_345
    reduced: tuple[str, ...] = ()
    calls = (0, 0)
    tokens_by_step: dict[str, int] = {}  # noqa: RUF012

    def __init__(self, pace: float) -> None:
        super().__init__()
        self.pace = pace


async def events_of(job: job_pb2.JobInput, pace: float) -> list[Event]:
    return [event async for event in run_graph(job, TimedChat(pace))]


def lines(events: list[Event]) -> list[str]:
    return [event.line.message for event in events if isinstance(event, wire.Log)]


@pytest.mark.parametrize(
    ("job", "last"), [(REQUIREMENTS, "Tokens used: 12,345."), (KOREAN, "사용한 토큰: 12,345개")]
)
async def test_the_last_line_tells_the_tokens_used(job: job_pb2.JobInput, last: str) -> None:
    events = await events_of(job, 0)
    assert isinstance(events[-1], wire.Completed)
    assert lines(events)[-1] == last
    assert any(re.match(r"Lines that|동작을|스티커", line) for line in lines(events)[:-1])


async def test_the_time_left_falls_with_the_questions_still_to_come() -> None:
    said = [line for line in lines(await events_of(REQUIREMENTS, 20)) if line.startswith("About")]
    assert said[0] == "About 80 seconds left (1/11)."
    seconds = [
        int(n) * (60 if unit == "minutes" else 1)
        for line in said
        for n, unit in re.findall(r"(\d+) (\w+) left", line)
    ]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[-1] == 20


async def test_nothing_is_said_of_the_time_left_before_an_answer_or_when_it_is_short() -> None:
    for pace in (0, 0.2):
        assert not [line for line in lines(await events_of(REQUIREMENTS, pace)) if line.startswith("About")]


@pytest.mark.parametrize(
    ("pace", "english", "korean"),
    [
        (10, "About 40 seconds left (4/8).", "약 40초 남았습니다(4/8)."),
        (60, "About 4 minutes left (4/8).", "약 4분 남았습니다(4/8)."),
    ],
)
def test_the_time_left_in_both_languages(pace: float, english: str, korean: str) -> None:
    progress = Progress(current=4, total=8, in_a_row=4)
    for language, expected in ((Language.ENGLISH, english), (Language.KOREAN, korean)):
        assert [note.message for note in time_left(progress, pace, language)] == [expected]


async def test_keys_of_lines_are_unique() -> None:
    keys = [event.key for event in await events_of(REQUIREMENTS, 20) if isinstance(event, wire.Log)]
    assert len(keys) == len(set(keys))


async def test_the_pace_is_that_of_fresh_answers_only() -> None:
    model, link = ScriptedLanguageModel(), MemoryLink()
    model.gate.clear()
    async with chat(model, link) as asking:
        assert asking.pace == 0
        asked = question("one")
        answering = asyncio.create_task(asking.ask(asked))
        await model.arrived.wait()
        model.gate.set()
        await answering
        assert 0 < asking.pace < 60
    async with chat(model, MemoryLink(), recalled=link.stored) as again:
        await again.ask(asked)
        assert again.pace == 0
