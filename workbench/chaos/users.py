"""The users of one chaos run: they submit as the web client does, stop, tidy up, and an operator cancels and tries again.

They insist: a write counts when the database has acknowledged it. What they did goes into the history.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
from eventstorming.v1 import job_pb2, job_pb2_grpc

from workbench.bench.texts import mark
from workbench.chaos.plan import Plan, Submission
from workbench.chaos.system import System
from workbench.chaos.texts import draft, text

NAMESPACE = "eventstorming_generator"
_OWNER = {"Authorization": "Bearer owner"}


class History:
    """What was done to the system from outside, one JSON line each."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()

    def write(self, event: str, **more: Any) -> None:
        line = json.dumps({"time": time.time(), "event": event, **more}, ensure_ascii=False)
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


@dataclass
class Case:
    """One job as its user sees it."""

    submission: Submission
    submitted_at: float = 0.0
    wished: bool = False
    removal_asked: bool = False
    removing: bool = False
    retried: bool = False
    over: bool = False

    @property
    def job_id(self) -> str:
        return self.submission.job_id


class Users:
    """`most`: jobs under way at once; who would be one more waits."""

    def __init__(self, system: System, plan: Plan, history: History, *, most: int = 1_000_000) -> None:
        self._system, self._history, self._most = system, history, most
        self._enough = threading.Event()
        self._cases = [Case(submission) for submission in plan.submissions]
        self._http = httpx.Client(timeout=3.0, headers=_OWNER)
        self._began = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def start(self) -> None:
        self._began = time.monotonic()
        self._thread.start()

    def enough(self) -> None:
        """Nobody submits any more."""
        self._enough.set()

    def wait(self, seconds: float) -> bool:
        """Whether every job is over."""
        self._thread.join(max(0.0, seconds))
        self._stopped.set()
        return not self._thread.is_alive()

    def _live(self) -> None:
        while not self._stopped.is_set() and not all(case.over for case in self._cases):
            for case in self._cases:
                # The database is away for a moment, or nobody serves: the next round looks again.
                with contextlib.suppress(httpx.HTTPError, grpc.RpcError):
                    self._look_after(case)
            time.sleep(0.2)

    def _look_after(self, case: Case) -> None:
        now = time.monotonic() - self._began
        if case.over or now < case.submission.at:
            return
        if not case.submitted_at and self._enough.is_set():
            case.over = True
        elif not case.submitted_at and self._under_way() >= self._most:
            return
        elif not case.submitted_at:
            self._submit(case)
            case.submitted_at = now
        elif not case.wished and now - case.submitted_at >= case.submission.patience:
            case.wished = self._wish(case)
        elif case.wished:
            self._follow(case)

    def _under_way(self) -> int:
        return sum(bool(case.submitted_at) and not case.over for case in self._cases)

    def _submit(self, case: Case) -> None:
        one = case.submission
        inputs: dict[str, Any] = {
            "requestType": one.request,
            "jobId": one.job_id,
            "ids": {"uid": "u-1", "projectId": "p-1"},
            "preferedLanguage": one.language,
        }
        if one.request == "fromDraft":
            inputs["draft"] = draft(one.number, one.language)
        else:
            inputs["requirements"] = text(one.number, one.language)
        self._create(f"jobs/{NAMESPACE}/{one.job_id}", {"state": {"inputs": inputs}})
        self._create(f"requestedJobs/{NAMESPACE}/{one.job_id}", {"createdAt": {".sv": "timestamp"}})
        self._history.write(
            "submitted", job=one.job_id, mark=mark(one.number), wish=one.wish, request=one.request
        )

    def _wish(self, case: Case) -> bool:
        """Whether the user has nothing more to ask for."""
        wish = case.submission.wish
        flags = self._flags(case)
        if wish == "stop" or case.removal_asked or (wish == "tidy" and "isCompleted" in flags):
            self._remove(case)
            return True
        if wish == "tidy":
            return "isFailed" in flags
        if wish in ("cancel", "cancel and retry") and not flags:
            # Whoever is deaf goes on writing until its margin is used up, cancelled or not: the database alone could stop it.
            return not self._system.deaf and self._operate(case, "cancel")
        return True

    def _follow(self, case: Case) -> None:
        """A failed job is tried again once where that was wished; the rest is over when it has ended."""
        if case.removing:
            case.over = not self._stored("jobStates", case) and not self._stored("jobs", case)
            return
        flags = self._flags(case)
        wants_retry = case.submission.wish == "cancel and retry" and not case.retried
        if "isFailed" in flags and wants_retry:
            case.retried = self._operate(case, "retry")
        elif flags and not self._stored("requestedJobs", case):
            case.over = True

    def _remove(self, case: Case) -> None:
        self._history.write("removal asked", job=case.job_id)
        case.removal_asked = (
            True  # and asked again until there is an answer: it may be gone before that comes
        )
        path = f"jobStates/{NAMESPACE}/{case.job_id}"
        self._http.put(self._url(path), json={"isRemoveRequested": True}).raise_for_status()
        case.removing = True

    def _operate(self, case: Case, what: str) -> bool:
        poller = self._system.pollers[case.submission.number % len(self._system.pollers)]
        with grpc.insecure_channel(f"127.0.0.1:{poller.ports['grpc']}") as channel:
            jobs = job_pb2_grpc.JobServiceStub(channel)
            try:
                if what == "cancel":
                    request = job_pb2.CancelJobRequest(job_id=case.job_id, cancelled_by="chaos")
                    jobs.CancelJob(request, timeout=20)
                else:
                    jobs.RetryJob(job_pb2.RetryJobRequest(job_id=case.job_id), timeout=20)
            except grpc.RpcError as error:
                return bool(error.code() is grpc.StatusCode.FAILED_PRECONDITION)  # it has ended meanwhile
        self._history.write(what, job=case.job_id)
        return True

    def _flags(self, case: Case) -> set[str]:
        return {flag for flag in ("isCompleted", "isFailed") if self._get(_output(case, flag)) is True}

    def _stored(self, root: str, case: Case) -> bool:
        return self._get(f"{root}/{NAMESPACE}/{case.job_id}", shallow="true") is not None

    def _get(self, path: str, **params: str) -> Any:
        return self._http.get(self._url(path), params=params).raise_for_status().json()

    def _create(self, path: str, value: Any) -> None:
        """Only if nothing is there: a repetition after a lost reply must not undo what was done since."""
        answer = self._http.put(self._url(path), json=value, headers={"if-match": "null_etag"})
        if answer.status_code != 412:
            answer.raise_for_status()
        elif answer.json() is None:
            raise httpx.HTTPError("refused although nothing is there")

    def _url(self, path: str) -> httpx.URL:
        return httpx.URL(
            f"http://127.0.0.1:{self._system.rtdb.ports['rtdb']}/{path}.json", params={"ns": "eventstorming"}
        )


def _output(case: Case, leaf: str) -> str:
    return f"jobs/{NAMESPACE}/{case.job_id}/state/outputs/{leaf}"
