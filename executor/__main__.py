"""`python -m executor`: the only place where the concrete parts meet."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__" and not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
    # LangSmith loads OpenTelemetry's SDK, where it is installed, for the name of a type alone.
    sys.modules["opentelemetry.sdk.trace"] = None  # type: ignore[assignment]

import asyncio
from contextlib import AsyncExitStack, suppress
from functools import partial

import structlog
import uvloop

from executor.configured import language_models
from executor.graph.inputs import BLOCKS
from executor.llm import providers
from executor.metrics import Metrics
from executor.pipeline import run_graph, run_silences
from executor.server import grpc_server
from executor.service import Bounds, ExecutorService
from executor.settings import Settings, load
from executor.slots import Slots
from process import blocked, health, logs, signals
from process.errors import PortTaken, WrongSettings
from process.metrics import route, sample_lag
from process.outages import watch
from process.server import GrpcServer
from process.tasks import gravest
from process.traces import OFF, Traces, set_up

SPARE_SECONDS = 6.0
"""Of a grace of 20: acks of the last answers, goodbyes, traces."""

log = structlog.get_logger("executor")


def main() -> int:
    """Exit code: 0 after a drain, 2 when the settings do not allow a start.

    On uvloop, which takes a twentieth off this program's processor time. The poller stays on asyncio's own loop: it sends at once what is
    written, where uvloop waits for the end of the loop's turn, and the fence is to be as near to the sending as can be.
    """
    code = 0
    try:
        settings = load()
        logs.set_up(settings.log_level, settings.log_format)
        settings.tell()
        uvloop.run(serve(settings, set_up(settings, "executor", settings.pod_id)))
    except* (WrongSettings, providers.MissingProvider, PortTaken) as failures:
        code = 2
        print(gravest(failures), file=sys.stderr)
    if not code and settings.langsmith_tracing:
        _leave()
    return code


def _leave() -> None:
    """Ends at once: while nobody answers them, LangSmith's threads hold a process for longer than its grace."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def serve(settings: Settings, traces: Traces = OFF) -> None:
    """Serves until the first SIGTERM or SIGINT, then drains; the second exits at once."""
    stop = asyncio.Event()
    signals.on_first(stop.set)
    slots = Slots(settings.max_concurrent_jobs)
    names = tuple(dict.fromkeys((str(settings.ai_model), str(settings.light_model))))
    counted = Metrics(steps=tuple(BLOCKS), models=names)
    models = language_models(settings, counted, traces)
    counted.watch(slots, models.concurrency)
    service = ExecutorService(
        slots=slots,
        language_models=models,
        pipeline=run_graph,
        beside=run_silences,
        bounds=_bounds(settings),
        metrics=counted,
        traces=traces,
    )
    server = grpc_server(service, settings)
    serving = partial(health.serving, host=settings.bind_host)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(blocked.watched(ends=True))
        stack.push_async_callback(server.stop, 0)
        await server.start()
        http = await stack.enter_async_context(
            serving(health.public(lambda: _dead(server)), settings.http_port, name="HTTP_PORT")
        )
        inside = health.admin(
            lambda: _dead(server),
            lambda: "draining" if slots.draining else _dead(server),
            [route(counted.registry)],
        )
        outages = watch(
            {"language model": lambda: models.concurrency.problem, "traces": lambda: traces.problem}
        )
        for beside in (sample_lag(counted.lag), outages):
            stack.callback(asyncio.create_task(beside).cancel)
        admin = await stack.enter_async_context(serving(inside, settings.admin_port, name="ADMIN_PORT"))
        log.info(
            "executor.ready", grpc=server.port, http=http, admin=admin, language_model=str(settings.ai_model)
        )
        logs.ready("executor", settings.log_format, grpc=server.port, http=http, admin=admin)
        signals.spare_the_collector()
        await stop.wait()
        await _drain(server, slots, settings)
        await _sent(settings, traces)
        log.info("executor.stopped")


async def _drain(server: GrpcServer, slots: Slots, settings: Settings) -> None:
    """Before a poller that drains at the same time gives up: what is broken off here at last, it still hears of."""
    grace = settings.shutdown_grace_seconds
    log.info("executor.draining", slots_taken=slots.runs)
    await server.not_serving()
    with suppress(TimeoutError):
        async with asyncio.timeout(signals.patience(grace, spare=SPARE_SECONDS - 2)):
            if late := await slots.drained(signals.patience(grace, spare=SPARE_SECONDS)):
                log.warning("executor.broken_off", runs=late)
    await server.stop(min(1.0, grace * 0.1))


async def _sent(settings: Settings, traces: Traces) -> None:
    """What is traced, to whoever takes it in time."""
    seconds = settings.shutdown_grace_seconds * 0.1
    async with asyncio.TaskGroup() as group:
        group.create_task(traces.sent(seconds))
        if settings.langsmith_tracing:
            group.create_task(providers.traces_sent(seconds))


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        job_seconds=settings.job_timeout_seconds,
        step_seconds=settings.step_timeout_seconds,
        max_tokens=settings.job_max_tokens,
    )


def _dead(server: GrpcServer) -> str:
    return "the gRPC server has stopped" if server.stopped else ""


if __name__ == "__main__":
    sys.exit(main())
