"""The measurements themselves: each starts its own programs, prints its table and returns its figures."""

from __future__ import annotations

import argparse
import asyncio
import signal
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from eventstorming.v1 import executor_pb2

from devkit.programs import Program, Programs
from tests.fakes import Conversation, ScriptedExecutor, eventually, small_model
from tests.poller.lifecycle import NODES, inputs

FREE = dict.fromkeys(("GRPC_PORT", "HTTP_PORT", "ADMIN_PORT"), "0")
OWNER = {"Authorization": "Bearer owner"}

Figures = dict[str, Any]


@dataclass
class Ground:
    """Database and poller as processes, an executor without slots here."""

    programs: Programs
    folder: Path
    rtdb: Program
    poller: Program
    executor: ScriptedExecutor
    http: httpx.AsyncClient

    async def submit(self, count: int) -> list[str]:
        """As the web client does, but many at once: all jobs, then all entries."""
        jobs = [str(uuid.uuid4()) for _ in range(count)]
        for start in range(0, count, 200):
            some = jobs[start : start + 200]
            stored = {f"{NODES.job(job)}/state": {"inputs": inputs(job)} for job in some}
            entries = {NODES.entry(job): {"createdAt": {".sv": "timestamp"}} for job in some}
            for updates in (stored, entries):
                await self._ask("PATCH", "/.json", json=updates, params={"print": "silent"})
        return jobs

    async def all_know_their_place(self) -> None:
        async def known() -> bool:
            entries = (await self._ask("GET", f"/{NODES.entries}.json")).json() or {}
            return all("waitingJobCount" in entry for entry in entries.values())

        await eventually(known, seconds=180)
        await self.quiet()

    async def quiet(self) -> None:
        """Returns when nothing was written for six seconds: longer than the pause between two renumberings."""
        last, since = -1, time.monotonic()
        while time.monotonic() - since < 6:
            commits = (await self.stats())["commits"]
            if commits != last:
                last, since = commits, time.monotonic()
            await asyncio.sleep(0.25)

    async def stats(self) -> dict[str, int]:
        found: dict[str, int] = (await self._ask("GET", "/.emulator/stats.json")).json()
        return found

    def rss(self) -> float:
        """The poller's resident memory in MiB."""
        status = Path(f"/proc/{self.poller.pid}/status").read_text("utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.poller.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return (await self.http.request(method, path, **more)).raise_for_status()


async def completing(talk: Conversation) -> None:
    await talk.progress(2)
    await talk.answer("q1")
    await talk.complete(small_model())


@asynccontextmanager
async def ground(folder: Path, script: Callable[[Conversation], Awaitable[None]]) -> AsyncIterator[Ground]:
    executor = ScriptedExecutor(script, slots=0)
    await executor.start()
    with Programs(folder / "log") as programs:
        rtdb = _database(programs, folder, "0")
        port = rtdb.ports()["rtdb"]
        settings = {
            "FIREBASE_DATABASE_EMULATOR_HOST": f"127.0.0.1:{port}",
            "EXECUTOR_TARGET": f"127.0.0.1:{executor.port}",
        }
        poller = programs.start("poller", "poller", **FREE, **settings)
        poller.ports()
        url, params = f"http://127.0.0.1:{port}", {"ns": "eventstorming"}
        async with httpx.AsyncClient(base_url=url, params=params, headers=OWNER, timeout=60) as http:
            yield Ground(programs, folder, rtdb, poller, executor, http)
    await executor.kill()


def _database(programs: Programs, folder: Path, port: str) -> Program:
    data = str(folder / "data")
    return programs.start("rtdb", "poller.rtdb.emulator", "--port", port, "--data", data, "--faults")


# ── pickup ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def pickup(folder: Path, options: argparse.Namespace) -> Figures:
    figures: Figures = {}
    for waiting in (1, 1000):
        async with ground(folder / str(waiting), completing) as here:
            await here.submit(waiting)
            await here.all_know_their_place()
            took = [await _one_pickup(here) for _ in range(options.samples)]
        ordered = sorted(took)
        p50, p99 = statistics.median(took), ordered[int(len(ordered) * 0.99)]
        figures[str(waiting)] = {"p50_ms": p50, "p99_ms": p99}
        print(f"pickup   {waiting:5} waiting: p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   ({len(took)} slots)")
    figures["ratio"] = figures["1000"]["p50_ms"] / figures["1"]["p50_ms"]
    print(f"pickup   ratio of the medians {figures['ratio']:.2f} (at most 2)", flush=True)
    return figures


async def _one_pickup(here: Ground) -> float:
    """Milliseconds from a slot becoming free to the run that takes it; the job completes, another joins the queue."""
    started, ended = len(here.executor.runs), here.executor.ended
    at = time.perf_counter()
    here.executor.offer(1)
    await eventually(lambda: len(here.executor.runs) > started)
    took = (here.executor.runs[-1].began_at - at) * 1000
    here.executor.offer(0)
    await eventually(lambda: here.executor.ended > ended)
    await here.submit(1)
    await asyncio.sleep(0.2)
    return took


# ── traffic ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def traffic(folder: Path, options: argparse.Namespace) -> Figures:
    figures: Figures = {}
    for waiting in (100, 1000, 4000):
        async with ground(folder / str(waiting), completing) as here:
            await here.submit(waiting)
            await here.all_know_their_place()
            before = await here.stats()
            await _complete(here, 100)
            await here.quiet()
            after = await here.stats()
        found = {name: after[name] - before[name] for name in ("bytes_out", "bytes_in", "reads", "writes")}
        figures[str(waiting)] = found
        print(
            f"traffic  {waiting:5} waiting, 100 complete: read {found['bytes_out'] / 1000:7.1f} kB in {found['reads']} reads "
            f"and two streams, written {found['bytes_in'] / 1000:7.1f} kB in {found['writes']} writes",
            flush=True,
        )
    return figures


async def _complete(here: Ground, count: int) -> None:
    async def reached(counted: Callable[[], int], number: int) -> None:
        await eventually(lambda: counted() >= number, seconds=30)

    ended = here.executor.ended
    for number in range(1, count + 1):
        here.executor.offer(1)
        await reached(lambda: len(here.executor.runs), number)
        here.executor.offer(0)
        await reached(lambda: here.executor.ended, ended + number)


# ── idle ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def idle(folder: Path, options: argparse.Namespace) -> Figures:
    figures: Figures = {}
    for waiting in (0, 1000):
        async with ground(folder / str(waiting), completing) as here:
            await here.submit(waiting)
            await here.all_know_their_place()
            before, cpu = await here.stats(), here.cpu_seconds()
            await asyncio.sleep(options.seconds)
            after = await here.stats()
            found: Figures = {
                name: after[name] - before[name] for name in ("bytes_out", "bytes_in", "writes")
            } | {"rss_mib": here.rss(), "cpu_s": here.cpu_seconds() - cpu}
        figures[str(waiting)] = found
        print(
            f"idle     {waiting:5} waiting, {options.seconds:g} s: read {found['bytes_out']} B, written {found['bytes_in']} B "
            f"in {found['writes']} writes; poller {found['rss_mib']:.1f} MiB, {found['cpu_s']:.2f} s CPU",
            flush=True,
        )
    return figures


# ── away ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def away(folder: Path, options: argparse.Namespace) -> Figures:
    """One job runs all the time: its executor goes on sending progress and models, and must not ask."""
    async with ground(folder, _talking) as here:
        await here.submit(1001)
        await here.all_know_their_place()
        here.executor.offer(1)
        await eventually(lambda: here.executor.runs and here.executor.runs[0].acked, seconds=30)
        here.executor.offer(1)
        port = here.rtdb.ports()["rtdb"]
        seen = [here.rss()]
        print(f"away     before: {seen[0]:.1f} MiB", flush=True)
        here.rtdb.signal(signal.SIGKILL)
        here.rtdb.wait()
        for minute in range(1, int(options.minutes) + 1):
            await asyncio.sleep(60)
            seen.append(here.rss())
            print(
                f"away     minute {minute:2}: {seen[-1]:.1f} MiB, {here.cpu_seconds():.1f} s CPU so far",
                flush=True,
            )
        here.executor.script = completing
        _database(here.programs, folder, str(port)).ports()
        back = time.monotonic()
        here.executor.offer(4)
        await eventually(lambda: here.executor.ended >= 20, seconds=120)
        seen.append(here.rss())
        print(f"away     back: {seen[-1]:.1f} MiB, 20 jobs completed {time.monotonic() - back:.1f} s after")
    return {"rss_mib": seen}


async def _talking(talk: Conversation) -> None:
    await talk.answer("q1")
    beat = 0
    while True:
        beat += 1
        await talk.send(beat=executor_pb2.Beat(beat=beat))
        await talk.progress(2 + beat % 8)
        await talk.snapshot(small_model(aggregates=20 + beat % 2))
        await asyncio.sleep(1)


MEASUREMENTS: dict[str, Callable[[Path, argparse.Namespace], Coroutine[Any, Any, Figures]]] = {
    "pickup": pickup,
    "traffic": traffic,
    "idle": idle,
    "away": away,
}
