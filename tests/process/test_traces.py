"""Traces off, traces that cannot be, traces to a collector: which span belongs to which, and that nobody waits for them."""

from __future__ import annotations

import asyncio
import logging.handlers
import os
import socket
import subprocess
import sys
import time
from functools import partial

import pytest

from poller.settings import load
from process.errors import WrongSettings
from process.otlp import Otlp
from process.traces import OFF, set_up
from workbench.collector import Collector, Span, collecting

DATABASE = {"firebase_database_emulator_host": "127.0.0.1:1"}


def traces(collector: Collector) -> Otlp:
    return Otlp(collector.url, service="eventstorming-test", instance="one")


def by_name(collector: Collector) -> dict[str, Span]:
    return {span.name: span for span in collector.spans}


async def test_a_job_is_one_trace_whoever_runs_it_and_its_runs_are_linked() -> None:
    with collecting() as collector:
        first, second = traces(collector), traces(collector)
        with first.run("job-1", 1):
            pass
        with second.run("job-1", 2):
            pass
        with second.run("job-2", 1):
            pass
        await asyncio.gather(first.sent(10), second.sent(10))
    runs = {
        (s.attributes["eventstorming.job.id"], s.attributes["eventstorming.epoch"]): s
        for s in collector.spans
    }
    one, two, other = runs["job-1", 1], runs["job-1", 2], runs["job-2", 1]
    assert one.trace == two.trace != other.trace
    assert two.links == ((one.trace, one.id),)
    assert (one.links, one.parent, two.parent) == ((), "", "")


async def test_a_part_is_a_child_across_tasks_and_across_programs() -> None:
    async def elsewhere(name: str) -> None:
        with poller.part(name):
            await asyncio.sleep(0)

    with collecting() as collector:
        poller, executor = traces(collector), traces(collector)
        with poller.run("job-1", 1):
            await asyncio.gather(elsewhere("left"), elsewhere("right"))
            carried = poller.carried()
        with executor.taken("execute", lambda: (*carried, ("x-bin", b"\0")), {"a": 1}) as span:
            span.tell({"b": "two"})
            with executor.part("chat", outward=True) as call:
                call.failed("timeout")
        for one in (poller, executor):
            await one.sent(10)
    found = by_name(collector)
    assert {found[name].parent for name in ("left", "right", "execute")} == {found["run"].id}
    assert found["chat"].parent == found["execute"].id
    assert len({span.trace for span in collector.spans}) == 1
    assert found["execute"].attributes == {"a": 1, "b": "two"}
    assert (found["chat"].failed, found["chat"].attributes) == (True, {"error.type": "timeout"})
    assert not found["run"].failed
    kinds = {name: span.kind for name, span in found.items()}
    assert kinds == {"run": 3, "execute": 2, "left": 1, "right": 1, "chat": 3}  # client, server, internal


async def test_a_caller_without_a_trace_begins_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    with collecting() as collector:
        mine = traces(collector)
        for metadata in ((), (("traceparent", "00-nonsense"),)):
            with mine.taken("generate", partial(tuple, metadata), {}):
                pass
        await mine.sent(10)
    assert [span.parent for span in collector.spans] == ["", ""]
    assert len({span.trace for span in collector.spans}) == 2
    assert {span.service for span in collector.spans} == {"ours"}


@pytest.mark.parametrize(("sampler", "share"), [("always_off", None), ("traceidratio", "0.3")])
async def test_whoever_samples_a_job_samples_all_of_its_runs(
    monkeypatch: pytest.MonkeyPatch, sampler: str, share: str | None
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", f"parentbased_{sampler}")
    if share:
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", share)
    with collecting() as collector:
        poller, other, executor = traces(collector), traces(collector), traces(collector)
        for number in range(200):
            for epoch, one in ((1, poller), (2, other)):
                with one.run(f"job-{number}", epoch), executor.taken("execute", one.carried, {}):
                    pass
        for one in (poller, other, executor):
            await one.sent(10)
    of = {name: {span.trace for span in collector.spans if span.name == name} for name in ("run", "execute")}
    assert of["run"] == of["execute"]
    assert len(collector.spans) == 4 * len(of["run"])
    assert len(of["run"]) == 0 if share is None else 30 <= len(of["run"]) <= 90


async def test_a_collector_that_never_answers_costs_nobody_time_and_memory_has_a_bound() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stuck = Otlp(f"http://127.0.0.1:{silent.getsockname()[1]}", service="s", instance="i")
        began = time.monotonic()
        for number in range(3_000):
            with stuck.run(f"job-{number}", 1):
                pass
        assert time.monotonic() - began < 3, "0.1 s on a quiet machine"
        began = time.monotonic()
        await stuck.sent(0.3)
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "Unauthorized"), pytest.param(0, "refused", marks=pytest.mark.heavy)],  # it tries twice
)
async def test_what_is_not_taken_is_a_problem_until_it_is(
    monkeypatch: pytest.MonkeyPatch, status: int, reason: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1.5")  # for all tries together
    told = logging.handlers.BufferingHandler(100)
    logging.getLogger().addHandler(told)
    with collecting(status or 200) as collector:
        port = collector.port if status else 9
        mine = Otlp(f"http://key:hush@127.0.0.1:{port}", service="s", instance="i")
        assert mine.problem == ""
        with mine.run("job", 1):
            pass
        await mine.sent(30)
    assert mine.problem.startswith(f"127.0.0.1:{port} does not take traces: ")
    assert reason in mine.problem
    assert "hush" not in mine.problem
    logging.getLogger().removeHandler(told)
    assert not told.buffer, "an outage is told once, not with each batch"


def test_off_without_an_endpoint() -> None:
    assert set_up(load(**DATABASE), "poller", "one") is OFF


def test_samplers_and_protocols_of_others_stop_the_start_only_where_traces_are_on() -> None:
    wrong = {
        "otel_exporter_otlp_protocol": "grpc",
        "otel_traces_sampler": "sometimes",
        "otel_traces_sampler_arg": "2",
    }
    load(**DATABASE, **wrong)
    with pytest.raises(WrongSettings) as refused:
        load(**DATABASE, **wrong, otel_exporter_otlp_endpoint="http://collector:4318")
    assert all(name.upper() in str(refused.value) for name in wrong)
    with pytest.raises(WrongSettings, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        load(**DATABASE, otel_exporter_otlp_endpoint="collector:4318")


PROGRAMS = {
    "poller": {"FIREBASE_DATABASE_EMULATOR_HOST": "127.0.0.1:1"},
    "executor": {"AI_MODEL": "offline:rules"},
}


@pytest.mark.heavy
@pytest.mark.parametrize("program", PROGRAMS)
def test_an_endpoint_without_the_packages_stops_the_start(program: str) -> None:
    code = f"import sys; sys.modules['opentelemetry.sdk'] = None; from {program}.__main__ import main; sys.exit(main())"
    environment = {**os.environ, **PROGRAMS[program], "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert (
        "OTEL_EXPORTER_OTLP_ENDPOINT: the packages for traces are not installed: pip install" in done.stderr
    )
