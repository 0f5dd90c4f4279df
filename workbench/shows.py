"""What people wait for, in seconds, on the embedded parts: `python -m workbench.shows`. Prints, and ends with 1 where a promise is broken.

A short text beside texts of 300 kB and 1 MB, against the same text alone; and how soon the board of the handbook has its first
context, against its last sticker. The language model of the handbook answers like a slow provider, after a second in the median.
`--before` measures the first of these on the build before, too.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from eventstorming.v1 import job_pb2

from devkit.programs import Program, Programs
from eventstorming_client import Client, Job
from workbench.bench.before import BEFORE, unpacked

EXAMPLES = Path(__file__).parents[1] / "examples"
FREE = {"GRPC_PORT": "0", "HTTP_PORT": "0", "ADMIN_PORT": "0"}
THIS: Mapping[str, str] = {}
"""Settings that run this build's programs."""
MOST_SECONDS_MORE = 3.0
MOST_OF_ALL = 0.2
"""Of the time to the last sticker, until the first context."""


@dataclass(frozen=True, slots=True)
class Stand:
    """The programs, up: where the poller's jobs and its pages are."""

    jobs: str
    pages: str


@contextmanager
def stand(running: Programs, executor: Mapping[str, str], build: Mapping[str, str] = THIS) -> Iterator[Stand]:
    settings = {**FREE, **build}
    rtdb = running.start("rtdb", "poller.rtdb.emulator", "--port", "0", **build).ports()["rtdb"]
    grpc = running.start("executor", "executor", **settings, **executor).ports()["grpc"]
    settings |= {"FIREBASE_DATABASE_EMULATOR_HOST": f"127.0.0.1:{rtdb}"}
    ports = running.start("poller", "poller", **settings, EXECUTOR_TARGET=f"127.0.0.1:{grpc}").ports()
    yield Stand(f"127.0.0.1:{ports['grpc']}", f"http://127.0.0.1:{ports['admin']}")


def beside(build: Mapping[str, str] = THIS) -> bool:
    """The short job beside the long ones ends within seconds of its usual time, and no job counts a run that raised."""
    text = (EXAMPLES / "library.en.md").read_text("utf-8")
    handbook = (EXAMPLES / "handbook.en.md").read_text("utf-8")
    with (
        tempfile.TemporaryDirectory() as logs,
        Programs(Path(logs)) as running,
        stand(running, {"AI_MODEL": "offline:rules"}, build) as up,
        Client(up.jobs) as client,
    ):
        _ended(client.submit(text))  # what is loaded at the first job is nobody's
        alone, _ = _ended(client.submit(text))
        long = {size: client.submit(_repeated(handbook, size)) for size in (300_000, 1_000_000)}
        time.sleep(2)
        short, _ = _ended(client.submit(text))
        print(
            f"{len(text.splitlines())} lines alone: {alone:.1f} s; beside 300 kB and 1 MB: {short:.1f} s",
            flush=True,
        )
        told = []
        for size, job in long.items():
            took, last = _ended(job)
            told.append(last)
            state = job_pb2.JobState.Name(last.state).removeprefix("JOB_STATE_").lower()
            print(
                f"{size // 1000} kB: {state} after {took:.1f} s, {last.attempts} runs that raised {last.failure}",
                flush=True,
            )
    return short - alone <= MOST_SECONDS_MORE and not any(job.attempts or job.failure for job in told)


def _ended(job: Job) -> tuple[float, job_pb2.Job]:
    """Seconds from its submission to its end."""
    *_, last = (event.job for event in job.watch())
    return (last.ended_at.ToMilliseconds() - last.created_at.ToMilliseconds()) / 1000, last


def _repeated(text: str, size: int) -> str:
    """Texts of so many bytes, of which no two parts are the same."""
    parts = [f"# Volume {number}\n\n{text}" for number in range(size // len(text) + 1)]
    return "\n".join(parts)[:size]


def first_context() -> bool:
    """The board's stream of events, as a browser gets it."""
    with tempfile.TemporaryDirectory() as logs, Programs(Path(logs)) as running:
        options = ("--log", f"{logs}/calls.jsonl", "--p50", "1", "--p95", "2", "--seed", "3")
        server = running.start("openai", "workbench.openai_server", *options)
        settings = {"AI_MODEL": "openai:local", "OPENAI_API_KEY": "sk-local"}
        settings["OPENAI_BASE_URL"] = f"http://127.0.0.1:{_port(server)}/v1"
        with stand(running, settings) as up, Client(up.jobs) as client:
            job = client.submit((EXAMPLES / "handbook.en.md").read_text("utf-8"))
            first, last, stickers = _watched(f"{up.pages}/board/{job.id}/events")
    share = first / last
    print(
        f"handbook: first context after {first:.1f} s, the last of {stickers} stickers after {last:.1f} s: {share:.2f}"
    )
    return share <= MOST_OF_ALL


def _watched(url: str) -> tuple[float, float, int]:
    """Seconds to the first context and to the last new sticker, and how many there are then."""
    began, name, first, last, most = time.monotonic(), "", 0.0, 0.0, 0
    with httpx.stream("GET", url, timeout=600, trust_env=False) as events:
        for line in events.iter_lines():
            member, _, value = line.partition(": ")
            if member == "event":
                name = value
            elif member == "data" and name == "wall":
                board = json.loads(value)["board"]
                now = time.monotonic() - began
                first = first or (now if board["areas"] else 0.0)
                if len(board["stickers"]) > most:
                    most, last = len(board["stickers"]), now
    return first, last, most


def _port(server: Program) -> int:
    deadline = time.monotonic() + 60
    while not (ready := re.search(r"port=(\d+)", server.output())):
        if time.monotonic() > deadline:
            raise TimeoutError(server.output())
        time.sleep(0.05)
    return int(ready[1])


def before() -> None:
    """The same of the build before, for comparison: nothing is promised of it."""
    with tempfile.TemporaryDirectory() as folder:
        print(f"the build at {BEFORE}:", flush=True)
        beside(unpacked(Path(folder)))


if __name__ == "__main__":
    if "--before" in sys.argv:
        before()
    sys.exit(not all([beside(), first_context()]))
