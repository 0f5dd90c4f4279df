"""Firebase's SDK for JavaScript on the embedded database, side by side with event streams: delivery, memory, and what the poller notices.

A client watches one job as the web client does: eight listens on one connection.
"""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.bench.figures import Baseline, Figure
from workbench.bench.measure import Skipped, measure
from workbench.bench.measures.pickup import one_pickup
from workbench.bench.record import ROOT
from workbench.bench.stand import NAMESPACE, LanguageModel, Rtdb, Running, Stand, until
from workbench.bench.texts import from_requirements

PROGRAM = Path(__file__).parents[1] / "sdk_clients.cjs"
SDK = ROOT / "tests" / "sdk" / "12"
_FILES = 8192
"""Open files that a thousand connections need on each side."""
_COME_SECONDS = 60.0
_HOLD = 600.0
_AT_ONCE = "16"
"""Jobs that run; the others wait, and their clients are told of their places."""


@measure(
    "sdk",
    "the SDK's way of watching by 1,000 clients on 100 jobs, side by side with event streams",
    seconds=2700,
)
def sdk(stand: Stand) -> Iterator[Figure]:
    if shutil.which("node") is None or not (SDK / "node_modules").is_dir():
        raise Skipped("Node.js with firebase 12 is needed: make sdk")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(_FILES, hard)), hard))
    clients, jobs = stand.many(1000, 60), stand.many(100, 6)
    yield _delivery(stand)
    yield from _memory(stand, clients, jobs)
    yield _pickup(stand, clients, jobs)
    yield from _load(stand, clients, jobs)


# ── the clients ──────────────────────────────────────────────────────────────────────────────────────────────


class _Clients:
    """Many SDKs in one Node.js process."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def told(self) -> dict[str, Any]:
        """The next line that it says."""
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError("the SDKs' process ended")
        return json.loads(line)  # type: ignore[no-any-return]

    def totals(self) -> dict[str, int]:
        """Events told since the start, and the jobs seen to complete."""
        assert self._child.stdin is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()
        return self.told()


@contextmanager
def _node(rtdb: Rtdb, task: str, count: int, jobs: Sequence[str] = ()) -> Iterator[_Clients]:
    command = ["node", str(PROGRAM), str(SDK), f"127.0.0.1:{rtdb.port}", task, str(count), *jobs]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield _Clients(child)
        finally:
            child.kill()


@contextmanager
def _watching(rtdb: Rtdb, count: int, jobs: Sequence[str]) -> Iterator[_Clients]:
    with _node(rtdb, "watch", count, jobs) as clients:
        if clients.told() != {"ready": count}:
            raise RuntimeError("not every client is there")
        yield clients


@contextmanager
def _streaming(rtdb: Rtdb, count: int, jobs: Sequence[str]) -> Iterator[None]:
    """So many event streams on the jobs' outputs, each on a connection of its own, as HTTP has them."""
    ready, over = threading.Event(), threading.Event()

    async def run() -> None:
        opened = [await _opened(rtdb.port, jobs[number % len(jobs)]) for number in range(count)]
        ready.set()
        await asyncio.to_thread(over.wait)
        for writer in opened:
            writer.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    try:
        if not ready.wait(_COME_SECONDS):
            raise RuntimeError("not every event stream is open")
        yield
    finally:
        over.set()
        thread.join()


async def _opened(port: int, job: str) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    path = f"/jobs/{NAMESPACE}/{job}/state/outputs.json?ns=eventstorming"
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
        "Authorization: Bearer owner\r\n\r\n".encode()
    )
    await reader.readuntil(b"\n\n")
    return writer


# ── what is measured ─────────────────────────────────────────────────────────────────────────────────────────


def _delivery(stand: Stand) -> Figure:
    rtdb = stand.rtdb(log=False)
    with _node(rtdb, "deliver", stand.many(1000, 50)) as clients:
        took = clients.told()
    rtdb.running.stop()
    return Figure(
        name="sdk.delivery",
        what="a write begun → the SDK's callback, one client",
        unit="ms",
        samples=took["sdk"],
        baseline=Baseline(name="an event stream's event, in turns", samples=took["stream"]),
        limits={"ratio": 1.2},
        per_machine=True,
        noise=0.4,
    )


def _memory(stand: Stand, clients: int, jobs: int) -> Iterator[Figure]:
    ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(jobs)]
    whole: dict[str, list[float]] = {"sessions": [], "streams": []}
    added: dict[str, list[float]] = {"sessions": [], "streams": []}
    for _ in range(stand.many(3, 1)):
        for name, opened in (("sessions", _watching), ("streams", _streaming)):
            rtdb = stand.rtdb(log=False)
            rtdb.get("")  # warms up
            alone = rtdb.running.memory()
            with opened(rtdb, clients, ids):
                whole[name].append(rtdb.running.memory())
            added[name].append((whole[name][-1] - alone) * 1024 / clients)
            rtdb.running.stop()
    yield Figure(
        name="sdk.memory",
        what=f"resident memory of the embedded database with {clients:,} listening SDK sessions",
        unit="MiB",
        samples=whole["sessions"],
        baseline=Baseline(name=f"with {clients:,} event streams", samples=whole["streams"]),
        limits={"ratio": 1.5},
        noise=0.1,
    )
    yield Figure(
        name="sdk.session",
        what="memory that one session with its eight listens adds",
        unit="kB",
        samples=added["sessions"],
        baseline=Baseline(name="one event stream", samples=added["streams"]),
        noise=0.2,
    )


def _pickup(stand: Stand, clients: int, jobs: int) -> Figure:
    """Half of the picks without clients come before they connect, half after they have left."""
    rtdb = stand.rtdb(log=False)
    language_model = stand.language_model(OutlineAnswer=_HOLD)
    stand.poller(rtdb, stand.executor(language_model, MAX_CONCURRENT_JOBS=_AT_ONCE))
    later = int(time.time() * 1000) + 86_400_000
    ids = [rtdb.job(from_requirements(1, 0), not_before=later)[0] for _ in range(jobs)]
    numbers = iter(range(2000, 6000))
    half = stand.many(50, 4)

    def picked(count: int) -> list[float]:
        return [one_pickup(rtdb, language_model, next(numbers)) for _ in range(count)]

    picked(half // 4)  # warms up
    without = picked(half)
    with _watching(rtdb, clients, ids):
        beside = picked(2 * half)
    without += picked(half)
    return Figure(
        name="sdk.pickup",
        what=f"pickup while {clients:,} SDK clients watch {jobs} jobs",
        unit="ms",
        samples=beside,
        baseline=Baseline(name="the same poller without them, before and after", samples=without),
        limits={"ratio": 1.3},
        per_machine=True,
        noise=0.4,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spent:
    """From before the jobs began until the last had ended: seconds of processor time, MiB at most, MB moved."""

    poller_cpu: float
    poller_memory: float
    rtdb_cpu: float
    rtdb_memory: float
    rtdb_moved: float


def _load(stand: Stand, clients: int, jobs: int) -> Iterator[Figure]:
    language_model = stand.language_model(p50=0.5, p95=2)
    runs = [_jobs_run(stand, language_model, jobs, count) for count in (0, clients)]
    for name, what, unit in (
        ("rtdb_cpu", "processor time of the embedded database", "s"),
        ("rtdb_memory", "most resident memory of the embedded database", "MiB"),
        ("rtdb_moved", "bytes that the embedded database moved", "MB"),
        ("poller_cpu", "processor time of the poller", "s"),
        ("poller_memory", "most resident memory of the poller", "MiB"),
    ):
        alone, watched = (getattr(run, name) for run in runs)
        yield Figure(
            name=f"sdk.load.{name}",
            what=f"{what} for {jobs} jobs that {clients:,} SDK clients watch",
            unit=unit,
            samples=[watched],
            baseline=Baseline(name=f"the same {jobs} jobs unwatched", samples=[alone]),
            noise=0.3,
        )


def _jobs_run(stand: Stand, language_model: LanguageModel, jobs: int, clients: int) -> _Spent:
    rtdb = stand.rtdb()
    executor = stand.executor(language_model, MAX_CONCURRENT_JOBS=_AT_ONCE)
    poller = stand.poller(rtdb, executor)
    ids = [rtdb.job(from_requirements(2, number), enqueue=False)[0] for number in range(jobs)]
    with _watching(rtdb, clients, ids) if clients else nullcontext() as watching:
        spent = _spent(rtdb, poller, ids)
        if watching is not None:
            until(lambda: watching.totals()["completed"] == clients, every=0.2)
    for program in (poller, executor, rtdb.running):
        program.stop()
    return spent


def _spent(rtdb: Rtdb, poller: Running, ids: Sequence[str]) -> _Spent:
    cpu, rtdb_cpu, before = poller.cpu(), rtdb.running.cpu(), _moved(rtdb)
    for job_id in ids:
        rtdb.enqueue(job_id)
    rtdb.ended(ids, seconds=900)
    time.sleep(1)  # the last entries go
    return _Spent(
        poller_cpu=poller.cpu() - cpu,
        poller_memory=poller.memory("VmHWM"),
        rtdb_cpu=rtdb.running.cpu() - rtdb_cpu,
        rtdb_memory=rtdb.running.memory("VmHWM"),
        rtdb_moved=(_moved(rtdb) - before) / 1e6,
    )


def _moved(rtdb: Rtdb) -> int:
    stats = rtdb.stats()
    return sum(stats[name] for name in ("bytes_in", "bytes_out", "session_bytes_in", "session_bytes_out"))
