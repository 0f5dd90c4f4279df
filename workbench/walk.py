"""The walk of one job through both programs, from its entry in the queue to its first question: `python -m workbench.walk`.

A room is a module. A room is entered when a function of it that the walk has not met yet is called from another room;
calls out of one room into another count as one way in, however many functions they reach; returning is no entry, nor is
what the event loop goes on with, which a room has begun.
So the number beside a room says from how many places a reader comes to it. Both programs run in this process, on the
embedded database and the offline rules; what runs beside the job (renewals, measurements) is seen as well.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import uuid
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import httpx

from devkit.rtdb.server import Emulator
from executor import settings as executor
from executor.__main__ import serve as execute
from poller import settings as poller
from poller.__main__ import serve as poll

PROGRAMS = ("poller.", "executor.", "process.")
OWNER = {"Authorization": "Bearer owner"}
NAMESPACE = "eventstorming_generator"
TEXT = "A member borrows a book.\nA librarian registers a new book."


class Walk:
    """`over` is called when the first question reaches the language model."""

    def __init__(self, over: Callable[[], None]) -> None:
        self._over = over
        self._met: set[Any] = set()
        self.ways: dict[str, dict[str, None]] = defaultdict(dict)

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or frame.f_code in self._met:
            return
        room = _room(frame)
        if room.startswith("devkit.rules"):
            sys.setprofile(None)
            self._over()
        elif room.startswith(PROGRAMS):
            self._met.add(frame.f_code)
            caller = _caller(frame)
            if caller and caller != room:
                self.ways[room][caller] = None

    def told(self) -> str:
        lines = [f"{len(ways):3} {room:32} from {', '.join(ways)}" for room, ways in self.ways.items()]
        often = sum(len(ways) > 2 for ways in self.ways.values())
        entered = sum(map(len, self.ways.values()))
        lines.append(f"{len(self.ways)} rooms, {entered} ways in; {often} rooms with more than two")
        return "\n".join(lines)


def _room(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _caller(frame: FrameType) -> str:
    """The nearest room of the programs that waits for this call; none where a task goes on."""
    above = frame.f_back
    while above is not None and not _room(above).startswith(PROGRAMS):
        above = above.f_back
    return _room(above) if above is not None else ""


async def walk() -> str:
    over = asyncio.Event()
    walked, port = Walk(over.set), _free_port()
    ports = {"http_port": 0, "admin_port": 0}
    async with Emulator() as rtdb, httpx.AsyncClient(trust_env=False, headers=OWNER) as user:
        target = f"127.0.0.1:{port}"
        place = {"firebase_database_emulator_host": rtdb.address, "executor_target": (target,)}
        programs = [
            asyncio.create_task(execute(executor.load(**ports, grpc_port=port, ai_model="offline:rules"))),
            asyncio.create_task(poll(poller.load(**ports, **place, grpc_port=0))),
        ]
        try:
            async with asyncio.timeout(30):
                await _attached(port)
                await _submit(user, rtdb.url, walked)
                await over.wait()
        finally:
            for program in programs:
                program.cancel()
            await asyncio.gather(*programs, return_exceptions=True)
    return walked.told()


async def _attached(port: int) -> None:
    """The executor serves, and the poller has had time to find it."""
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(3)


async def _submit(user: httpx.AsyncClient, url: str, walked: Walk) -> None:
    """As the web client does: the job, then its entry, with which the walk begins."""
    job = str(uuid.uuid4())
    inputs = {
        "jobId": job,
        "requestType": "fromRequirements",
        "requirements": TEXT,
        "preferedLanguage": "English",
        "ids": {"uid": "user", "projectId": "project"},
    }
    params = {"ns": "eventstorming"}
    await user.put(f"{url}/jobs/{NAMESPACE}/{job}/state/inputs.json", params=params, json=inputs)
    sys.setprofile(walked)
    entry = {"createdAt": {".sv": "timestamp"}}
    await user.put(f"{url}/requestedJobs/{NAMESPACE}/{job}.json", params=params, json=entry)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


if __name__ == "__main__":
    print(asyncio.run(walk()))
