"""What the pipeline adds to the graph's events: a line about the time left, and the tokens used as the last line."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator

import pytest
from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import job_pb2

from executor.graph.run import Progress
from executor.model import Language
from executor.pipeline import run_graph, run_silences, time_left
from executor.ports import Lapse
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


class Silent:
    """The language model falls silent after four answers, for seven minutes; then so again, and its end is an earlier run's."""

    async def lapses(self, *, told: bool) -> AsyncGenerator[Lapse, None]:
        assert told
        yield Lapse(answers=4, seconds=30)
        yield Lapse(answers=4, seconds=420, over=True)
        yield Lapse(answers=9, seconds=0, over=True)


class SilentChat(TimedChat):
    silence = Silent()


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (
            REQUIREMENTS,
            [
                "The language model has not answered since 05:03:12 UTC. It is asked again and nothing is lost; how much time is "
                "left cannot be told until it answers.",
                "The language model answers again, after 7 minutes.",
                "The language model answers again.",
            ],
        ),
        (
            KOREAN,
            [
                "언어 모델이 05:03:12(UTC)부터 응답하지 않습니다. 계속 다시 물어보며 잃는 것은 없습니다. 응답할 때까지 남은 시간은 알 수 없습니다.",
                "언어 모델이 7분 만에 다시 응답합니다.",
                "언어 모델이 다시 응답합니다.",
            ],
        ),
    ],
    ids=["en", "ko"],
)
async def test_a_silent_language_model_is_told_in_the_users_language_since_when(
    job: job_pb2.JobInput, said: list[str]
) -> None:
    moment = 1_700_000_000 // 86400 * 86400 + 5 * 3600 + 3 * 60 + 42
    told = [event async for event in run_silences(job, SilentChat(1), told=True, now=lambda: moment)]
    assert lines(told) == said
    logs = [event for event in told if isinstance(event, wire.Log)]
    assert [log.key for log in logs] == ["silence/4", "answers/4", "answers/9"]
    assert [log.line.level for log in logs] == [
        job_pb2.LOG_LEVEL_WARNING,
        job_pb2.LOG_LEVEL_INFO,
        job_pb2.LOG_LEVEL_INFO,
    ]


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
