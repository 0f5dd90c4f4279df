"""One run's end of the Execute stream: what goes out when, and how it is left."""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import replace
from typing import Any

import grpc
import pytest
from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import model_pb2
from structlog.testing import capture_logs

from executor.link import Outbox, Pulse, StreamLink, read_off, until_done
from executor.metrics import Metrics
from executor.ports import Entry
from executor.status import Cancelled
from tests.executor.peer import JOB, Peer
from tests.scrape import Scrape
from tests.virtual import steps_in, virtual

# Promised, so not taken from the code.
BEAT_SECONDS, SILENCE_SECONDS, SHOWN_SECONDS, FLUSH_SECONDS = 2, 10, 0.25, 1
OUTBOX_BYTES = 8 * 1024 * 1024


async def test_a_stream_that_ends_while_its_run_is_cancelled_leaves_no_task_and_no_noise() -> None:
    noise: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    left, leaving = asyncio.Event(), asyncio.Event()

    async def read() -> Any:
        await left.wait()
        return grpc.aio.EOF

    async def stuck(_: Any) -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        async with StreamLink("job", 1, time.monotonic, Metrics(), asyncio.Event()).connected(read, stuck):
            leaving.set()

    before = asyncio.all_tasks()
    task = asyncio.create_task(run())
    await leaving.wait()
    left.set()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    del task
    gc.collect()
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before
    assert noise == []


async def test_what_is_shown_goes_out_at_once_and_then_a_few_times_a_second_the_last_of_each() -> None:
    now, sent = 0.0, list[str]()
    outbox = Outbox("job", 1, lambda: now)

    async def write(frame: wire.ExecuteResponse) -> None:
        kind = str(frame.WhichOneof("frame"))
        sent.append(f"{kind} {frame.progress.current}" if kind == "progress" else kind)

    def show(*steps: int) -> None:
        for step in steps:
            outbox.latest.replace(wire.ExecuteResponse(progress=wire.Progress(current=step, total=11)))
            outbox.latest.replace_snapshot(lambda: wire.ExecuteResponse(snapshot=wire.ModelSnapshot()))

    writing = asyncio.create_task(outbox.write_all(write))
    show(1, 2)
    await settled()
    assert sent == ["progress 2", "snapshot"]
    show(3, 4)
    await outbox.lossless.send(wire.ExecuteResponse(log=wire.Log(key="a")))
    await settled()
    assert sent[2:] == ["log"]  # nothing else yet
    now = SHOWN_SECONDS
    show(5)
    await settled()
    assert sent[3:] == ["progress 5", "snapshot"]
    show(6)
    await outbox.finish(wire.ExecuteResponse(completed=wire.Completed()))
    assert sent[5:] == ["progress 6", "completed"]
    outbox.close()
    await writing


async def settled(turns: int = 20) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


def log(size: int) -> wire.ExecuteResponse:
    """A frame of about so many bytes."""
    return wire.ExecuteResponse(log=wire.Log(key="x" * size))


async def queued_beside_a_stuck_reader(outbox: Outbox, size: int) -> int:
    """How many frames of the size the outbox takes until it makes the run wait."""
    taken = 0

    async def fill() -> None:
        nonlocal taken
        while taken < 100:
            await outbox.lossless.send(log(size))
            taken += 1

    filling = asyncio.create_task(fill())
    await settled()
    filling.cancel()
    await asyncio.wait({filling})
    assert filling.cancelled() or filling.result() is None
    return taken


async def raising(error: Exception) -> None:
    raise error


async def test_of_errors_at_once_the_first_is_the_outcome_and_the_others_are_logged_with_the_job() -> None:
    fault = ZeroDivisionError()
    with capture_logs() as logs, pytest.raises(Cancelled):
        await until_done(asyncio.Event().wait(), raising(Cancelled("gone")), raising(fault), job="j-1")
    assert logs == [{"event": "task.broken", "log_level": "error", "exc_info": fault, "job": "j-1"}]


async def watched(link: StreamLink, read: Any, write: Any, at_last: asyncio.Event | None = None) -> None:
    """A run that does nothing but end as its stream does."""
    async with link.connected(read, write) as ended:
        try:
            await until_done(asyncio.Event().wait(), ended(), job="j-1")
        finally:
            (at_last or asyncio.Event()).set()
            await settled()


@pytest.mark.parametrize("where", ["read", "write", "clock"])
@virtual
async def test_a_fault_in_the_stream_ends_the_run_whoever_meets_it(where: str) -> None:
    fault = ZeroDivisionError(where)

    async def read() -> Any:
        return await (raising(fault) if where == "read" else asyncio.Event().wait())

    async def write(_: Any) -> None:
        if where == "write":
            raise fault

    asked = 0

    def clock() -> float:
        nonlocal asked
        asked += 1
        if where == "clock" and asked == 2:  # what is to be shown asks first, then the beat
            raise fault
        return 0.0

    with capture_logs() as logs, pytest.raises(ZeroDivisionError):
        await watched(StreamLink("j-1", 1, clock, Metrics(), asyncio.Event()), read, write)
    assert logs == []  # it is the boundary's to log


async def test_a_fault_that_ends_no_run_is_logged_with_the_job() -> None:
    fault, told = ZeroDivisionError(), asyncio.Event()

    async def read() -> Any:
        await told.wait()
        raise fault

    async def write(_: Any) -> None:
        raise grpc.aio.UsageError  # lost

    with capture_logs() as logs, pytest.raises(Cancelled):
        await watched(
            StreamLink("j-1", 1, time.monotonic, Metrics(), asyncio.Event()), read, write, at_last=told
        )
    assert logs == [{"event": "task.broken", "log_level": "error", "exc_info": fault, "job": "j-1"}]


class Reader:
    """Takes as many frames as it is allowed, and remembers their kinds."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._may = asyncio.Semaphore(0)

    async def write(self, frame: wire.ExecuteResponse) -> None:
        await self._may.acquire()
        self.seen.append(str(frame.WhichOneof("frame")))

    async def take(self, frames: int) -> None:
        for _ in range(frames):
            self._may.release()
        await settled()


async def test_a_run_whose_reader_is_stuck_waits_once_its_outbox_is_full_the_finished_model_too() -> None:
    outbox, reader = Outbox("job", 1, time.monotonic), Reader()
    assert await queued_beside_a_stuck_reader(outbox, OUTBOX_BYTES // 10) == 9
    model = model_pb2.EventStormingModel(source_text="x" * (OUTBOX_BYTES // 10))
    completed = wire.ExecuteResponse(completed=wire.Completed(model=model))
    finishing = asyncio.create_task(outbox.finish(completed))
    writing = asyncio.create_task(outbox.write_all(reader.write))
    await settled()
    assert await queued_beside_a_stuck_reader(outbox, OUTBOX_BYTES // 10) == 0
    await reader.take(1)
    assert await queued_beside_a_stuck_reader(outbox, OUTBOX_BYTES // 10) == 0  # the model has the room
    assert not finishing.done()
    await reader.take(9)
    assert reader.seen == ["log"] * 9 + ["completed"]
    assert finishing.done()
    writing.cancel()


async def test_what_has_left_the_outbox_makes_room_for_exactly_as_much() -> None:
    outbox, reader = Outbox("a job with a name", 7, time.monotonic), Reader()
    writing = asyncio.create_task(outbox.write_all(reader.write))
    await outbox.lossless.send(log(1))
    for _ in range(50):  # it is never empty
        await outbox.lossless.send(log(OUTBOX_BYTES // 20))
        await reader.take(1)
    assert await queued_beside_a_stuck_reader(outbox, OUTBOX_BYTES // 10) == 9
    writing.cancel()


async def test_the_outbox_takes_its_bound_to_the_byte() -> None:
    half = log(OUTBOX_BYTES // 2)
    half.log.key = half.log.key[: OUTBOX_BYTES - half.ByteSize()]
    assert half.ByteSize() == OUTBOX_BYTES // 2
    for more, taken in (("", 2), ("x", 1)):
        outbox = Outbox("job", 1, time.monotonic)
        await outbox.lossless.send(half)
        half.log.key += more
        sending = asyncio.create_task(outbox.lossless.send(half))
        await settled()
        assert sending.done() is (taken == 2)
        sending.cancel()


async def test_a_frame_larger_than_the_outbox_goes_alone() -> None:
    assert await queued_beside_a_stuck_reader(Outbox("job", 1, time.monotonic), OUTBOX_BYTES + 1) == 1


# ── beats and echoes ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_asking_waits_for_an_echo_that_allows_it_of_a_beat_sent_lately() -> None:
    now = 0.0
    pulse = Pulse(lambda: now, asyncio.Event())

    async def open_now() -> bool:
        asking = asyncio.create_task(pulse.may_ask())
        await settled()
        asking.cancel()
        return asking.done() and not asking.cancelled()

    assert not await open_now()
    assert [pulse.beat(), pulse.beat(), pulse.beat()] == [1, 2, 3]
    assert pulse.unanswered
    pulse.echo(7, True)  # never sent
    assert not await open_now()
    pulse.echo(2, False)
    assert not await open_now()
    assert pulse.unanswered  # the third
    pulse.echo(1, True)  # an older one says nothing new
    assert not await open_now()
    pulse.echo(3, True)
    assert not pulse.unanswered
    assert await open_now()
    now = SILENCE_SECONDS
    assert await open_now()
    now += 0.001
    assert not await open_now()
    assert pulse.beat() == 4
    now += SILENCE_SECONDS
    pulse.echo(4, True)  # sent just lately enough
    assert await open_now()


async def test_whoever_waits_to_ask_is_woken_by_the_echo() -> None:
    pulse = Pulse(lambda: 0.0, asyncio.Event())
    asking = asyncio.create_task(pulse.may_ask())
    for may_ask in (False, False, True):
        await settled()
        assert not asking.done()
        pulse.echo(pulse.beat(), may_ask)
    await asyncio.wait_for(asking, 1)


# ── frames out ───────────────────────────────────────────────────────────────────────────────────────────────────────


def clock() -> float:
    return asyncio.get_running_loop().time()


@virtual
async def test_frames_carry_their_run_and_are_numbered_and_an_answer_waits_for_its_own_ack() -> None:
    peer, outbox = Peer(epoch=7, ack=False), Outbox(JOB, 7, clock)
    writing = asyncio.create_task(outbox.write_all(peer.write))
    await outbox.lossless.send(log(1))
    delivering = [asyncio.create_task(outbox.lossless.deliver(log(2))) for _ in range(2)]
    outbox.latest.replace(wire.ExecuteResponse(beat=wire.Beat(beat=1)))
    await settled()
    assert [(frame.job_id, frame.epoch, frame.seq) for frame in peer.written] == [
        (JOB, 7, seq) for seq in (1, 2, 3, 4)
    ]
    assert outbox.lossless.unacked
    outbox.lossless.ack([1, 9])  # nobody waits for these
    await settled()
    assert [task.done() for task in delivering] == [False, False]
    answers = [frame.seq for frame in peer.written if len(frame.log.key) == 2]
    outbox.lossless.ack(answers[1:])
    await settled()
    assert [task.done() for task in delivering] == [False, True]
    delivering[0].cancel()
    await settled()
    assert not outbox.lossless.unacked
    outbox.lossless.ack(answers)  # too late, or twice
    writing.cancel()


@virtual
async def test_a_beat_overtakes_what_waits_and_only_the_last_one_goes() -> None:
    peer, outbox = Peer(), Outbox(JOB, 1, clock)
    await outbox.lossless.send(log(1))
    for number in (1, 2):
        outbox.latest.replace(wire.ExecuteResponse(beat=wire.Beat(beat=number)))
    outbox.close()
    await outbox.write_all(peer.write)
    assert [frame.WhichOneof("frame") for frame in peer.written] == ["beat", "log"]
    assert peer.of("beat")[0].beat == 2


@virtual
async def test_the_end_drops_the_snapshot_sends_the_last_progress_and_waits_until_all_is_written() -> None:
    peer, outbox = Peer(), Outbox(JOB, 1, clock)
    peer.reads.clear()
    outbox.latest.replace(wire.ExecuteResponse(progress=wire.Progress(current=9, total=11)))
    outbox.latest.replace_snapshot(lambda: wire.ExecuteResponse(snapshot=wire.ModelSnapshot()))
    finishing = asyncio.create_task(outbox.finish(wire.ExecuteResponse(completed=wire.Completed())))
    writing = asyncio.create_task(outbox.write_all(peer.write))
    await settled()
    assert not finishing.done()
    peer.reads.set()
    await finishing
    assert peer.kinds == ["progress", "completed"]
    outbox.close()
    await writing
    assert asyncio.get_running_loop().time() == 0


@virtual
async def test_what_is_to_be_shown_later_is_shown_when_its_time_has_come() -> None:
    peer, outbox = Peer(), Outbox(JOB, 1, clock)
    writing = asyncio.create_task(outbox.write_all(peer.write))
    for current in (1, 2):
        outbox.latest.replace(wire.ExecuteResponse(progress=wire.Progress(current=current)))
        await settled()
    outbox.latest.replace_snapshot(lambda: wire.ExecuteResponse(snapshot=wire.ModelSnapshot()))
    await settled()
    assert peer.kinds == ["progress"]
    await asyncio.sleep(60)
    assert peer.kinds == ["progress", "progress", "snapshot"]
    assert peer.at == [0, SHOWN_SECONDS, SHOWN_SECONDS]
    outbox.latest.replace_snapshot(lambda: wire.ExecuteResponse(snapshot=wire.ModelSnapshot()))
    await settled()
    assert peer.at[3:] == [60]
    writing.cancel()


@pytest.mark.parametrize("waits", ["progress", "snapshot"])
@virtual
async def test_either_alone_is_shown_when_its_time_has_come_and_no_other_frame_puts_it_off(
    waits: str,
) -> None:
    peer, outbox = Peer(), Outbox(JOB, 1, clock)
    writing = asyncio.create_task(outbox.write_all(peer.write))

    def show() -> None:
        if waits == "progress":
            outbox.latest.replace(wire.ExecuteResponse(progress=wire.Progress(current=1)))
        else:
            outbox.latest.replace_snapshot(lambda: wire.ExecuteResponse(snapshot=wire.ModelSnapshot()))

    for _ in range(2):
        show()
        await settled()
    await asyncio.sleep(60)
    await outbox.lossless.send(log(1))
    await settled()
    show()
    await settled()
    assert peer.kinds == [waits, waits, "log", waits]
    assert peer.at == [0, SHOWN_SECONDS, 60, 60]
    writing.cancel()


@virtual
async def test_a_beat_that_waits_when_all_is_over_still_goes() -> None:
    peer, outbox = Peer(), Outbox(JOB, 1, clock)
    outbox.latest.replace(wire.ExecuteResponse(beat=wire.Beat(beat=1)))
    outbox.close()
    await outbox.write_all(peer.write)
    assert len(peer.of("beat")) == 1


@virtual
async def test_an_outbox_with_nothing_to_do_sleeps() -> None:
    outbox = Outbox(JOB, 1, clock)
    writing = asyncio.create_task(outbox.write_all(Peer().write))
    outbox.latest.replace(wire.ExecuteResponse(progress=wire.Progress(current=1)))
    await asyncio.sleep(1)
    assert await steps_in(3600) < 10
    writing.cancel()


# ── one run's stream ─────────────────────────────────────────────────────────────────────────────────────────────────


def linked(peer: Peer, metrics: Metrics | None = None) -> StreamLink:
    return StreamLink(JOB, peer.epoch, clock, metrics or Metrics(), asyncio.Event())


ENTRY = Entry(key="k", value='{"answer":{}}', tokens=7, unusable=True)


@virtual
async def test_an_answer_is_stored_when_it_is_acked_and_the_wait_is_measured() -> None:
    peer, metrics = Peer(ack=False), Metrics()
    link = linked(peer, metrics)
    async with link.connected(peer.read, peer.write):
        await asyncio.sleep(1)
        storing = asyncio.create_task(link.store(ENTRY))
        await asyncio.sleep(3)
        assert not storing.done()
        (answer,) = peer.of("answer")
        assert (answer.key, answer.value, answer.tokens, answer.unusable) == ("k", ENTRY.value, 7, True)
        peer.put(ack=wire.Ack(seqs=[peer.written[-2].seq, *(frame.seq for frame in peer.written)]))
        await storing
    seen = Scrape.counted(metrics.registry)
    assert (seen.sum("ack_seconds_count"), seen.sum("ack_seconds_sum")) == (1, 3)


@virtual
async def test_beats_go_out_every_two_seconds() -> None:
    peer = Peer()
    async with linked(peer).connected(peer.read, peer.write):
        await asyncio.sleep(5)
    assert [beat.beat for beat in peer.of("beat")] == [1, 2, 3]
    assert peer.at == [0, BEAT_SECONDS, 2 * BEAT_SECONDS]


@virtual
async def test_what_is_recalled_is_there_after_the_last_of_it() -> None:
    peer = Peer()
    link = linked(peer)
    recalled = wire.JournalEntry(key="k", value=ENTRY.value, tokens=7, unusable=True, borrowed=True)
    async with link.connected(peer.read, peer.write):
        all_of_it = asyncio.create_task(link.recalled())
        peer.put(recall=wire.Recall(entries=[recalled]))
        await settled()
        assert not all_of_it.done()
        peer.put(recall=wire.Recall(entries=[recalled], last=True))
        assert await all_of_it == [replace(ENTRY, borrowed=True)] * 2


@pytest.mark.parametrize("other", [{"job_id": "another"}, {"epoch": 2}])
@virtual
async def test_frames_of_another_run_are_not_taken(other: dict[str, Any]) -> None:
    peer = Peer()
    link = linked(peer)
    async with link.connected(peer.read, peer.write):
        mine = vars(peer).copy()
        vars(peer).update(other)
        peer.put(cancel=wire.Cancel())
        peer.put(recall=wire.Recall(last=True))
        vars(peer).update({name: mine[name] for name in other})
        await settled()
        assert not asyncio.create_task(link.recalled()).done()
        await asyncio.sleep(1)  # nor has it been cancelled


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (wire.Cancel(reason="removed"), "^removed$"),
        (wire.Cancel(), "^cancelled$"),
        (grpc.aio.EOF, "closed the stream"),
        (grpc.aio.InternalError(), "lost"),
        (grpc.aio.UsageError(), "lost"),
        (asyncio.CancelledError(), "lost"),
    ],
)
@virtual
async def test_a_run_ends_when_the_other_side_stops_it_or_is_gone(how: Any, words: str) -> None:
    peer = Peer()
    if isinstance(how, wire.Cancel):
        peer.put(cancel=how)
    else:
        peer.end(how)
    with pytest.raises(Cancelled, match=words):
        await watched(linked(peer), peer.read, peer.write)
    assert clock() == 0


@virtual
async def test_a_run_that_is_cancelled_here_is_no_lost_stream_and_leaves_at_once() -> None:
    peer = Peer(ack=False, echo=False)
    link = linked(peer)
    running = asyncio.create_task(watched(link, peer.read, peer.write))
    await settled()
    storing = asyncio.create_task(link.store(ENTRY))
    await settled()
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert clock() == 0
    storing.cancel()


@pytest.mark.parametrize(
    ("ack", "echo", "seconds"), [(True, True, 0), (False, True, FLUSH_SECONDS), (True, False, FLUSH_SECONDS)]
)
@virtual
async def test_leaving_waits_for_acks_and_echoes_and_for_a_second_at_most(
    ack: bool, echo: bool, seconds: float
) -> None:
    peer = Peer(ack=ack, echo=echo)
    link = linked(peer)
    async with link.connected(peer.read, peer.write):
        storing = asyncio.create_task(link.store(ENTRY))
        await asyncio.sleep(0)
        await link.outbox.lossless.send(log(1))
    assert clock() == seconds
    assert sorted(peer.kinds) == ["answer", "log"]
    assert storing.done() is ack
    storing.cancel()


@virtual
async def test_what_is_queued_when_a_run_leaves_still_goes_out() -> None:
    peer = Peer()
    link = linked(peer)
    async with link.connected(peer.read, peer.write):
        await settled()
        peer.reads.clear()
        await link.outbox.lossless.send(log(1))
        asyncio.get_running_loop().call_later(FLUSH_SECONDS / 2, peer.reads.set)
    assert peer.kinds == ["log"]


@virtual
async def test_a_run_that_leaves_beats_no_more() -> None:
    peer = Peer(ack=False)
    link = linked(peer)
    async with link.connected(peer.read, peer.write):
        storing = asyncio.create_task(link.store(ENTRY))
        await asyncio.sleep(BEAT_SECONDS - FLUSH_SECONDS / 2)
    assert clock() > BEAT_SECONDS
    assert len(peer.of("beat")) == 1
    storing.cancel()


@virtual
async def test_a_run_asks_when_its_stream_allows_it() -> None:
    peer = Peer(may_ask=False)
    link = linked(peer)
    async with link.connected(peer.read, peer.write):
        asking = asyncio.create_task(link.may_ask())
        await asyncio.sleep(1)
        assert not asking.done()
        peer.may_ask = True
        await asyncio.sleep(BEAT_SECONDS)
        assert asking.done()


@virtual
async def test_an_ack_that_comes_while_the_run_leaves_is_taken() -> None:
    peer = Peer(ack=False)
    link = linked(peer)

    async def late() -> None:
        await asyncio.sleep(FLUSH_SECONDS / 2)
        peer.put(ack=wire.Ack(seqs=[frame.seq for frame in peer.written]))

    async with link.connected(peer.read, peer.write):
        storing = asyncio.create_task(link.store(ENTRY))
        await settled()
        acking = asyncio.create_task(late())
    await settled()
    assert storing.done()
    assert clock() == FLUSH_SECONDS / 2
    await acking


@virtual
async def test_leaving_ends_early_when_the_other_side_has_gone() -> None:
    peer = Peer(ack=False)
    link = linked(peer)
    async with link.connected(peer.read, peer.write):
        storing = asyncio.create_task(link.store(ENTRY))
        await settled()
        peer.end()
    assert clock() == 0
    storing.cancel()


@virtual
async def test_a_stuck_reader_does_not_keep_a_run_that_leaves() -> None:
    peer = Peer()
    peer.reads.clear()
    before = asyncio.all_tasks()
    async with linked(peer).connected(peer.read, peer.write):
        await settled()
    assert clock() == FLUSH_SECONDS
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("last", ["recall", "end", "nothing"])
@virtual
async def test_a_refused_client_is_read_off_until_it_waits_or_for_a_second(last: str) -> None:
    peer = Peer()
    peer.put(recall=wire.Recall())
    peer.put(ack=wire.Ack())
    if last == "recall":
        peer.put(recall=wire.Recall(last=True))
        peer.put(cancel=wire.Cancel())
    if last == "end":
        peer.end()
    await read_off(peer.read)
    assert clock() == (FLUSH_SECONDS if last == "nothing" else 0)
    if last == "recall":
        assert (await peer.read()).WhichOneof("frame") == "cancel"


async def test_a_client_that_is_lost_while_it_is_read_off_has_cancelled() -> None:
    peer = Peer()
    peer.end(grpc.aio.UsageError())
    with pytest.raises(Cancelled):
        await read_off(peer.read)


async def test_the_work_that_ends_well_ends_its_watchers() -> None:
    ended = asyncio.Event()

    async def watching() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    await asyncio.wait_for(until_done(asyncio.sleep(0), watching(), job="j-1"), 1)
    assert ended.is_set()
