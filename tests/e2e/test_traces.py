"""Traces of both programs, as a collector sees them: one tree per job, across a kill, and nothing in it that a user wrote."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devkit.programs import Program, Programs
from tests.e2e.language_model import asked, language_model
from tests.e2e.pair import FREE, Pair, start_pair
from tests.e2e.seen import INPUTS
from workbench.collector import Collector, Span, collecting

pytestmark = pytest.mark.heavy

STEPS = {"step outline", "step draft", "step behaviour", "step policies", "step scenarios", "step screens"}
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "200"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


def until(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def traced(programs: Programs, collector: Collector, **executor: str) -> Pair:
    on = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **QUICK}
    return start_pair(
        programs,
        executors={**executor, **on},
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY=QUICK["OTEL_BSP_SCHEDULE_DELAY"],
    )


def runs(collector: Collector) -> list[Span]:
    found = (span for span in collector.spans if span.name == "run")
    return sorted(found, key=lambda span: span.attributes["eventstorming.epoch"])


def ended(program: Program) -> float:
    """Seconds from SIGTERM to the end."""
    began = time.monotonic()
    program.signal(signal.SIGTERM)
    program.wait()
    return time.monotonic() - began


def test_a_job_is_one_tree_from_the_poller_to_each_call(
    programs: Programs, collector: Collector, tmp_path: Path
) -> None:
    log = tmp_path / "calls.jsonl"
    settings = language_model(programs, log, "--fault", "429=0.6", p50=0.01, p95=0.02)
    pair = traced(programs, collector, **settings)
    job = pair.client.submit(INPUTS)
    assert pair.client.ended(job).get("isCompleted")
    for program in (pair.executor, pair.poller):
        ended(program)

    spans = {span.id: span for span in collector.spans}
    assert len({span.trace for span in spans.values()}) == 1
    [top] = [span for span in spans.values() if not span.parent]
    [execute] = [span for span in spans.values() if span.parent == top.id]
    steps = [span for span in spans.values() if span.parent == execute.id]
    calls = [span for span in spans.values() if span.parent in {step.id for step in steps}]
    assert len(spans) == 2 + len(steps) + len(calls), "every span hangs on the tree"

    assert (top.name, top.service, execute.name, execute.service) == (
        *("run", "eventstorming-poller"),
        *("execute", "eventstorming-executor"),
    )
    assert top.attributes["eventstorming.job.id"] == execute.attributes["eventstorming.job.id"] == job
    assert (
        top.attributes["eventstorming.outcome"] == execute.attributes["eventstorming.outcome"] == "completed"
    )
    assert {step.name for step in steps} >= STEPS
    assert {call.name for call in calls} == {"chat local"}

    lines = asked(log)
    assert len(calls) == sum(line["event"] == "ask" for line in lines)
    again = [call for call in calls if call.failed]
    assert len(again) == sum(line["event"] == "fault" for line in lines) > 0
    assert {call.attributes["error.type"] for call in again} == {"throttled"}
    assert len([call for call in calls if call.attributes.get("http.request.resend_count")]) == len(again)
    good = [call.attributes for call in calls if not call.failed]
    used = sum(one["gen_ai.usage.input_tokens"] + one["gen_ai.usage.output_tokens"] for one in good)
    assert used == top.attributes["eventstorming.tokens"] > 0
    assert {
        (one["gen_ai.operation.name"], one["gen_ai.provider.name"], one["gen_ai.request.model"])
        for one in good
    } == {("chat", "openai", "local")}

    values = (str(value) for span in spans.values() for value in span.attributes.values())
    told = " ".join((*values, *(span.name for span in spans.values())))
    words = set(re.findall(r"[A-Za-z]{4,}", str(INPUTS["requirements"]))) - {"return", "with"}
    assert not {word for word in words if re.search(rf"\b{word}\b", told)}
    assert "sk-local" not in told


def test_a_killed_executor_and_a_killed_poller_leave_one_trace_with_linked_runs(
    programs: Programs, collector: Collector, tmp_path: Path
) -> None:
    log = tmp_path / "calls.jsonl"
    settings = language_model(programs, log, p50=0.4, p95=0.6)
    pair = traced(programs, collector, **settings)
    job = pair.client.submit(INPUTS)
    until(lambda: len(asked(log)) > 3 if log.exists() else False)
    pair.executor.signal(signal.SIGKILL)
    pair.executor.wait()
    before = len(asked(log))
    on = {**settings, **QUICK, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    again = programs.start(
        "executor-again", "executor", **{**FREE, "GRPC_PORT": str(pair.executor_port)}, **on
    )
    until(lambda: "job.started" in pair.poller.output().partition("job.executor_gone")[2])
    until(lambda: len(runs(collector)) == 1)
    until(lambda: len(asked(log)) > before)
    pair.kill_poller()
    assert pair.client.ended(job).get("isCompleted")
    for program in (again, pair.poller):
        program.signal(signal.SIGTERM)
    until(
        lambda: (
            bool(runs(collector))
            and runs(collector)[-1].attributes.get("eventstorming.outcome") == "completed"
        )
    )

    found = runs(collector)
    first, last = found[0], found[-1]
    assert first.attributes["eventstorming.outcome"] == "executor_gone"
    assert first.failed
    assert last.attributes["eventstorming.epoch"] >= 3
    of = {span.attributes["eventstorming.epoch"]: span for span in found}
    for epoch, span in of.items():
        assert len(span.links) == (epoch > 1)
        if before := of.get(epoch - 1):
            assert span.links == ((before.trace, before.id),)
    lost = last.links[0]
    under = [span for span in collector.spans if span.name == "execute" and (span.trace, span.parent) == lost]
    assert under, (
        "what the executor did for the killed poller hangs on the run that the next one is linked to"
    )
    assert len({span.trace for span in collector.spans}) == 1


@pytest.mark.parametrize("there", ["nobody", "an error"])
def test_a_collector_that_takes_nothing_costs_a_drain_nothing_and_is_told_once(
    programs: Programs, there: str
) -> None:
    with collecting(503) as refusing:
        endpoint = refusing.url if there == "an error" else "http://127.0.0.1:9"
        on = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "SHUTDOWN_GRACE_SECONDS": "10"}
        pair = start_pair(
            programs,
            executors={"AI_MODEL": "offline:rules", **on, **QUICK},
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            SHUTDOWN_GRACE_SECONDS="10",
        )
        job = pair.client.submit(INPUTS)
        assert pair.client.ended(job).get("isCompleted")
        until(lambda: all("outage.lasts" in one.output() for one in (pair.executor, pair.poller)))
        assert ended(pair.executor) < 5, "nothing runs: a tenth of the grace, and what a loaded machine adds"
        assert ended(pair.poller) < 5
    for program in (pair.executor, pair.poller):
        lines = [json.loads(line) for line in program.output().splitlines() if line.startswith("{")]
        told = [line for line in lines if line["message"] == "outage.lasts" and line["of"] == "traces"]
        assert 1 <= len(told) <= 3
        assert not [line for line in lines if line.get("severity") == "ERROR" or "batch" in line["message"]]


@pytest.mark.parametrize("program", ["poller", "executor"])
def test_without_an_endpoint_nothing_of_opentelemetry_is_imported(program: str, tmp_path: Path) -> None:
    """Python itself says what it imports, from the start to the end."""
    settings = {"FIREBASE_DATABASE_EMULATOR_HOST": "127.0.0.1:9", "AI_MODEL": "offline:rules", **FREE}
    said = tmp_path / "imports"
    with said.open("wb") as sink:
        child = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", program], env=settings, stdout=sink, stderr=sink
        )
        until(lambda: b' ready"' in said.read_bytes())
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
    imported = re.findall(r"import time:[\s\d|]+\| +(\S+)", said.read_text("utf-8", "replace"))
    assert len(imported) > 500
    refused = {
        "opentelemetry.sdk.trace"
    }  # is listed, although it is not imported: its parents are not, either
    assert {name for name in imported if name.startswith("opentelemetry")} <= refused
