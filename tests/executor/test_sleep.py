"""An executor that was frozen and wakes: it may have been overtaken, and must hear that it was not before it spends again."""

from __future__ import annotations

import asyncio
import signal

import grpc
import pytest
from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import executor_pb2_grpc, job_pb2

from executor.link import SILENCE_SECONDS
from tests.executor.service_client import Stream
from tests.executor.test_service_process import JOB, TEXT, started
from tests.fakes import eventually
from workbench.openai_server import Behaviour, embedded, running

pytestmark = pytest.mark.heavy


async def test_an_executor_that_slept_asks_nothing_before_it_hears_whether_it_was_overtaken() -> None:
    async with (
        running(Behaviour(script=embedded())) as (provider, url),
        started(AI_MODEL="openai:test-model", OPENAI_BASE_URL=url, OPENAI_API_KEY="sk") as executor,
        grpc.aio.insecure_channel(f"127.0.0.1:{executor.ports['grpc']}") as channel,
    ):
        stub = executor_pb2_grpc.ExecutorServiceStub(channel)
        stream = Stream(call=stub.Execute(), epoch=1, job_id=JOB, ack=False)
        await stream.send(start=wire.Start(input=job_pb2.JobInput(job_id=JOB, requirements=TEXT)))
        await stream.send(recall=wire.Recall(last=True))
        answer = await stream.until("answer")
        executor.process.send_signal(signal.SIGSTOP)
        await stream.send(ack=wire.Ack(seqs=[answer.seq]))  # the run could go on, had nobody overtaken it
        stream.ack, stream.echo = True, False
        await asyncio.sleep(SILENCE_SECONDS + 1)
        executor.process.send_signal(signal.SIGCONT)
        reading = asyncio.create_task(stream.rest())
        beats = len(stream.of("beat"))
        await eventually(lambda: len(stream.of("beat")) > beats)
        await asyncio.sleep(1)
        assert len(provider.asks) == 1, "it spent before it heard"

        stream.echo = True
        await eventually(lambda: len(provider.asks) > 1)
        reading.cancel()
