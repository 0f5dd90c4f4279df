"""Executor pods in virtual time, over channels without a network: what counts as free, when a pod is lost, when it is let go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventstorming.v1 import executor_pb2
from structlog.testing import capture_logs

from poller import executors as executors_module
from poller.executors import Access, GrpcExecutors, GrpcPlacement
from poller.ports import ExecutorGone, HandedBack
from tests.certificates import Authority
from tests.executor.service_client import fruits, served
from tests.fake_channel import FakeAccess, FakeCall, FakeChannel, no_frames
from tests.fakes import eventually, settle
from tests.poller.test_executors import failed
from tests.virtual import steps_in, virtual

ADDRESS = "10.0.0.1:50051"
OTHER = "10.0.0.2:50051"


class Cluster:
    """Names that resolve as the test says, and the pods behind them."""

    def __init__(self, *addresses: str, targets: tuple[str, ...] = ("executors:50051",)) -> None:
        self.addresses = list(addresses)
        self.asked: list[tuple[str, int]] = []
        self.fault: Exception | None = None
        self.unknown: set[str] = set()
        self.hangs = False
        self.access = FakeAccess()
        access: Any = self.access
        self.found = GrpcExecutors(
            targets, poller_id="poller-a", access=access, resolve=self.resolve, chance=lambda: 0.25
        )

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        if self.hangs:
            await asyncio.Event().wait()
        if self.fault:
            raise self.fault
        if host in self.unknown:
            raise OSError("no such host")
        return list(self.addresses)

    def pod(self, address: str = ADDRESS) -> FakeChannel:
        return self.access.channels[address]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[GrpcExecutors]:
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self.found.run())
            await settle()
            yield self.found
            work.cancel()

    async def beat(self, free: int, address: str = ADDRESS, **state: Any) -> None:
        self.pod(address).beat(free, **state)
        await settle()

    def place(self) -> GrpcPlacement:
        slot = self.found.place()
        assert slot is not None
        return slot


async def begin(slot: GrpcPlacement, pod: FakeChannel, run: int) -> tuple[Any, FakeCall]:
    """The run is accepted as the `run`-th of its pod."""
    stream = slot.execute(no_frames())
    accepted = executor_pb2.ExecuteResponse(accepted=executor_pb2.Accepted(run=run))
    frame = asyncio.create_task(anext(stream))
    await settle()
    pod.executed[-1].put(accepted)
    assert await frame == accepted
    return stream, pod.executed[-1]


# ── which slots are free ─────────────────────────────────────────────────────────────────────────────────────────


@virtual
async def test_a_slot_is_taken_from_the_placing_until_a_beat_that_knows_its_run_says_it_is_free() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(2, runs_begun=7)
        slot = cluster.place()
        assert found.free_slots == 1
        stream, _ = await begin(slot, cluster.pod(), run=8)
        assert found.free_slots == 1
        await stream.aclose()
        slot.release()
        await cluster.beat(2, runs_begun=7)
        assert found.free_slots == 1
        await cluster.beat(1, runs_begun=8)
        assert found.free_slots == 1
        await cluster.beat(2, runs_begun=8)
        assert found.free_slots == 2


@virtual
async def test_a_run_that_a_beat_told_of_before_its_acceptance_came_counts_once_from_then_on() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(2, total=2, runs_begun=0)
        slot = cluster.place()
        await cluster.beat(1, total=2, runs_begun=1)
        assert found.free_slots == 0
        news = asyncio.create_task(found.changed())
        await settle()
        await begin(slot, cluster.pod(), run=1)
        await settle()
        assert found.free_slots == 1
        assert news.done()


@virtual
async def test_an_acceptance_that_frees_nothing_is_no_news() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(1, total=1)
        slot = cluster.place()
        news = asyncio.create_task(found.changed())
        await settle()
        stream, call = await begin(slot, cluster.pod(), run=1)
        call.put(executor_pb2.ExecuteResponse(beat=executor_pb2.Beat(beat=1)))
        await anext(stream)
        await settle()
        assert not news.done()
        assert found.free_slots == 0
        await cluster.beat(0, total=2, runs_begun=1)
        assert found.free_slots == 0
        assert news.done()


@virtual
async def test_what_we_hold_is_taken_whatever_a_beat_says() -> None:
    """An executor of an earlier version does not number its runs."""
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(4)
        slots = [cluster.place() for _ in range(3)]
        for slot in slots:
            await begin(slot, cluster.pod(), run=0)
        assert found.free_slots == 1
        slots[0].release()
        slots[0].release()
        assert found.free_slots == 2


@virtual
async def test_a_placement_given_back_unused_is_free_at_once_and_that_is_news() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(1)
        slot = cluster.place()
        assert found.place() is None
        news = asyncio.create_task(found.changed())
        await settle()
        slot.release()
        await settle()
        assert news.done()
        assert found.free_slots == 1
        slot.release()
        assert found.free_slots == 1


@virtual
async def test_a_call_broken_off_before_its_answer_keeps_its_slot_until_beats_know_what_came_of_it() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(1, total=1)
        slot = cluster.place()
        frame = asyncio.ensure_future(anext(slot.execute(no_frames())))
        await settle()
        frame.cancel()
        await settle()
        slot.release()
        await cluster.beat(1, total=1)
        assert found.place() is None
        news = asyncio.create_task(found.changed())
        await asyncio.sleep(2.1)
        assert news.done()
        assert found.free_slots == 1


@virtual
async def test_a_beat_of_more_taken_than_there_are_is_no_debt() -> None:
    cluster = Cluster(ADDRESS, OTHER)
    async with cluster.running() as found:
        await cluster.beat(1, name="one")
        await cluster.beat(2, OTHER, name="two")
        slot = cluster.place()
        assert slot.instance_id == "two"
        await cluster.beat(0, OTHER, name="two")
        assert found.free_slots == 1


@virtual
async def test_a_draining_pod_has_no_slots() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(4, draining=True)
        assert (found.free_slots, found.total_slots, found.count) == (0, 0, 1)
        assert found.problem() == f"no executor is ready ({ADDRESS}: draining)"
        await cluster.beat(4)
        assert (found.free_slots, found.total_slots, found.problem()) == (4, 4, "")


@virtual
async def test_one_process_on_two_addresses_is_one_under_the_name_that_still_shows_it() -> None:
    cluster = Cluster(ADDRESS, OTHER)
    async with cluster.running() as found:
        await cluster.beat(4)
        await cluster.beat(4, OTHER)
        assert (found.total_slots, found.count) == (4, 1)
        slots = [cluster.place()]
        await cluster.beat(4)
        cluster.addresses = [OTHER]
        await asyncio.sleep(5.1)
        assert found.free_slots == 4
        slots.append(cluster.place())
        for slot in slots:
            slot.release()


@virtual
async def test_a_pod_that_refused_gets_nothing_before_its_next_sign_of_life() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(2)
        slot = cluster.place()
        stream = slot.execute(no_frames())
        frame = asyncio.create_task(anext(stream))
        await settle()
        (call,) = cluster.pod().executed
        call.put(failed(grpc.StatusCode.RESOURCE_EXHAUSTED, "NO_FREE_SLOT"))
        with pytest.raises(HandedBack):
            await frame
        assert call.cancelled
        slot.release()
        assert found.place() is None
        await cluster.beat(2)
        assert found.free_slots == 2


@pytest.mark.parametrize(("begun", "meaning"), [(False, HandedBack), (True, ExecutorGone)])
@virtual
async def test_a_pod_whose_stream_broke_gets_nothing_before_its_next_sign_of_life(
    begun: bool, meaning: type[Exception]
) -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(4)
        slot = cluster.place()
        if begun:
            stream, call = await begin(slot, cluster.pod(), run=1)
            frame = asyncio.create_task(anext(stream))
        else:
            frame = asyncio.create_task(anext(slot.execute(no_frames())))
            await settle()
            (call,) = cluster.pod().executed
        call.put(failed(grpc.StatusCode.UNAVAILABLE))
        with pytest.raises(meaning):
            await frame
        assert found.free_slots == 0


@virtual
async def test_a_run_that_fails_by_itself_leaves_its_pod_in_the_choice() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(4)
        stream, call = await begin(cluster.place(), cluster.pod(), run=0)
        call.put(failed(grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_USABLE"))
        with pytest.raises(Exception, match="a sentence"):
            await anext(stream)
        assert found.free_slots == 3


@virtual
async def test_a_run_carries_our_token_and_its_frames() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running():
        await cluster.beat(4)
        frames = no_frames()
        stream = cluster.place().execute(frames)
        reading = asyncio.create_task(anext(stream, None))
        await settle()
        (call,) = cluster.pod().executed
        assert (call.request, call.metadata) == (frames, FakeAccess.metadata)
        call.put(grpc.aio.EOF)
        assert await reading is None
        assert call.cancelled


# ── when a pod is lost ───────────────────────────────────────────────────────────────────────────────────────────


@virtual
async def test_a_pod_is_told_who_attaches() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running():
        (call,) = cluster.pod().attached
        assert call.request == executor_pb2.AttachRequest(poller_id="poller-a")
        assert call.metadata == FakeAccess.metadata
        assert cluster.pod().host == "executors"


@virtual
async def test_a_pod_without_a_beat_for_fifteen_seconds_is_lost_and_asked_again() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(4)
        await asyncio.sleep(14.9)
        assert found.free_slots == 4
        news = asyncio.create_task(found.changed())
        await asyncio.sleep(0.2)
        assert news.done()
        assert (found.free_slots, found.count) == (0, 0)
        assert found.problem() == f"no executor is ready ({ADDRESS}: no beat for 15 s)"
        assert cluster.pod().attached[0].cancelled
        await asyncio.sleep(0.25)
        assert len(cluster.pod().attached) == 1
        await asyncio.sleep(0.05)
        assert len(cluster.pod().attached) == 2
        await cluster.beat(4)
        assert found.free_slots == 4


@pytest.mark.parametrize(
    ("end", "trouble"),
    [
        (grpc.aio.EOF, "it ended the stream"),
        (failed(grpc.StatusCode.UNAVAILABLE), "UNAVAILABLE: a sentence"),
    ],
)
@virtual
async def test_a_pod_that_ends_its_stream_is_lost_and_asked_again(end: Any, trouble: str) -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        with capture_logs() as logs:
            for _ in range(3):
                await cluster.beat(4)
            cluster.pod().attached[-1].put(end)
            await settle()
            assert [line["event"] for line in logs] == ["executor.attached", "executor.detached"]
            await asyncio.sleep(0.6)
            cluster.pod().attached[-1].put(end)
            await settle()
        assert found.problem() == f"no executor is ready ({ADDRESS}: {trouble})"
        assert len(logs) == 2
        await asyncio.sleep(0.6)
        await cluster.beat(4)
        assert (found.free_slots, found.problem()) == (4, "")


@virtual
async def test_runs_of_a_process_that_is_gone_do_not_count_against_the_next_one() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(4, runs_begun=50)
        slot = cluster.place()
        stream, _ = await begin(slot, cluster.pod(), run=51)
        cluster.pod().attached[-1].put(grpc.aio.EOF)
        await stream.aclose()
        slot.release()
        await asyncio.sleep(0.6)
        await cluster.beat(4, name="next", runs_begun=0)
        assert found.free_slots == 4


@virtual
async def test_a_run_accepted_while_its_pod_is_silent_counts_until_a_beat_knows_it() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(4, runs_begun=5)
        slot = cluster.place()
        cluster.pod().attached[-1].put(grpc.aio.EOF)
        await settle()
        stream, _ = await begin(slot, cluster.pod(), run=6)
        await stream.aclose()
        slot.release()
        await asyncio.sleep(0.6)
        await cluster.beat(4, runs_begun=5)
        assert found.free_slots == 3


@virtual
async def test_pods_that_never_answered_say_so() -> None:
    cluster = Cluster(ADDRESS, OTHER)
    async with cluster.running() as found:
        pods = f"{ADDRESS}: not reached yet; {OTHER}: not reached yet"
        assert found.problem() == f"no executor is ready ({pods})"
        assert found.place() is None


@virtual
async def test_attached_pods_and_names_cost_no_turns() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running():

        async def beats() -> None:
            while True:
                await cluster.beat(4)
                await asyncio.sleep(5)

        beating = asyncio.create_task(beats())
        assert await steps_in(600) < 600 * 12
        beating.cancel()


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────


@virtual
async def test_names_are_resolved_every_five_seconds_and_each_address_gets_one_channel() -> None:
    cluster = Cluster(ADDRESS, targets=("executors:50051", "[::1]:50052"))
    async with cluster.running():
        assert cluster.asked == [("executors", 50051), ("::1", 50052)]
        channel = cluster.pod()
        await asyncio.sleep(4.9)
        assert len(cluster.asked) == 2
        await asyncio.sleep(0.2)
        assert len(cluster.asked) == 4
        assert cluster.pod() is channel


@pytest.mark.parametrize("fault", [OSError("no such host"), TimeoutError("slow")])
@virtual
async def test_a_name_that_cannot_be_resolved_loses_no_pod(fault: Exception) -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(4)
        cluster.fault = fault
        await asyncio.sleep(5.1)
        assert found.free_slots == 4
        cluster.fault, cluster.addresses = None, []
        await cluster.beat(4)
        await asyncio.sleep(5.1)
        assert found.free_slots == 0


@virtual
async def test_a_name_that_cannot_be_resolved_hinders_no_other() -> None:
    cluster = Cluster(ADDRESS, targets=("executors:50051", "elsewhere:50051"))
    cluster.unknown = {"elsewhere"}
    async with cluster.running() as found:
        await cluster.beat(4)
        assert found.free_slots == 4


@pytest.mark.parametrize("hangs", [False, True])
@virtual
async def test_without_a_pod_the_reason_is_the_name(hangs: bool) -> None:
    cluster = Cluster()
    cluster.hangs, cluster.fault = hangs, OSError("no such host")
    assert cluster.found.problem() == "no executor found: names not resolved yet"
    async with cluster.running() as found:
        await asyncio.sleep(5.1)
        reason = "no answer within 5 s" if hangs else "no such host"
        assert found.problem() == (f"no executor found: executors:50051 cannot be resolved ({reason})")


@virtual
async def test_a_pod_without_a_name_is_let_go_when_its_last_run_has_ended() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(4)
        slot = cluster.place()
        cluster.addresses = []
        await asyncio.sleep(5.1)
        for _ in range(3):
            await cluster.beat(3)
            await asyncio.sleep(5)
        assert not cluster.pod().closed
        assert found.place() is None
        slot.release()
        await cluster.beat(4)
        await asyncio.sleep(1)
        assert cluster.pod().closed
        assert found.count == 0
        cluster.addresses = [ADDRESS]
        await asyncio.sleep(5)
        assert not cluster.pod().closed


# ── access ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_frozen_executor_is_noticed_and_a_large_model_and_a_long_reason_pass() -> None:
    assert dict(executors_module.OPTIONS) == {
        "grpc.keepalive_time_ms": 10_000,
        "grpc.keepalive_timeout_ms": 5_000,
        "grpc.http2.ping_timeout_ms": 5_000,
        "grpc.keepalive_permit_without_calls": 1,
        "grpc.http2.max_pings_without_data": 0,
        "grpc.max_receive_message_length": 33_554_432,
        "grpc.max_send_message_length": 33_554_432,
        "grpc.max_metadata_size": 65_536,
        "grpc.absolute_max_metadata_size": 65_536,
        "grpc.initial_reconnect_backoff_ms": 200,
        "grpc.min_reconnect_backoff_ms": 200,
        "grpc.max_reconnect_backoff_ms": 1_000,
    }


@pytest.mark.parametrize(("host", "trusted"), [("executors", True), ("elsewhere", False)])
@pytest.mark.parametrize("mutual", [False, True])
async def test_a_certificate_names_the_service_and_not_the_pod(
    tmp_path: Path, host: str, trusted: bool, mutual: bool
) -> None:
    authority = Authority(tmp_path, "authority")
    theirs, ours = authority.pair("executors"), authority.pair("poller")
    tls: dict[str, Any] = {"grpc_tls_cert": theirs.certificate, "grpc_tls_key": theirs.key}
    access = Access(tls=True, tls_ca=authority.ca)
    if mutual:
        tls["grpc_tls_ca"] = authority.ca
        access = Access(tls=True, tls_ca=authority.ca, tls_cert=ours.certificate, tls_key=ours.key)

    async def resolve(host: str, port: int) -> list[str]:
        return [f"127.0.0.1:{port}"]

    async with served(fruits("a"), slots=2, **tls) as executor, asyncio.TaskGroup() as group:
        target = f"{host}:{executor.server.port}"
        found = GrpcExecutors((target,), poller_id="poller-a", access=access, resolve=resolve)
        work = group.create_task(found.run())
        await eventually(lambda: found.free_slots == 2 if trusted else "UNAVAILABLE" in found.problem())
        assert found.free_slots == (2 if trusted else 0)
        work.cancel()


def test_a_token_travels_as_bearer() -> None:
    assert Access(token="secret").metadata == (("authorization", "Bearer secret"),)
    assert Access().metadata == ()


async def test_addresses_of_a_name_come_once_and_in_order(unused_tcp_port: int) -> None:
    port = unused_tcp_port
    assert await executors_module.resolve_name("127.0.0.1", port) == [f"127.0.0.1:{port}"]
    assert await executors_module.resolve_name("::1", port) == [f"[::1]:{port}"]


@virtual
async def test_jobs_placed_apart_never_share_a_pod() -> None:
    cluster = Cluster(ADDRESS)
    async with cluster.running() as found:
        await cluster.beat(3)
        first = found.place(apart=True)
        assert first is not None
        assert found.place(apart=True) is None
        assert found.place() is not None
        first.release()
        assert found.place(apart=True) is not None
