"""What the programs count, for work whose figures are known otherwise: from the database and from the language model's log."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from devkit.programs import Programs
from tests.e2e.language_model import asked, language_model
from tests.e2e.pair import FREE, Pair, start_pair
from tests.e2e.test_pair import IDS, TEXT
from tests.e2e.web_client import NAMESPACE
from tests.scrape import Scrape, until

STEPS = {
    *("outline", "merge", "draft", "behaviour", "policies", "scenarios", "screens"),
}


def inputs(text: str = TEXT) -> dict[str, Any]:
    return {
        "requestType": "fromRequirements",
        "ids": IDS,
        "requirements": text,
        "preferedLanguage": "English",
    }


def journal(pair: Pair, job: str) -> list[str]:
    """Keys of every durable answer, of all epochs."""
    branches = pair.client.get(f"jobs/{NAMESPACE}/{job}/run/journal") or {}
    branches = branches if isinstance(branches, dict) else dict(enumerate(branches))
    return [key for branch in branches.values() for key in branch or {}]


def ended(pair: Pair, job: str) -> dict[str, Any]:
    outputs = pair.client.ended(job)
    pair.client.wait(lambda: pair.client.get(f"requestedJobs/{NAMESPACE}/{job}") is None)
    return outputs


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Until it is there, no screen is drawn and no run completes."""
    return tmp_path / "gate"


@pytest.fixture
def held_model(programs: Programs, tmp_path: Path, gate: Path) -> dict[str, str]:
    """Settings of an executor whose runs can be seen, since its language model waits for the gate."""
    hold = ("--hold", f"ScreensAnswer={gate}")
    model = language_model(programs, tmp_path / "calls.jsonl", *hold, p50=0.05, p95=0.1)
    return {**model, "MAX_CONCURRENT_JOBS": "1"}


def test_a_job_is_counted_as_the_database_and_the_language_models_log_have_it(
    programs: Programs, tmp_path: Path
) -> None:
    calls = tmp_path / "calls.jsonl"
    throttled = ("--fault", "429=0.25", "--retry-after", "0.05")
    model = language_model(programs, calls, *throttled, p50=0.05, p95=0.1)
    pair = start_pair(programs, executors=model)
    poller, executor = pair.ports["admin"], pair.executor.ports()["admin"]
    before = until(poller, lambda it: it.sum("slots", state="total") == 8)
    assert (before.sum("jobs"), before.sum("executors")) == (0, 1)

    job = pair.client.submit(inputs())
    during = until(poller, lambda it: it.sum("jobs") == 1)
    assert during.sum("oldest_job_age_seconds") < 60
    busy = until(executor, lambda it: it.sum("runs") == 1)
    assert busy.sum("slots", state="free") == 7
    ended(pair, job)
    after = until(poller, lambda it: it.sum("jobs") == 0)
    done = until(executor, lambda it: it.sum("runs") == 0)

    log = asked(calls)
    answers = [line for line in log if line["event"] == "answer"]
    refusals = [line for line in log if line["event"] == "fault"]
    keys = journal(pair, job)
    assert refusals, "no 429 in this run: choose another seed"
    assert (
        done.sum("llm_calls_total", outcome="answered") + done.sum("llm_calls_total", outcome="unusable")
        == len(keys)
        == len(answers)
    )
    assert done.sum("llm_calls_total", outcome="none") == len(refusals)
    assert done.sum("llm_calls_total", outcome="recalled") == 0
    assert done.sum("llm_retries_total", reason="throttled") == done.sum("llm_retries_total") == len(refusals)
    assert done.sum("llm_seconds_count") == len(answers) + len(refusals)
    assert done.sum("llm_tokens_total") == sum(line["tokens"] for line in answers)
    assert done.sum("llm_tokens_total") == pair.client.get(f"jobs/{NAMESPACE}/{job}/run/tokens")
    assert done.sum("llm_tokens_total", kind="prompt") > done.sum("llm_tokens_total", kind="completion") > 0
    assert done.sum("ack_seconds_count") == len(keys)
    assert done.sum("step_seconds_count", outcome="answered") > 0
    assert done.sum("runs_ended_total", outcome="completed") == done.sum("runs_ended_total") == 1
    assert 1 <= done.sum("llm_concurrency") <= 64
    assert done.labels("step") == STEPS
    assert done.labels("model") == {"openai:local"}

    assert after.sum("claims_total", outcome="won") == after.sum("claims_total") == 1
    assert after.sum("jobs_ended_total", outcome="completed") == after.sum("jobs_ended_total") == 1
    assert after.sum("pickup_seconds_count") == 1
    assert after.sum("journal_commit_seconds_count") == len(keys)
    assert (after.sum("repeated_calls_total"), after.sum("buffered_bytes"), after.sum("attempts_total")) == (
        0,
        0,
        0,
    )
    assert all(
        after.sum("rtdb_operations_total", method=name, outcome="ok")
        for name in ("GET", "PUT", "PATCH", "DELETE")
    )
    assert after.sum("rtdb_seconds_count") == after.sum("rtdb_operations_total")
    stored = len(str(pair.client.get(f"jobs/{NAMESPACE}/{job}/run/journal")))
    assert after.sum("rtdb_bytes_total", direction="written") > stored
    assert after.sum("rtdb_bytes_total", direction="read") > 0
    for program in (after, done):
        assert program.sum("loop_lag_seconds_count") > 0
        assert program.sum("build_info") == 1


def test_what_waits_is_lost_crashes_or_is_recalled_is_told_apart(
    programs: Programs, held_model: dict[str, str], gate: Path
) -> None:
    pair = start_pair(programs, executors=held_model, POD_ID="poller-0")
    waiting_and_lost(pair)
    killed(pair, programs, held_model, gate)


def waiting_and_lost(pair: Pair) -> None:
    port, executor = pair.ports["admin"], pair.executor.ports()["admin"]
    runs = pair.client.submit(inputs())
    until(port, lambda it: it.sum("jobs_by_state", state="running") == 1)
    waits = pair.client.submit(inputs())
    both = until(
        port, lambda it: it.sum("jobs_by_state", state="queued") == 1 and it.sum("oldest_job_age_seconds") > 0
    )
    assert (both.sum("jobs"), both.sum("slots", state="free")) == (2, 0)
    pair.client.request_removal(waits)
    until(port, lambda it: it.sum("jobs_ended_total", outcome="removed") == 1 and it.sum("jobs") == 1)

    other = {"token": "other", "epoch": 7, "owner": "other-poller", "renewedAt": {".sv": "timestamp"}}
    pair.client.put(f"requestedJobs/{NAMESPACE}/{runs}/lease", other)
    until(port, lambda it: it.sum("leases_total", outcome="lost") == 1)
    until(executor, lambda it: it.sum("runs_ended_total", outcome="lost") == 1 and it.sum("runs") == 0)
    pair.client.request_removal(runs)

    bad = pair.client.submit(inputs(" "))
    assert ended(pair, bad)["isFailed"]
    after = until(port, lambda it: it.sum("jobs_ended_total", outcome="failed") == 1)
    assert after.sum("oldest_job_age_seconds") == 0


def killed(pair: Pair, programs: Programs, held_model: dict[str, str], gate: Path) -> None:
    job = pair.client.submit(inputs())
    pair.client.wait(lambda: len(journal(pair, job)) >= 2)
    pair.poller.signal(signal.SIGKILL)
    port = programs.start("poller-again", "poller", **FREE, **pair.poller_settings).ports()["admin"]
    taken = until(port, lambda it: it.sum("claims_total", outcome="taken_over") == 1)
    assert taken.sum("attempts_total", kind="crash") == 1
    assert taken.sum("pickup_seconds_count") == 0

    known = pair.client.wait(lambda: len(journal(pair, job)) >= 5 and len(journal(pair, job)))
    pair.executor.signal(signal.SIGKILL)
    same = {**FREE, "GRPC_PORT": str(pair.executor_port), **held_model}
    successor = programs.start("executor-again", "executor", **same)
    gate.touch()
    ended(pair, job)
    after, done = Scrape.of(port), Scrape.of(successor.ports()["admin"])
    assert after.sum("attempts_total", kind="crash") == 2
    assert after.sum("repeated_calls_total") == 0
    assert after.sum("jobs_ended_total", outcome="completed") == 1
    assert done.sum("llm_calls_total", outcome="recalled") >= known
    assert 0 < done.sum("llm_calls_total", outcome="answered") <= len(set(journal(pair, job))) - known
