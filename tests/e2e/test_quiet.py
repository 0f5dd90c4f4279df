"""A run in which nothing goes wrong says nothing that looks as if: jobs that end, are cancelled, removed and handed over."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventstorming.v1 import job_pb2, job_pb2_grpc

from devkit.programs import Programs
from tests.e2e.language_model import language_model
from tests.e2e.pair import Pair, start_pair
from tests.e2e.test_pair import _inputs
from tests.e2e.web_client import NAMESPACE

_NOISE = re.compile(
    r'Traceback|never retrieved|was destroyed|never awaited|exception was|"level": *"(?:error|critical)"'
)


def _running(pair: Pair) -> str:
    """A new job that has its first answer."""
    job_id = pair.client.submit(_inputs())
    pair.client.wait(lambda: pair.client.get(f"jobs/{NAMESPACE}/{job_id}/run/journal"))
    return job_id


def _gone(pair: Pair, job_id: str) -> bool:
    return pair.client.get(f"jobStates/{NAMESPACE}/{job_id}") is None


def _cancel(pair: Pair, job_id: str) -> Any:
    with grpc.insecure_channel(f"127.0.0.1:{pair.ports['grpc']}") as channel:
        jobs = job_pb2_grpc.JobServiceStub(channel)
        return jobs.CancelJob(job_pb2.CancelJobRequest(job_id=job_id, cancelled_by="test"), timeout=20)


@pytest.mark.timeout(180)
def test_ends_of_every_kind_leave_no_exception_in_the_logs(programs: Programs, tmp_path: Path) -> None:
    settings = language_model(programs, tmp_path / "calls.jsonl", p50=0.25, p95=0.5)
    pair = start_pair(programs, executors=settings, POD_ID="poller-0")
    _cancel(pair, _running(pair))
    removed = _running(pair)
    pair.client.request_removal(removed)
    pair.client.wait(lambda: _gone(pair, removed))

    handed_over = _running(pair)
    for program in (pair.executor, pair.poller):
        program.signal(signal.SIGTERM)
        program.wait()
    assert [line for line in pair.logs().splitlines() if _NOISE.search(line)] == []
    assert pair.client.get(f"requestedJobs/{NAMESPACE}/{handed_over}/lease/token") is None
