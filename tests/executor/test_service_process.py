"""`python -m executor` as a process: ports, health, a whole job on the embedded language model, drain."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import pytest
from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import executor_pb2_grpc, job_pb2

from process.server import OPTIONS
from tests.executor.service_client import Stream
from workbench.openai_server import Behaviour, Fault, embedded, running

pytestmark = pytest.mark.heavy

TEXT = """Library
A member borrows a book for two weeks. A borrowed book cannot be borrowed by another member.
A member returns a book. When a book is returned late, a fee is charged to the member.
The librarian registers a book and sees the list of overdue loans."""
JOB = "22222222-2222-3333-4444-555555555555"


@dataclass(slots=True, kw_only=True)
class Process:
    process: asyncio.subprocess.Process
    ports: dict[str, int]
    stub: Any

    def url(self, port: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[port]}{path}"

    async def log(self) -> list[dict[str, Any]]:
        """The rest of the log, after the process has ended."""
        assert self.process.stderr
        return [json.loads(line) for line in (await self.process.stderr.read()).splitlines()]


async def _spawn(**settings: str) -> asyncio.subprocess.Process:
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    environment = {
        "GRPC_PORT": "0",
        "HTTP_PORT": "0",
        "ADMIN_PORT": "0",
        "AI_MODEL": "offline:rules",
        **settings,
    }
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "executor")
    return await asyncio.create_subprocess_exec(
        *command, stdout=pipe, stderr=pipe, env={**inherited, **environment}
    )


@asynccontextmanager
async def started(**settings: str) -> AsyncIterator[Process]:
    process = await _spawn(**settings)
    assert process.stdout
    try:
        ready = json.loads(await process.stdout.readline())
        assert ready["message"] == "executor ready"
        ports = {name: ready[name] for name in ("grpc", "http", "admin")}
        async with grpc.aio.insecure_channel(f"127.0.0.1:{ports['grpc']}", options=OPTIONS) as channel:
            yield Process(process=process, ports=ports, stub=executor_pb2_grpc.ExecutorServiceStub(channel))
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _begin(process: Process) -> Stream:
    stream = Stream(call=process.stub.Execute(), epoch=1, job_id=JOB)
    await stream.send(start=wire.Start(input=job_pb2.JobInput(job_id=JOB, requirements=TEXT)))
    await stream.send(recall=wire.Recall(last=True))
    return stream


async def test_a_whole_job_on_the_embedded_language_model() -> None:
    async with started() as process:
        assert (await process.stub.Check(wire.CheckRequest())).ok
        stream = await _begin(process)
        frames = await stream.rest()
        request = wire.GenerateRequest(input=job_pb2.JobInput(job_id=JOB, requirements=TEXT))
        direct = [event async for event in process.stub.Generate(request)]
    assert frames[-1].WhichOneof("frame") == "completed"
    assert frames[-1].completed.model.bounded_contexts
    assert direct[-1].completed.model == frames[-1].completed.model
    assert stream.of("progress")[-1].current == stream.of("progress")[-1].total == 11


async def test_health_over_http() -> None:
    async with started() as process, httpx.AsyncClient() as http:
        ok = await http.get(process.url("http", "/ok"))
        answers = [await http.get(process.url("admin", path)) for path in ("/livez", "/readyz")]
        private = await http.get(process.url("http", "/readyz"))
    assert ok.status_code == 200
    assert ok.content.decode() == (
        '{"status":"ok","message":"EventStorming Generator 서버가 정상 작동 중입니다."}'
    )
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, "ok"), (200, "ok")]
    assert private.status_code == 404


async def test_sigterm_brings_home_what_is_asked_exits_zero_and_logs_no_payload_nor_key() -> None:
    async with (
        running(Behaviour(script=embedded(), p50=1.0, p95=1.5)) as (provider, url),
        started(AI_MODEL="openai:test-model", OPENAI_BASE_URL=url, OPENAI_API_KEY="sk-hush") as process,
    ):
        stream = await _begin(process)
        reading = asyncio.create_task(stream.error())
        await asyncio.wait_for(provider.arrived.wait(), 30)
        process.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(reading, 30) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
        assert await asyncio.wait_for(process.process.wait(), 30) == 0
        lines = await process.log()
    assert (len(stream.of("answer")), provider.answered, provider.gone) == (1, 1, 0)
    assert [line["message"] for line in (lines[0], lines[-1])] == ["executor.ready", "executor.stopped"]
    assert all({"severity", "message", "time"} <= set(line) for line in lines)
    assert "hush" not in json.dumps(lines)
    assert "librarian" not in json.dumps(lines)


async def test_what_is_not_answered_within_the_grace_is_broken_off_and_said() -> None:
    async with running(Behaviour(script=lambda _: Fault(kind="timeout"))) as (provider, url):
        async with started(
            AI_MODEL="openai:test-model",
            OPENAI_BASE_URL=url,
            OPENAI_API_KEY="none",
            SHUTDOWN_GRACE_SECONDS="2",
        ) as process:
            stream = await _begin(process)
            reading = asyncio.create_task(stream.error())
            await asyncio.wait_for(provider.arrived.wait(), 30)
            process.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(reading, 30) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
            assert await asyncio.wait_for(process.process.wait(), 30) == 0
            lines = await process.log()
        await asyncio.wait_for(provider.left.wait(), 30)
    assert [line["runs"] for line in lines if line["message"] == "executor.broken_off"] == [1]


async def test_wrong_settings_stop_the_start_with_one_message() -> None:
    process = await _spawn(AI_MODEL="bogus:x", GRPC_PORT="x")
    out, error = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert out == b""
    assert b"AI_MODEL: unknown provider" in error
    assert b"GRPC_PORT: " in error
    assert b"Traceback" not in error
