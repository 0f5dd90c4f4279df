"""python -m workbench.webhooks [TASKS]: tasks by A2A whose webhooks fail half the time. Prints what arrived, and what it cost the poller.

The same number of jobs by JobService, without A2A, in the same run, one after the other with each task: how long until a job is
taken up is compared with that.
"""

from __future__ import annotations

import asyncio
import random
import socket
import statistics
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import httpx
from a2a.client import Client, ClientConfig, create_client
from a2a.types import Message, Part, Role, SendMessageRequest, TaskPushNotificationConfig
from eventstorming.v1 import job_pb2, job_pb2_grpc

from devkit.programs import Program, Programs

TASKS, PATIENT_SECONDS, SEED = 200, 900.0, 23
TEXT = "# Loans\nA member borrows a book.\nWhen a book is returned, the next reader is notified.\n"
FREE = {"GRPC_PORT": "0", "HTTP_PORT": "0", "ADMIN_PORT": "0"}


class Stand:
    """Database, executor and poller of one kind."""

    def __init__(self, programs: Programs, name: str, **poller: str) -> None:
        rtdb = programs.start(f"rtdb-{name}", "poller.rtdb.emulator", "--port", "0")
        executor = programs.start(f"executor-{name}", "executor", AI_MODEL="offline:rules", **FREE)
        settings = {
            "FIREBASE_DATABASE_EMULATOR_HOST": f"127.0.0.1:{rtdb.ports()['rtdb']}",
            "EXECUTOR_TARGET": f"127.0.0.1:{executor.ports()['grpc']}",
            **poller,
        }
        self.poller: Program = programs.start(f"poller-{name}", "poller", **FREE, **settings)
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{self.poller.ports()['grpc']}")
        self.jobs: Any = job_pb2_grpc.JobServiceStub(channel)

    def memory(self) -> float:
        """MiB that the poller holds."""
        lines = Path(f"/proc/{self.poller.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    async def pickup(self, job_id: str) -> float:
        """Milliseconds from its creation to its start, by the database's clock, once it has ended."""
        async for response in self.jobs.WatchJob(job_pb2.WatchJobRequest(job_id=job_id)):
            job = response.job
        return float(job.started_at.ToMilliseconds() - job.created_at.ToMilliseconds())


class Failing:
    """A receiver that answers every other POST of an end, by chance, with 500."""

    def __init__(self) -> None:
        self.chance = random.Random(SEED)
        self.ends: Counter[str] = Counter()
        self.acknowledged: Counter[str] = Counter()
        self.ids: dict[str, set[str]] = {}
        self.news = asyncio.Event()

    async def told_of(self, tasks: int) -> None:
        """Returns when it has acknowledged the ends of so many."""
        while len(+self.acknowledged) < tasks:
            self.news.clear()
            await self.news.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await reader.readexactly(int(fields["content-length"]))
        status = 204
        if b'"TASK_STATE_COMPLETED"' in body:
            job_id = fields["webhook-id"].partition(".")[0]
            self.ends[job_id] += 1
            self.ids.setdefault(job_id, set()).add(fields["webhook-id"])
            status = 500 if self.chance.random() < 0.5 else 204
            self.acknowledged[job_id] += status == 204
            self.news.set()
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()


@asynccontextmanager
async def failing() -> AsyncIterator[tuple[Failing, str]]:
    there = Failing()
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    async with server:
        yield there, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def run(tasks: int) -> int:
    with tempfile.TemporaryDirectory() as folder, Programs(Path(folder)) as programs:
        port = _free_port()
        plain = Stand(programs, "plain")
        agents = Stand(programs, "a2a", A2A_PORT=str(port), A2A_PUSH_ALLOWED="127.0.0.1")
        async with failing() as (there, url), httpx.AsyncClient(trust_env=False, timeout=120) as http:
            config = ClientConfig(httpx_client=http, streaming=False, polling=True)
            client = await create_client(f"http://127.0.0.1:{port}", config)
            pickups: dict[str, list[float]] = {"plain": [], "a2a": []}
            memory, plain_memory = [], 0.0
            for number in range(tasks):
                pickups["plain"].append(await _plain(plain))
                pickups["a2a"].append(await agents.pickup(await _task(client, url)))
                if number % max(1, tasks // 10) == 0:
                    memory.append(agents.memory())
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENT_SECONDS):
                    await there.told_of(tasks)
            memory.append(agents.memory())
            plain_memory = plain.memory()
    print(f"memory of the poller without A2A: {plain_memory:.0f} MiB")
    return _told(tasks, there, pickups, memory)


async def _plain(stand: Stand) -> float:
    given = job_pb2.JobInput(requirements=TEXT)
    job = (await stand.jobs.SubmitJob(job_pb2.SubmitJobRequest(input=given))).job
    return await stand.pickup(job.job_id)


async def _task(client: Client, url: str) -> str:
    message = Message(message_id=str(uuid.uuid4()), role=Role.ROLE_USER, parts=[Part(text=TEXT)])
    request = SendMessageRequest(message=message)
    webhook = TaskPushNotificationConfig(url=url, token="t0ken")
    request.configuration.task_push_notification_config.CopyFrom(webhook)
    async for event in client.send_message(request):
        return str(event.task.id)
    raise RuntimeError("no task came")


def _told(tasks: int, there: Failing, pickups: dict[str, list[float]], memory: list[float]) -> int:
    middle = {kind: statistics.median(found) for kind, found in pickups.items()}
    twice = sum(count > 1 for count in there.acknowledged.values())
    several = sum(len(ids) > 1 for ids in there.ids.values())
    print(f"tasks {tasks}, told of and acknowledged {len(+there.acknowledged)}, acknowledged twice {twice}")
    print(f"attempts {sum(there.ends.values())}, tasks whose attempts had more than one id {several}")
    print(
        f"pickup p50 {middle['a2a']:.0f} ms, without A2A {middle['plain']:.0f} ms: × {middle['a2a'] / middle['plain']:.2f}"
    )
    print("memory of the poller, MiB:", *(f"{each:.0f}" for each in memory))
    return 0 if len(+there.acknowledged) == tasks and not twice and not several else 1


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


if __name__ == "__main__":
    sys.exit(asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else TASKS)))
