"""Executor pods: found, attached, placed, lost; and what a status means for a job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from eventstorming.v1 import executor_pb2
from grpc_status import rpc_status

from poller import errors
from poller.executors import GrpcExecutors, error_of
from poller.ports import ExecutorGone, HandedBack
from tests.fakes import Conversation, Refusal, eventually, scripted_executor, settle


@asynccontextmanager
async def executors(*ports: int) -> AsyncIterator[GrpcExecutors]:
    found = GrpcExecutors(tuple(f"127.0.0.1:{port}" for port in ports), poller_id="test")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(found.run())
        yield found
        running.cancel()


def failed(
    code: grpc.StatusCode,
    reason: str = "",
    *,
    retry_after: float | None = None,
    metadata: dict[str, str] | None = None,
) -> grpc.aio.AioRpcError:
    trailing = grpc.aio.Metadata()
    if reason:
        status = Refusal(code, reason, "a sentence", retry_after=retry_after, metadata=metadata).status()
        trailing = grpc.aio.Metadata(*rpc_status.to_status(status).trailing_metadata)
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details="a sentence")


@pytest.mark.parametrize(
    ("code", "reason", "meaning"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT", errors.InputRejected),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "NO_FREE_SLOT", HandedBack),
        (grpc.StatusCode.UNAVAILABLE, "DRAINING", HandedBack),
        (grpc.StatusCode.ABORTED, "OVERTAKEN", errors.LeaseLost),
        (grpc.StatusCode.UNAVAILABLE, "LLM_UNAVAILABLE", errors.Transient),
        (grpc.StatusCode.FAILED_PRECONDITION, "LLM_MISCONFIGURED", errors.Misconfigured),
        (grpc.StatusCode.FAILED_PRECONDITION, "LIMIT_REACHED", errors.LimitReached),
        (grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_USABLE", errors.Permanent),
        (grpc.StatusCode.INTERNAL, "INTERNAL", errors.Transient),
        (grpc.StatusCode.UNAVAILABLE, "", ExecutorGone),
        (grpc.StatusCode.CANCELLED, "", ExecutorGone),
        (grpc.StatusCode.INTERNAL, "", ExecutorGone),
        (grpc.StatusCode.UNKNOWN, "", errors.Transient),
        (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", HandedBack),
    ],
)
def test_what_a_status_means_for_the_job(
    code: grpc.StatusCode, reason: str, meaning: type[errors.PollerError]
) -> None:
    error = error_of(failed(code, reason))
    assert type(error) is meaning
    assert str(error) == "a sentence"


def test_the_time_to_wait_comes_along() -> None:
    error = error_of(failed(grpc.StatusCode.UNAVAILABLE, "LLM_UNAVAILABLE", retry_after=7.5))
    assert isinstance(error, errors.Transient)
    assert error.retry_after == 7.5


@pytest.mark.parametrize(("limit", "value"), [("JOB_MAX_TOKENS", "500"), ("JOB_TIMEOUT_SECONDS", "60")])
def test_which_limit_was_reached_comes_along(limit: str, value: str) -> None:
    given = {"limit": limit, "value": value}
    error = error_of(failed(grpc.StatusCode.FAILED_PRECONDITION, "LIMIT_REACHED", metadata=given))
    assert isinstance(error, errors.LimitReached)
    assert (error.limit, error.value) == (limit, value)


async def test_a_job_goes_to_the_executor_with_most_free_slots() -> None:
    async with (
        scripted_executor(slots=1, name="small") as small,
        scripted_executor(slots=3, name="large") as large,
        executors(small.port, large.port) as found,
    ):
        await eventually(lambda: found.total_slots == 4)
        names = [slot.instance_id for _ in range(4) if (slot := found.place())]
        assert found.place() is None
    assert names[:2] == ["large", "large"]
    assert sorted(names) == ["large"] * 3 + ["small"]


async def test_a_released_slot_is_free_again() -> None:
    async with scripted_executor(slots=1) as executor, executors(executor.port) as found:
        await eventually(lambda: found.free_slots == 1)
        slot = found.place()
        assert slot is not None
        assert found.free_slots == 0
        slot.release()
        slot.release()
        assert found.free_slots == 1


async def test_what_others_run_and_what_we_have_just_placed_add_up() -> None:
    async with scripted_executor(slots=4) as executor, executors(executor.port) as found:
        executor.occupy(2)
        await eventually(lambda: found.free_slots == 2)
        assert found.place()
        assert found.place()
        assert found.place() is None


async def test_one_process_behind_two_addresses_counts_once() -> None:
    async with (
        scripted_executor(slots=2) as one,
        scripted_executor(slots=2, name=one.name) as other,
        executors(one.port, other.port) as found,
    ):
        await eventually(lambda: one.attached and other.attached and found.total_slots)
        await settle()
        assert found.total_slots == 2


async def test_a_killed_executor_loses_its_slots_and_a_new_one_is_found() -> None:
    async with scripted_executor() as executor, executors(executor.port) as found:
        await eventually(lambda: found.free_slots == 4)
        await executor.kill()
        await eventually(lambda: found.free_slots == 0)
        assert "no executor is ready" in found.problem()
        await executor.start(executor.port)
        await eventually(lambda: found.free_slots == 4)
        assert found.problem() == ""


async def test_a_draining_executor_gets_no_more_jobs() -> None:
    async with scripted_executor() as executor, executors(executor.port) as found:
        await eventually(lambda: found.free_slots == 4)
        executor.draining = True
        await eventually(lambda: found.place() is None)


async def _break(before_it_begins: bool) -> tuple[errors.PollerError, bool]:
    """What a run sees when its stream breaks, and whether its pod would get the next job at once."""

    async def script(talk: Conversation) -> None:
        await asyncio.Event().wait()

    async def start() -> AsyncIterator[executor_pb2.ExecuteRequest]:
        yield executor_pb2.ExecuteRequest(start=executor_pb2.Start())
        if before_it_begins:
            await executor.kill()
        yield executor_pb2.ExecuteRequest(recall=executor_pb2.Recall(last=True))
        await asyncio.Event().wait()

    async with scripted_executor(script) as executor, executors(executor.port) as found:
        await eventually(lambda: found.free_slots)
        slot = found.place()
        assert slot is not None

        async def follow() -> None:
            async for _ in slot.execute(start()):
                await executor.kill()

        with pytest.raises(errors.PollerError) as caught:
            await follow()
        slot.release()
        return caught.value, found.place() is not None


async def test_a_run_that_never_began_is_handed_back_and_one_that_did_has_crashed() -> None:
    never, again = await _break(before_it_begins=True)
    begun, and_again = await _break(before_it_begins=False)
    assert (type(never), type(begun)) == (HandedBack, ExecutorGone)
    for failure in (never, begun):
        assert isinstance(failure.__cause__, grpc.aio.AioRpcError)
        assert str(failure) == str(error_of(failure.__cause__))
    assert not again
    assert not and_again


async def test_a_model_of_five_megabytes_arrives() -> None:
    async def large(talk: Conversation) -> None:
        await talk.say("x" * 5 * 1024 * 1024, "large")

    async def frames() -> AsyncIterator[executor_pb2.ExecuteRequest]:
        yield executor_pb2.ExecuteRequest(job_id="a", epoch=1, start=executor_pb2.Start())
        yield executor_pb2.ExecuteRequest(job_id="a", epoch=1, recall=executor_pb2.Recall(last=True))

    async with scripted_executor(large) as executor, executors(executor.port) as found:
        slot = await eventually(found.place)
        kinds = [frame.WhichOneof("frame") async for frame in slot.execute(frames())]
    assert kinds == ["accepted", "log"]


async def test_leaving_a_stream_early_cancels_the_run() -> None:
    async def stuck(talk: Conversation) -> None:
        await asyncio.Event().wait()

    async def frames() -> AsyncIterator[executor_pb2.ExecuteRequest]:
        yield executor_pb2.ExecuteRequest(job_id="a", epoch=1, start=executor_pb2.Start())
        yield executor_pb2.ExecuteRequest(job_id="a", epoch=1, recall=executor_pb2.Recall(last=True))
        await asyncio.Event().wait()

    async with scripted_executor(stuck) as executor, executors(executor.port) as found:
        await eventually(lambda: found.free_slots == 4)
        slot = found.place()
        assert slot is not None
        stream = slot.execute(frames())
        assert (await anext(stream)).WhichOneof("frame") == "accepted"
        await stream.aclose()
        await eventually(lambda: executor.cancelled == ["a"])


async def test_pods_appear_and_leave_with_the_name_and_keep_what_they_run() -> None:
    async with scripted_executor(name="one") as one, scripted_executor(name="two") as two:
        shown = [f"127.0.0.1:{one.port}"]

        async def resolve(host: str, port: int) -> list[str]:
            return list(shown)

        found = GrpcExecutors(("executors:1",), poller_id="test", resolve=resolve, resolve_seconds=0.05)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(found.run())
            slot = await eventually(found.place)
            shown[:] = [f"127.0.0.1:{two.port}"]
            other = await eventually(lambda: (slot := found.place()) and slot.instance_id == "two" and slot)
            assert slot.instance_id == "one"
            assert other.instance_id == "two"
            running.cancel()
