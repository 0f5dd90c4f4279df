"""Jobs that are put to the poller in its container, and waited for."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from eventstorming.v1 import job_pb2

from poller.cli import connection, files
from workbench.containers import engine

LIBRARY = (engine.ROOT / "examples" / "library.en.md").read_text("utf-8")


def submitted(texts: Sequence[str]) -> list[str]:
    """A job for each text; their ids."""
    with connection.jobs(_target()) as client:
        return [client.submit(files.text_input(text, project="check")).id for text in texts]


def completed(jobs: Sequence[str], *, within: float = 180) -> list[float]:
    """Waits for every job's end; the seconds each took, by the poller's clock. Anything but completed ends the check."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        ends = list(pool.map(lambda job: _end(job, within), jobs))
    wrong = [it.job_id for it in ends if it.state != job_pb2.JOB_STATE_COMPLETED]
    engine.expect(not wrong, f"not completed: {wrong}")
    return [(it.ended_at.ToMilliseconds() - it.created_at.ToMilliseconds()) / 1000 for it in ends]


def _end(job: str, within: float) -> job_pb2.Job:
    last = job_pb2.Job()
    with connection.jobs(_target()) as client:
        for response in client.stub.WatchJob(job_pb2.WatchJobRequest(job_id=job), timeout=within):
            last = response.job
    return last


def _target() -> str:
    return f"{engine.address('check-rtdb')}:50052"
