"""A language model that refuses for a long time: the user can stop the job at once, and a failed job goes on where it stood."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from eventstorming.v1 import job_pb2, job_pb2_grpc

from devkit.programs import Programs
from tests.e2e.language_model import asked
from tests.e2e.pair import Pair, start_pair
from tests.e2e.test_command_line import _cli
from tests.e2e.test_pair import _inputs
from tests.e2e.web_client import NAMESPACE
from workbench.openai_server import Ask, Behaviour, Fault, embedded, running

AT_MOST = 10.0
"""Seconds for what takes a few milliseconds on a machine with nothing else to do, and 60 where Retry-After is waited out."""


class Model:
    """A language model that refuses, from the second kind of question on, for as long as `away` says."""

    def __init__(self, calls: Path) -> None:
        self.calls = calls
        self.away: Fault | None = None
        self._answer = embedded()

    def behaviour(self) -> Behaviour:
        return Behaviour(script=self._script, log=str(self.calls))

    def _script(self, ask: Ask) -> Any:
        return self.away if self.away and ask.schema != "OutlineAnswer" else self._answer(ask)

    def refused(self) -> int:
        return sum(line["event"] == "fault" for line in asked(self.calls)) if self.calls.exists() else 0


@pytest.fixture
def model(tmp_path: Path) -> Iterator[tuple[Model, str]]:
    """Served from a thread of this process, so that a test can change its mind."""
    found, loop, ready = Model(tmp_path / "calls.jsonl"), asyncio.new_event_loop(), threading.Event()
    address: list[str] = []
    done = asyncio.Event()

    async def serve() -> None:
        async with running(found.behaviour()) as (_, url):
            address.append(url)
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait(30)
    yield found, address[0]
    loop.call_soon_threadsafe(done.set)
    thread.join(30)


@contextmanager
def _pair(folder: Path, url: str, executor: Mapping[str, str] = {}, **poller: str) -> Iterator[Pair]:
    executors = {"AI_MODEL": "openai:local", "OPENAI_API_KEY": "sk-local", "OPENAI_BASE_URL": url, **executor}
    with Programs(folder / "log") as programs:
        yield start_pair(programs, executors=executors, **poller)


def _runs(pair: Pair) -> int:
    """Runs in the executor now, as it tells whoever measures it."""
    metrics = httpx.get(f"http://127.0.0.1:{pair.executor.ports()['admin']}/metrics", timeout=10).text
    found = re.search(r"^eventstorming_runs(?:{.*})? (\d+)", metrics, re.MULTILINE)
    assert found, metrics
    return int(found[1])


def _cancel(pair: Pair, job_id: str) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{pair.ports['grpc']}") as channel:
        jobs = job_pb2_grpc.JobServiceStub(channel)
        jobs.CancelJob(job_pb2.CancelJobRequest(job_id=job_id, cancelled_by="test"), timeout=30)


def _stopped_after(pair: Pair, how: str) -> float:
    """Seconds from the user's wish until the executor has left the run."""
    job_id = pair.client.submit(_inputs())
    pair.client.wait(lambda: pair.client.get(f"jobs/{NAMESPACE}/{job_id}/run/journal"))
    assert _runs(pair) == 1
    began = time.monotonic()
    if how == "cancel":
        _cancel(pair, job_id)
    else:
        pair.client.request_removal(job_id)
    pair.client.wait(lambda: _runs(pair) == 0)
    return time.monotonic() - began


@pytest.mark.parametrize("how", ["cancel", "removal"])
def test_a_job_that_waits_in_retry_after_stops_at_once(
    model: tuple[Model, str], tmp_path: Path, how: str
) -> None:
    refusing, url = model
    refusing.away = Fault(kind="429", wait="60")
    with _pair(tmp_path, url) as pair:
        assert _stopped_after(pair, how) < AT_MOST
        count = refusing.refused()
        time.sleep(0.5)
    assert refusing.refused() == count, "it went on asking"


def test_a_failed_job_goes_on_from_its_journal_when_it_is_tried_again(
    model: tuple[Model, str], tmp_path: Path
) -> None:
    refusing, url = model
    refusing.away = Fault(kind="500", wait="0")
    with _pair(tmp_path, url, MAX_ATTEMPTS="1", STEP_TIMEOUT_SECONDS="1") as pair:
        job_id = pair.client.submit(_inputs())
        failed = pair.client.wait(lambda: _with(pair, job_id, "isFailed"))
        pair.client.wait(lambda: pair.client.get(f"requestedJobs/{NAMESPACE}/{job_id}") is None)
        refusing.away = None
        again_from = time.time()
        done = _cli(pair, "retry", job_id)
        completed = pair.client.wait(lambda: _with(pair, job_id, "isCompleted"))

    assert done.returncode == 0, done.stderr
    assert failed["logs"][-1]["level"] == "error"
    assert completed["isFailed"] is False
    log = asked(refusing.calls)
    answered = {line["hash"] for line in log if line["event"] == "answer" and line["time"] < again_from}
    again = {line["hash"] for line in log if line["event"] == "ask" and line["time"] >= again_from}
    assert answered
    assert again
    assert not answered & again, "an answer that was paid for was asked for again"


@pytest.mark.timeout(240)
def test_a_language_model_that_stops_answering_is_told_to_the_user_and_its_return_too(
    model: tuple[Model, str], tmp_path: Path
) -> None:
    silent, url = model
    silent.away = Fault(kind="timeout")
    timeout = {"LLM_TIMEOUT_SECONDS": "12"}
    with _pair(tmp_path, url, executor=timeout) as pair:
        job_id = pair.client.submit(_inputs())
        pair.client.wait(lambda: _said(pair, job_id, "has not answered since"))
        silent.away = None
        pair.client.wait(lambda: _said(pair, job_id, "answers again, after"))
        outputs = pair.client.wait(lambda: _with(pair, job_id, "isCompleted"))
        journal = str(pair.client.get(f"jobs/{NAMESPACE}/{job_id}/run/journal"))

    lines = [(line["level"], line["message"]) for line in outputs["logs"]]
    told = [(level, message) for level, message in lines if "The language model" in message]
    assert [level for level, _ in told] == ["warning", "info"]
    first = next(i for i, (_, message) in enumerate(lines) if "has not answered" in message)
    last = next(i for i, (_, message) in enumerate(lines) if "answers again" in message)
    assert last == first + 1, "nothing is said of the time left meanwhile"
    assert "answers again" not in journal


def _said(pair: Pair, job_id: str, words: str) -> bool:
    return any(words in line["message"] for line in pair.client.outputs(job_id).get("logs") or ())


def _with(pair: Pair, job_id: str, flag: str) -> dict[str, Any] | None:
    outputs = pair.client.outputs(job_id)
    return outputs if outputs.get(flag) else None
