"""Nothing leaks: what a user wrote, and every key, through every way of failing; in no log line, error, metric or page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from eventstorming.v1 import executor_pb2, executor_pb2_grpc, job_pb2, job_pb2_grpc

from devkit.programs import Programs
from tests.e2e.hostile import MODES, hostile
from tests.e2e.pair import FREE, Pair, start_pair
from tests.e2e.test_pair import IDS
from tests.e2e.web_client import NAMESPACE

WROTE = "Quokkazanzibar"
WROTE_KOREAN = "두루미자전거대여"
KEY = "canary0penAIkey4711"
TOKEN = "canaryGrpcToken4711"
ACCOUNT = "canaryPrivateKey4711"
WORDS = (WROTE, WROTE_KOREAN, KEY, TOKEN, ACCOUNT)
BEARER = (("authorization", f"Bearer {TOKEN}"),)


def leaks(text: str, words: tuple[str, ...] = WORDS) -> list[str]:
    """The lines in which a canary sings, whatever its case."""
    return [line[:600] for line in text.splitlines() if any(word.lower() in line.lower() for word in words)]


def text_of(mode: str) -> str:
    return f"mode {mode}\n{WROTE} borrows a book. {WROTE_KOREAN}에서 책을 빌린다. The {WROTE} returns it."


def submitted(pair: Pair, **inputs: Any) -> str:
    given = {"requestType": "fromRequirements", "ids": IDS, "preferedLanguage": "English", **inputs}
    return pair.client.submit(given)


def postponed(pair: Pair) -> str:
    """A job that waits for an hour."""
    job = str(uuid.uuid4())
    given = {"requestType": "fromRequirements", "ids": IDS, "requirements": text_of("broken"), "jobId": job}
    pair.client.put(f"jobs/{NAMESPACE}/{job}", {"state": {"inputs": given}})
    later = int((time.time() + 3600) * 1000)
    pair.client.put(
        f"requestedJobs/{NAMESPACE}/{job}", {"createdAt": {".sv": "timestamp"}, "notBefore": later}
    )
    return job


def refused(call: Any, request: Any, metadata: Any = BEARER) -> str:
    """Everything a client can see of an error."""
    try:
        answer = call(request, metadata=metadata, timeout=30)
        list(answer if hasattr(answer, "__iter__") else ())
    except grpc.RpcError as seen:
        return f"{seen.code()} {seen.details()} {seen.trailing_metadata()} {seen.debug_error_string()}"
    raise AssertionError(f"not refused: {request}")


def pages(pair: Pair) -> str:
    ports = (pair.ports["admin"], pair.executor.ports()["admin"])
    urls = [f"http://127.0.0.1:{port}/{page}" for port in ports for page in ("metrics", "readyz", "livez")]
    return "\n".join(httpx.get(url, trust_env=False).text for url in urls)


def test_no_way_of_failing_tells_what_a_user_wrote_or_a_key(programs: Programs) -> None:
    settings = {"GRPC_TOKEN": TOKEN, "GRPC_ALLOW_PLAINTEXT_TOKEN": "true", "STEP_TIMEOUT_SECONDS": "1"}
    with hostile() as url:
        model = {"AI_MODEL": "openai:hostile", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": url}
        pair = start_pair(programs, executors={**model, **settings}, MAX_ATTEMPTS="1", **settings)
        failing = {mode: submitted(pair, requirements=text_of(mode)) for mode in MODES}
        cancelled = postponed(pair)
        strange = [
            submitted(pair, requirements=text_of("broken"), requestType=WROTE),
            submitted(pair, requestType="fromDraft", draft=WROTE),
            submitted(pair, requestType="fromDraft", draft={"structures": [WROTE]}, requirements=WROTE),
            submitted(pair, requirements={"text": WROTE}, preferedLanguage=WROTE),
        ]
        pair.client.put(f"requestedJobs/{NAMESPACE}/{uuid.uuid4()}", {"waitingJobCount": WROTE, WROTE: KEY})
        seen = calls(pair, failing["rejected"], cancelled)
        for job in (*failing.values(), *strange):
            assert pair.client.ended(job)["isFailed"], job
        seen += refused_after(pair, strange[1])
        seen += refused_by_the_database(pair, strange[1])
        pair.client.request_removal(cancelled)
        pair.client.wait(lambda: pair.client.get(f"jobStates/{NAMESPACE}") is None)
        stored = json.dumps(pair.client.get(""), ensure_ascii=False)
        seen += pages(pair)
    assert "\n".join(leaks(pair.logs())) == ""
    assert leaks(seen) == []
    assert leaks(stored, (KEY, TOKEN)) == [], "a key in the database"
    for kind in ("job.failed", "job.rejected", "job.dropped", "call.ended", "llm.no_answer"):
        assert kind in pair.logs(), f"no {kind}: this test no longer goes that way"


def calls(pair: Pair, running: str, cancelled: str) -> str:
    """Calls that fail, and what their clients saw."""
    with (
        grpc.insecure_channel(f"127.0.0.1:{pair.ports['grpc']}") as poller,
        grpc.insecure_channel(f"127.0.0.1:{pair.executor_port}") as executor,
    ):
        jobs, direct = job_pb2_grpc.JobServiceStub(poller), executor_pb2_grpc.ExecutorServiceStub(executor)
        seen = [
            refused(jobs.GetJob, job_pb2.GetJobRequest(job_id=WROTE)),
            refused(jobs.WatchJob, job_pb2.WatchJobRequest(job_id=WROTE)),
            refused(
                jobs.GetJob, job_pb2.GetJobRequest(job_id=running), (("authorization", f"Bearer {KEY}"),)
            ),
            refused(
                jobs.SubmitJob,
                job_pb2.SubmitJobRequest(
                    input=job_pb2.JobInput(job_id=running, requirements=f"Other {WROTE}.")
                ),
            ),
            refused(jobs.SubmitJob, job_pb2.SubmitJobRequest(input=job_pb2.JobInput(user_id=WROTE))),
        ]
        jobs.CancelJob(
            job_pb2.CancelJobRequest(job_id=cancelled, cancelled_by="an operator"), metadata=BEARER
        )
        for mode in MODES:
            job = job_pb2.JobInput(requirements=text_of(mode))
            seen.append(refused(direct.Generate, executor_pb2.GenerateRequest(input=job)))
        checked = direct.Check(executor_pb2.CheckRequest(), metadata=BEARER)
        seen.append(str(checked))
    return "\n".join(seen)


def refused_by_the_database(pair: Pair, job: str) -> str:
    """What is seen while the database answers 401 and 503 to everything, and hears what it must not repeat."""
    faults = f"http://127.0.0.1:{pair.rtdb}/.emulator/faults.json"
    seen = []
    with grpc.insecure_channel(f"127.0.0.1:{pair.ports['grpc']}") as poller:
        jobs = job_pb2_grpc.JobServiceStub(poller)
        new = job_pb2.SubmitJobRequest(input=job_pb2.JobInput(requirements=text_of("broken")))
        for status in (401, 503):
            answer = httpx.patch(faults, json={"errors": -1, "error_status": status}, trust_env=False)
            assert answer.status_code == 200, answer.text
            seen += [refused(jobs.SubmitJob, new), pages(pair)]
            httpx.delete(faults, trust_env=False)
    return "\n".join(seen)


def refused_after(pair: Pair, job: str) -> str:
    with grpc.insecure_channel(f"127.0.0.1:{pair.ports['grpc']}") as poller:
        jobs = job_pb2_grpc.JobServiceStub(poller)
        return refused(jobs.CancelJob, job_pb2.CancelJobRequest(job_id=job))


@pytest.mark.parametrize("program", ["poller", "executor"])
def test_wrong_settings_are_named_without_their_values(program: str, tmp_path: Path) -> None:
    account = tmp_path / "account.json"
    account.write_text(
        json.dumps({"type": "service_account", "private_key": ACCOUNT, "client_email": "x@y.z"})
    )
    wrong = {
        **FREE,
        **dict.fromkeys(
            ("AI_MODEL", "OPENAI_BASE_URL", "GRPC_TLS_CERT", "GRPC_TLS_CA", "LLM_TIMEOUT_SECONDS"), KEY
        ),
        **dict.fromkeys(
            ("LEASE_SECONDS", "MAX_CONCURRENT_JOBS", "LOG_LEVEL", "EXECUTOR_TARGET", "NAMESPACE"), f"{KEY}/"
        ),
        "OPENAI_API_KEY": KEY,
        "GRPC_TOKEN": TOKEN,
        "FIREBASE_DATABASE_URL": KEY,
    }
    stopped = _stopped(program, wrong)
    assert stopped.returncode == 2
    assert leaks(stopped.stderr + stopped.stdout) == []


def test_a_service_account_key_that_cannot_be_used_is_not_shown(programs: Programs, tmp_path: Path) -> None:
    account = tmp_path / "account.json"
    account.write_text(
        json.dumps(
            {
                "type": "service_account",
                "private_key": f"-----BEGIN PRIVATE KEY-----\n{ACCOUNT}\n-----END PRIVATE KEY-----\n",
                "client_email": "x@y.z",
                "token_uri": "http://127.0.0.1:9/token",
                "project_id": "p",
            }
        )
    )
    settings = {
        "FIREBASE_DATABASE_URL": "http://127.0.0.1:9",
        "FIREBASE_SERVICE_ACCOUNT_PATH": str(account),
        "GRPC_TOKEN": TOKEN,
        "GRPC_ALLOW_PLAINTEXT_TOKEN": "true",
        **FREE,
    }
    poller = programs.start("poller", "poller", **settings)
    admin = f"http://127.0.0.1:{poller.ports()['admin']}"
    deadline = time.monotonic() + 30
    while "service account" not in (ready := httpx.get(f"{admin}/readyz", trust_env=False).text):
        assert time.monotonic() < deadline, ready
        time.sleep(0.05)
    assert leaks(poller.output() + ready + httpx.get(f"{admin}/metrics", trust_env=False).text) == []


def _stopped(program: str, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("FIREBASE", "OPENAI"))
    }
    return subprocess.run(
        [sys.executable, "-m", program],
        env={**inherited, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
