"""Traces for LangSmith, received by a server of our own: each run carries job, step and unit; a drain sends the last ones;
a LangSmith that is not there costs a job nothing and does not hold up the end."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
import zstandard
from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import job_pb2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.executor.test_service_process import JOB, Process, started
from workbench.collector import collecting
from workbench.openai_server import listening

pytestmark = pytest.mark.heavy

TEXT = (Path(__file__).resolve().parents[2] / "examples" / "library.en.md").read_text()  # several contexts
STEPS = {"outline", "draft", "behaviour", "policies", "scenarios", "screens"}


class LangSmith:
    """Takes in what a tracing client sends."""

    def __init__(self) -> None:
        self.traced: dict[str, dict[str, Any]] = {}

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/info", self._info),
                Route("/{path:path}", self._taken, methods=["POST", "PATCH"]),
            ]
        )

    async def _info(self, _: Request) -> Response:
        return JSONResponse(
            {
                "version": "0.13.0",
                "instance_flags": {"zstd_compression_enabled": True},
                "batch_ingest_config": {
                    "use_multipart_endpoint": True,
                    "scale_up_qsize_trigger": 1000,
                    "scale_up_nthreads_limit": 16,
                    "scale_down_nempty_trigger": 4,
                    "size_limit": 100,
                    "size_limit_bytes": 20_971_520,
                },
            }
        )

    async def _taken(self, request: Request) -> Response:
        body = await request.body()
        if request.headers.get("content-encoding") == "zstd":
            body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
        kind = request.headers["content-type"]
        if kind.startswith("multipart/"):
            self._take_parts(BytesParser().parsebytes(f"content-type: {kind}\r\n\r\n".encode() + body))
        else:
            batch = json.loads(body)
            for run in [*batch.get("post", ()), *batch.get("patch", ())]:
                self.traced.setdefault(run["id"], {}).update(run)
        return JSONResponse({}, status_code=202)

    def _take_parts(self, message: Message) -> None:
        for part in message.get_payload():  # type: ignore[union-attr]
            name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
            _, run, *member = str(name).split(".")
            value = json.loads(part.get_payload(decode=True))  # type: ignore[union-attr,arg-type]
            self.traced.setdefault(run, {}).update({member[0]: value} if member else value)

    @property
    def questions(self) -> list[dict[str, Any]]:
        """Metadata of the calls of language models."""
        return [run["extra"]["metadata"] for run in self.traced.values() if run.get("run_type") == "llm"]


def tracing(endpoint: str) -> dict[str, str]:
    return {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": endpoint,
        "LANGSMITH_API_KEY": "lsv2-hush",
        "LANGSMITH_PROJECT": "eventstorming",
        "SHUTDOWN_GRACE_SECONDS": "10",
    }


async def generated(process: Process) -> float:
    """Seconds of one whole job."""
    request = wire.GenerateRequest(input=job_pb2.JobInput(job_id=JOB, requirements=TEXT))
    began = time.monotonic()
    *_, last = [event async for event in process.stub.Generate(request)]
    assert last.WhichOneof("event") == "completed"
    return time.monotonic() - began


async def drained(process: Process) -> float:
    """Seconds from SIGTERM to the end."""
    began = time.monotonic()
    process.process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.process.wait(), 60) == 0
    return time.monotonic() - began


async def test_runs_carry_job_step_and_unit_and_are_sent_by_the_end() -> None:
    langsmith = LangSmith()
    async with (
        listening(langsmith.application(), 0) as port,
        started(**tracing(f"http://127.0.0.1:{port}")) as process,
    ):
        await generated(process)
        await drained(process)
        lines = await process.log()
    questions = langsmith.questions
    assert {question["step"] for question in questions} >= STEPS
    assert {question["job"] for question in questions} == {JOB}
    assert {question["unit"] for question in questions} >= {"outline 1", "draft 1.1", "behaviour 1.1"}
    assert all(run.get("end_time") for run in langsmith.traced.values()), "a run was cut off"
    assert "hush" not in json.dumps(lines)


async def test_a_call_that_is_traced_elsewhere_too_names_its_run_there() -> None:
    langsmith = LangSmith()
    with collecting() as collector:
        async with listening(langsmith.application(), 0) as port:
            both = {**tracing(f"http://127.0.0.1:{port}"), "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
            async with started(**both) as process:
                await generated(process)
                await drained(process)
    calls = [span for span in collector.spans if span.name == "chat rules"]
    runs = {run_id for run_id, run in langsmith.traced.items() if run.get("run_type") == "llm"}
    assert {call.attributes["langsmith.run.id"] for call in calls} == runs
    assert len(runs) == len(calls) > 5


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("there", ["nobody", "silence"])
async def test_without_langsmith_a_job_is_done_and_the_process_ends_in_time(there: str) -> None:
    async with silent() as port:
        endpoint = "http://127.0.0.1:9" if there == "nobody" else f"http://127.0.0.1:{port}"
        async with started(**tracing(endpoint)) as process:
            await asyncio.wait_for(generated(process), 60)
            assert await drained(process) < 10 + 5, "the grace, and what a loaded machine adds"
            lines = await process.log()
    assert not [line for line in lines if line.get("severity") == "ERROR"]
