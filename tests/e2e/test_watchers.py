"""Fifty clients follow one job while its poller dies and comes back: each of them hears the end."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from eventstorming.v1 import job_pb2

from devkit.programs import Programs
from eventstorming_client import Client
from tests.e2e.pair import FREE, start_pair
from tests.e2e.test_pair import TEXT

WATCHERS = 50


@pytest.mark.timeout(300)
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM])
def test_no_watcher_misses_the_end_when_the_poller_is_restarted(
    programs: Programs, blow: signal.Signals
) -> None:
    """The first poller finds no executor, so that the job is certain to end under the second one."""
    pair = start_pair(programs, executors={"AI_MODEL": "offline:rules"}, target="127.0.0.1:1")
    target = f"127.0.0.1:{pair.ports['grpc']}"
    begun = threading.Semaphore(0)

    def follow(job_id: str) -> list[int]:
        states = []
        with Client(target) as jobs:
            for event in jobs.job(job_id).watch():
                if not states:
                    begun.release()
                states.append(event.job.state)
        return states

    with Client(target) as jobs, ThreadPoolExecutor(WATCHERS) as pool:
        job = jobs.submit(TEXT)
        watches = [pool.submit(follow, job.id) for _ in range(WATCHERS)]
        for _ in watches:
            assert begun.acquire(timeout=60)
        pair.poller.signal(blow)
        pair.poller.wait()
        settings = FREE | pair.poller_settings | {"EXECUTOR_TARGET": f"127.0.0.1:{pair.executor_port}"}
        programs.start("poller again", "poller", **settings | {"GRPC_PORT": str(pair.ports["grpc"])}).ports()
        seen = [watch.result(timeout=90) for watch in watches]

    assert {states[0] for states in seen} == {job_pb2.JOB_STATE_QUEUED}
    assert {states[-1] for states in seen} == {job_pb2.JOB_STATE_COMPLETED}
    assert all(states == sorted(states) for states in seen)
