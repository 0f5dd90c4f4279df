"""Two versions side by side, as during an upgrade: messages of this build in the form of the last release, and back.

The form is read from the committed baseline: what it does not know, its programs never send and never see.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from eventstorming.v1 import executor_pb2, job_pb2, model_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from poller.board.html import render_html
from poller.msaez.check import findings
from poller.msaez.esvalue import project
from tests.executor.service_client import execute, fruits, served
from tests.poller.board.conftest import bikes_model, pilates_model

BASELINE = Path(__file__).parents[2] / "proto" / "baseline.binpb"
BOTH = pytest.mark.parametrize("model", [bikes_model(), pilates_model()], ids=["en", "ko"])


def older(message: Message) -> Any:
    """The message as a program of the last release reads it."""
    files = descriptor_pb2.FileDescriptorSet.FromString(BASELINE.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    form = message_factory.GetMessageClass(pool.FindMessageTypeByName(message.DESCRIPTOR.full_name))
    read = form.FromString(message.SerializeToString())
    read.DiscardUnknownFields()
    return read


def of_an_older_program(message: Any) -> Any:
    """The message as a program of this build reads it when one of the last release has sent it."""
    return type(message).FromString(older(message).SerializeToString())


def canvas(model: model_pb2.EventStormingModel) -> Any:
    return project(model, job_id="job", user_id="u", project_id="p").as_json()


@BOTH
def test_what_an_older_executor_finds_is_shown(model: model_pb2.EventStormingModel) -> None:
    told = of_an_older_program(model)
    assert told != model
    assert findings(canvas(told)) == []
    assert "<svg" in render_html(told)


@BOTH
def test_an_older_poller_reads_what_it_knows_of_a_model(model: model_pb2.EventStormingModel) -> None:
    read = older(model)
    aggregates = [a for context in model.bounded_contexts for a in context.aggregates]
    known = [a for context in read.bounded_contexts for a in context.aggregates]
    for kind in ("commands", "events", "read_models"):
        names = [[(e.name, e.ordinal) for e in getattr(a, kind)] for a in aggregates]
        assert [[(e.name, e.ordinal) for e in getattr(a, kind)] for a in known] == names
    assert [(p.trigger, list(p.results)) for p in read.policies] == [
        (p.trigger, list(p.results)) for p in model.policies
    ]
    assert all(policy.results for policy in read.policies), "commands alone would be nothing to it"


@BOTH
def test_stickers_of_both_forms_have_the_same_ids(model: model_pb2.EventStormingModel) -> None:
    def ids(of: model_pb2.EventStormingModel) -> dict[str, str]:
        return {key: e["name"] for key, e in canvas(of)["elements"].items()}

    before, after = ids(of_an_older_program(model)), ids(model)
    assert before.items() <= after.items()


def test_a_frame_that_an_older_poller_does_not_know_is_none_to_it() -> None:
    read = older(executor_pb2.ExecuteResponse(seq=3, preview=executor_pb2.ModelSnapshot()))
    assert (read.seq, read.WhichOneof("frame")) == (3, None)


def test_the_frames_of_a_run_mean_the_same_to_an_older_poller() -> None:
    entry = executor_pb2.JournalEntry(key="k", value="{}", tokens=3, unusable=True)
    line = job_pb2.LogLine(level=job_pb2.LOG_LEVEL_WARNING, message="silent")
    for frame in (
        executor_pb2.ExecuteResponse(seq=1, answer=entry),
        executor_pb2.ExecuteResponse(seq=2, log=executor_pb2.Log(line=line, key="silence/4")),
        executor_pb2.ExecuteResponse(seq=3, progress=executor_pb2.Progress(current=3, total=11)),
        executor_pb2.ExecuteResponse(seq=4, beat=executor_pb2.Beat(beat=2)),
    ):
        assert older(frame).SerializeToString() == frame.SerializeToString()


async def test_a_run_that_an_older_poller_begins_is_run() -> None:
    start = executor_pb2.Start(tokens_used=2, max_tokens=9000, silence_told=True)
    start.step_timeout.seconds = 5
    told = of_an_older_program(start)
    assert not told.silence_told
    async with served(fruits("a")) as executor:
        stream = await execute(executor, start=told)
        await stream.rest()
    assert stream.of("completed")
    assert older(stream.frames[0]).accepted.total_progress == 11
