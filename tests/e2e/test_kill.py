"""`kill -9` in the middle of a job: the job completes, the model is the same, no answer that was stored is asked for again."""

from __future__ import annotations

import json
import re
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from poller.cli.processes import Programs
from tests.e2e.pair import FREE, Pair, start_pair
from tests.e2e.test_pair import _ended, _inputs
from tests.e2e.web_client import NAMESPACE

JOB = "7e57d004-2b97-0e7a-b45f-5387367791cd"


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


def _language_model(programs: Programs, calls: Path) -> dict[str, str]:
    """Settings of an executor that asks a real HTTP server, 0.15 s and more an answer."""
    server = programs.start(
        "openai", "tests.openai_server", "--log", str(calls), "--p50", "0.15", "--p95", "0.4", "--seed", "3"
    )
    deadline = time.monotonic() + 60
    while not (ready := re.search(r"port=(\d+)", server.output())):
        assert time.monotonic() < deadline, server.output()
        time.sleep(0.05)
    return {
        "AI_MODEL": "openai:local",
        "OPENAI_API_KEY": "sk-local",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{ready[1]}/v1",
    }


def _log(calls: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in calls.read_text("utf-8").splitlines()]


def _stored(pair: Pair) -> int:
    branches = pair.client.get(f"jobs/{NAMESPACE}/{JOB}/run/journal") or {}
    branches = branches if isinstance(branches, list) else list(branches.values())
    return sum(len(branch) for branch in branches if branch)


def _final(pair: Pair) -> str:
    outputs = _ended(pair, JOB)
    assert outputs.get("isCompleted") is True, outputs.get("logs")
    return json.dumps(outputs["esValue"], sort_keys=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The model of the same job when nothing dies."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with Programs(folder / "log") as programs:
        pair = start_pair(programs, executors=_language_model(programs, folder / "calls.jsonl"))
        pair.client.submit(_inputs(), job_id=JOB)
        return _final(pair)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("victims", ["executor", "poller", "both"])
def test_a_killed_job_ends_the_same_and_nothing_stored_is_asked_again(
    programs: Programs, calls: Path, undisturbed: str, victims: str
) -> None:
    settings = _language_model(programs, calls)
    pair = start_pair(programs, executors=settings, POD_ID="poller-0")
    pair.client.submit(_inputs(), job_id=JOB)
    pair.client.wait(lambda: _stored(pair) >= 4)

    dying = {"executor": [pair.executor], "poller": [pair.poller], "both": [pair.executor, pair.poller]}[
        victims
    ]
    for program in dying:
        program.signal(signal.SIGKILL)
        program.wait()
    killed, stored = time.time(), _stored(pair)
    if pair.executor in dying:
        again = {**FREE, **settings, "GRPC_PORT": str(pair.executor_port)}
        programs.start("executor-2", "executor", **again).ports()
    if pair.poller in dying:
        programs.start("poller-2", "poller", **{**FREE, **pair.poller_settings}).ports()

    assert _final(pair) == undisturbed
    log = _log(calls)
    asked = Counter(line["hash"] for line in log if line["event"] == "ask")
    # Only what was in flight, or answered but not yet stored, may be asked a second time.
    answered = {line["hash"] for line in log if line["event"] == "answer" and line["time"] < killed}
    repeated = sum(count - 1 for count in asked.values())
    in_flight = (
        len({line["hash"] for line in log if line["event"] == "ask" and line["time"] < killed}) - stored
    )
    assert stored >= 4
    assert repeated <= in_flight, (repeated, in_flight, len(answered), stored)
