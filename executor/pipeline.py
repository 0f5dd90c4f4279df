"""The graph in the words of the wire: input in, events out, and what only the run knows: the time left, the tokens used."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import job_pb2

from executor.edits import Edit, edited
from executor.errors import NothingUsable
from executor.graph.run import Finished, Preview, Progress, RunEvent, Snapshot, generate
from executor.model import Language, Level, Note
from executor.ports import Lapse, RunChat
from executor.wire import Event, Pending, edits, graph_input, model_to_proto

_LEVELS: Final = {
    Level.INFO: job_pb2.LOG_LEVEL_INFO,
    Level.WARNING: job_pb2.LOG_LEVEL_WARNING,
}
LEAST_SECONDS: Final = 5.0  # less time left than this is not worth a line


async def run_graph(job: job_pb2.JobInput, chat: RunChat) -> AsyncGenerator[Event, None]:
    """`ports.Pipeline`: closing it ends the graph's run."""
    input, changes = graph_input(job), edits(job)
    async with aclosing(generate(input, chat)) as events:
        async for event in events:
            if changes:
                event, notes = with_edits(event, changes)
                for note in notes:
                    yield _to_wire(note)
            if isinstance(event, Finished):
                for note in last_notes(chat, input.language):
                    yield _to_wire(note)
            yield _to_wire(event)
            if isinstance(event, Progress):
                for note in time_left(event, chat.pace, input.language):
                    yield _to_wire(note)


async def run_silences(
    job: job_pb2.JobInput, chat: RunChat, told: bool, *, now: Callable[[], float] = time.time
) -> AsyncGenerator[Event, None]:
    """`service.Beside`: a line when the language model does not answer, and one when it does again. Never ends."""
    language = graph_input(job).language
    async with aclosing(chat.silence.lapses(told=told)) as lapses:
        async for lapse in lapses:
            yield _to_wire(_answers_again(lapse, language) if lapse.over else _silent(lapse, language, now()))


def _silent(lapse: Lapse, language: Language, now: float) -> Note:
    since = f"{datetime.fromtimestamp(now - lapse.seconds, UTC):%H:%M:%S}"
    message = language.pick(
        f"The language model has not answered since {since} UTC. It is asked again and nothing is lost; how much time is left "
        "cannot be told until it answers.",
        f"언어 모델이 {since}(UTC)부터 응답하지 않습니다. 계속 다시 물어보며 잃는 것은 없습니다. 응답할 때까지 남은 시간은 알 수 없습니다.",
    )
    return Note(level=Level.WARNING, message=message, key=f"silence/{lapse.answers}")


def _answers_again(lapse: Lapse, language: Language) -> Note:
    english, korean = _span(lapse.seconds)
    message = (
        language.pick(
            f"The language model answers again, after {english}.",
            f"언어 모델이 {korean} 만에 다시 응답합니다.",
        )
        if lapse.seconds
        else language.pick("The language model answers again.", "언어 모델이 다시 응답합니다.")
    )
    return Note(level=Level.INFO, message=message, key=f"answers/{lapse.answers}")


def with_edits(event: RunEvent, edits: Sequence[Edit]) -> tuple[RunEvent, Sequence[Note]]:
    """Every model that is shown has them; what became of them is said at the end."""
    match event:
        case Preview() | Snapshot():
            return replace(event, make=lambda: edited(event.make(), edits).model), ()
        case Finished():
            whole = edited(event.model, edits)
            if not whole.model.aggregates:
                raise NothingUsable(
                    event.model.language.pick(
                        "Nothing is left: the changes delete every aggregate.",
                        "수정으로 애그리거트가 모두 삭제되어 남은 것이 없습니다.",
                    )
                )
            return Finished(model=whole.model), whole.notes
    return event, ()


def time_left(progress: Progress, pace: float, language: Language) -> Iterator[Note]:
    """A line about the time left, once it can be known and is worth one. `pace` in seconds per question, 0 while unknown."""
    seconds = progress.in_a_row * pace
    if seconds < LEAST_SECONDS:
        return
    english, korean = _span(seconds)
    done = f"{progress.current}/{progress.total}"
    message = language.pick(f"About {english} left ({done}).", f"약 {korean} 남았습니다({done}).")
    yield Note(level=Level.INFO, message=message, key=f"left/{progress.current}")


def _span(seconds: float) -> tuple[str, str]:
    """In tens of seconds below two minutes, in minutes above, in both languages."""
    if seconds < 115:
        tens = max(1, round(seconds / 10)) * 10
        return f"{tens} seconds", f"{tens}초"
    minutes = round(seconds / 60)
    return f"{minutes} minutes", f"{minutes}분"


def last_notes(chat: RunChat, language: Language) -> Iterator[Note]:
    """What only the end knows: where parts of answers were left out, what was saved, and what was used, earlier runs included."""
    if count := len(chat.reduced):
        message = language.pick(
            f"{count} answer(s) of the language model broke their form even when asked for again: "
            "only what was valid in them is used.",
            f"언어 모델의 답변 {count}개가 다시 물은 뒤에도 형식에 맞지 않아 올바른 부분만 사용했습니다.",
        )
        yield Note(level=Level.WARNING, message=message, key="reduced")
    calls, borrowed = chat.calls
    if borrowed:
        message = language.pick(
            f"Calls saved: {borrowed} of {calls}; {calls - borrowed} questions were new.",
            f"호출 {calls}건 가운데 {borrowed}건은 이전 작업의 답변을 다시 썼고, {calls - borrowed}건을 새로 물었습니다.",
        )
        yield Note(level=Level.INFO, message=message, key="borrowed")
    message = language.pick(f"Tokens used: {chat.tokens_used:,}.", f"사용한 토큰: {chat.tokens_used:,}개")
    yield Note(level=Level.INFO, message=message, key="tokens")


def _to_wire(event: RunEvent) -> Event:
    match event:
        case Progress():
            return wire.Progress(current=event.current, total=event.total)
        case Note():
            line = job_pb2.LogLine(level=_LEVELS[event.level], message=event.message)
            return wire.Log(line=line, key=event.key)
        case Preview() | Snapshot():
            early = isinstance(event, Preview)
            return Pending(lambda: wire.ModelSnapshot(model=model_to_proto(event.model)), early=early)
        case Finished():
            return wire.Completed(model=model_to_proto(event.model))
