"""What somebody who watches a job adds to the poller, against the build in which every viewer had event streams of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from eventstorming.v1 import job_pb2, job_pb2_grpc

from workbench.bench.before import BEFORE, unpacked
from workbench.bench.figures import Baseline, Figure
from workbench.bench.measure import measure
from workbench.bench.stand import LanguageModel, Running, Stand, ready
from workbench.bench.texts import from_requirements

EACH = 5
"""Viewers of a job."""

QUEUES_OWN = 2

_COME_SECONDS = 15.0
"""Before the jobs may run, all viewers have come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spent:
    """By a poller, from before the first viewer came until the last job had ended. `streams`: opened at the database."""

    cpu: float
    memory: float
    moved: int
    streams: int
    unready: int


@measure("viewers", "what one viewer adds to the poller; /readyz with 500 of them", seconds=1200)
def viewers(stand: Stand) -> Iterator[Figure]:
    few, many, rounds = 4, stand.many(100, 6), stand.many(3, 1)
    language_model = stand.language_model(p50=0.5, p95=2)
    old_build = unpacked(stand.folder / "before")
    theirs = stand.language_model(p50=0.5, p95=2, build=old_build)
    before, now, watched = list[_Spent](), list[_Spent](), list[_Spent]()
    for _ in range(rounds):
        before.append(_added(*_pair(stand, theirs, few, old_build), few))
        alone, with_viewers = _pair(stand, language_model, many, {})
        watched.append(with_viewers)
        now.append(_added(alone, with_viewers, many))
    yield from _figures(now, before, f"{few * EACH} viewers of {few} jobs at {BEFORE}", many)
    yield Figure(
        name="viewers.unready",
        what=f"times that /readyz was not ready while {many * EACH} watched {many} running jobs",
        unit="",
        samples=[one.unready for one in watched],
        limits={"most": 0.0},
    )
    yield Figure(
        name="viewers.streams",
        what="event streams opened per watched job, beside the queue's two",
        unit="",
        samples=[(one.streams - QUEUES_OWN) / many for one in watched],
        limits={"most": 1.0},
    )


def _figures(now: Sequence[_Spent], before: Sequence[_Spent], name: str, jobs: int) -> Iterator[Figure]:
    for key, what, unit, noise in (
        ("memory", "resident memory of the poller", "kB", 0.5),
        ("cpu", "processor time of the poller", "ms", 0.3),
        ("moved", "bytes between poller and database", "B", 0.3),
    ):
        yield Figure(
            name=f"viewers.{key}",
            what=f"{what} that one of {jobs * EACH} viewers of {jobs} jobs adds",
            unit=unit,
            samples=[getattr(one, key) for one in now],
            baseline=Baseline(name=name, samples=[getattr(one, key) for one in before]),
            limits={"ratio": 0.1},
            noise=noise,
        )


def _added(alone: _Spent, watched: _Spent, jobs: int) -> _Spent:
    """Per viewer, in kB, ms and bytes."""
    count = jobs * EACH
    return _Spent(
        cpu=(watched.cpu - alone.cpu) * 1000 / count,
        memory=(watched.memory - alone.memory) * 1024 / count,
        moved=(watched.moved - alone.moved) // count,
        streams=watched.streams,
        unready=watched.unready,
    )


def _pair(
    stand: Stand, language_model: LanguageModel, jobs: int, build: Mapping[str, str]
) -> tuple[_Spent, _Spent]:
    return _run(stand, language_model, jobs, 0, build), _run(stand, language_model, jobs, EACH, build)


def _run(
    stand: Stand, language_model: LanguageModel, jobs: int, each: int, build: Mapping[str, str]
) -> _Spent:
    rtdb = stand.rtdb()
    executor = stand.executor(
        language_model, MAX_CONCURRENT_JOBS=str(jobs), LLM_MAX_CONCURRENCY="1000", **build
    )
    poller = stand.poller(rtdb, executor, **build)
    at = int(time.time() + _COME_SECONDS) * 1000
    ids = [rtdb.job(from_requirements(2, number), not_before=at)[0] for number in range(jobs)]
    cpu, before = poller.cpu(), rtdb.stats()
    with (
        _watching(poller.ports["grpc"], [job_id for job_id in ids for _ in range(each)]),
        _asking(poller) as unready,
    ):
        rtdb.ended(ids, seconds=300)
    time.sleep(1)  # the last entries go
    after = rtdb.stats()
    spent = _Spent(
        cpu=poller.cpu() - cpu,
        memory=poller.memory("VmHWM"),
        moved=sum(after[way] - before[way] for way in ("bytes_in", "bytes_out")),
        streams=after["streams"],
        unready=len(unready),
    )
    for program in (poller, executor, rtdb.running):
        program.stop()
    return spent


class _Watching:
    """Viewers by gRPC. Those of one program share its connection, as gRPC has it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._begun = threading.Semaphore(0)
        self.ends: list[int | None] = []

    def follow(self, job_ids: Sequence[str]) -> None:
        asyncio.run(self._all(job_ids))

    async def _all(self, job_ids: Sequence[str]) -> None:
        self.ends += await asyncio.gather(*(self._one(job_id) for job_id in job_ids))

    async def _one(self, job_id: str) -> int | None:
        """The last state it was shown."""
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self._port}") as channel:
            call = job_pb2_grpc.JobServiceStub(channel).WatchJob(job_pb2.WatchJobRequest(job_id=job_id))
            shown = None
            async for response in call:
                if shown is None:
                    self._begun.release()
                shown = response.job.state
        return shown

    def all_begun(self, count: int) -> None:
        for _ in range(count):
            assert self._begun.acquire(timeout=60)


@contextmanager
def _watching(port: int, job_ids: Sequence[str]) -> Iterator[None]:
    """Inside, each of these jobs is watched; waits at the end for the last of them to end."""
    found = _Watching(port)
    thread = threading.Thread(target=found.follow, args=[job_ids], daemon=True)
    thread.start()
    found.all_begun(len(job_ids))
    yield
    thread.join(60)
    if found.ends != [job_pb2.JOB_STATE_COMPLETED] * len(job_ids):
        raise RuntimeError("a viewer was not shown the end")


@contextmanager
def _asking(poller: Running) -> Iterator[list[float]]:
    """When /readyz said no, asked four times a second meanwhile."""
    no: list[float] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.25):
            if not ready(poller):
                no.append(time.time())

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield no
    finally:
        over.set()
        thread.join()
