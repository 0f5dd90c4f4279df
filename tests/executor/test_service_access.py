"""Who may call: token, TLS, health, reflection."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import grpc
import pytest
from eventstorming.v1 import executor_pb2 as wire
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from executor.server import SERVICE
from tests.executor.service_client import execute, fruits, reason_of, served


@pytest.mark.parametrize("metadata", [(), (("authorization", "Bearer wrong"),), (("authorization", "hush"),)])
async def test_without_the_token_every_kind_of_call_is_refused(metadata: Any) -> None:
    async with served(fruits("a"), grpc_token="hush", grpc_allow_plaintext_token=True) as executor:
        begun = executor.stub.Execute(metadata=metadata)
        await begun.write(wire.ExecuteRequest(job_id="j", start=wire.Start()))
        calls = [
            begun,
            executor.stub.Attach(wire.AttachRequest(), metadata=metadata),
            executor.stub.Check(wire.CheckRequest(), metadata=metadata),
        ]
        for call in calls:
            assert await call.code() == grpc.StatusCode.UNAUTHENTICATED
            assert await reason_of(call) == "UNAUTHENTICATED"


async def test_with_the_token_calls_are_answered() -> None:
    async with served(fruits("a"), grpc_token="hush", grpc_allow_plaintext_token=True) as executor:
        answer = await executor.stub.Check(wire.CheckRequest(), metadata=(("authorization", "Bearer hush"),))
    assert answer.ok


async def test_health_needs_no_token_and_says_when_it_drains() -> None:
    async with served(fruits("a"), grpc_token="hush", grpc_allow_plaintext_token=True) as executor:
        health = health_pb2_grpc.HealthStub(executor.channel)
        for name in ("", SERVICE):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        await executor.server.not_serving()
        answer = await health.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.mark.parametrize(("on", "code"), [(True, grpc.StatusCode.OK), (False, grpc.StatusCode.UNIMPLEMENTED)])
async def test_reflection_is_there_only_when_set(on: bool, code: grpc.StatusCode) -> None:
    async with served(fruits("a"), grpc_reflection=on) as executor:
        stub = reflection_pb2_grpc.ServerReflectionStub(executor.channel)
        call = stub.ServerReflectionInfo()
        with suppress(grpc.aio.AioRpcError):
            await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
            await call.done_writing()
            while await call.read() is not grpc.aio.EOF:
                pass
        assert await call.code() == code


async def test_a_large_text_fits_into_a_frame() -> None:
    async with served(fruits("a")) as executor:
        start = wire.Start()
        start.input.user_id = "x" * 8_000_000
        stream = await execute(executor, start=start)
        await stream.rest()
    assert stream.of("completed")
