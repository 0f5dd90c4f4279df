"""Wires the poller together and runs it until SIGTERM: the only place where the concrete classes meet."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from poller import admin
from poller.dispatcher import Dispatcher
from poller.errors import Permanent
from poller.executors import Access, GrpcExecutors
from poller.job import Limits, RetryPolicy
from poller.metrics import Gauges, Metrics
from poller.pages import Pages
from poller.ports import Jobs
from poller.rtdb.fence import Claimant
from poller.rtdb.names import Nodes
from poller.rtdb.open import open_database
from poller.rtdb.queue import Opened
from poller.rtdb.retention import Periods, Retention
from poller.rtdb.writer import Writer
from poller.server import serve_jobs
from poller.settings import Settings, load
from process import blocked, health, logs, signals
from process.errors import PortTaken, WrongSettings
from process.metrics import route, sample_lag
from process.outages import watch
from process.settings import LOOPBACK
from process.tasks import gravest
from process.traces import OFF, Traces, set_up

if TYPE_CHECKING:
    from poller.a2a.doors import Doors

log = structlog.get_logger(__name__)


SPARE_SECONDS = 4.0
"""Of a grace of 20: giving jobs back. Less than executors keep, so that their last answers still come in time."""

_COUNTS_SLEEP = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Leases go on while a machine sleeps; Linux's monotonic clock does not."""


class SystemClock:
    """Implements the port `Clock`."""

    def monotonic(self) -> float:
        """Seconds; goes on while the machine sleeps."""
        return time.clock_gettime(_COUNTS_SLEEP)

    async def sleep(self, seconds: float) -> None:
        """By the event loop, which does not count what the machine sleeps."""
        await asyncio.sleep(seconds)


async def serve(settings: Settings, traces: Traces = OFF) -> None:
    """Until SIGTERM and the drain after it. Raises Permanent, PortTaken: it cannot start."""
    clock, counted = SystemClock(), Metrics()
    database = open_database(settings, counted)
    nodes, lease_rules = Nodes(settings.namespace), settings.firebase_database_lease_rules
    async with database, Writer(database, nodes, clock, lease_rules=lease_rules, metrics=counted) as writer:
        opened = Opened.over(writer, Claimant(owner=settings.pod_id, lease_seconds=settings.lease_seconds))
        executors = GrpcExecutors(
            settings.executor_target, poller_id=settings.pod_id, access=access(settings), traces=traces
        )
        dispatcher = Dispatcher(
            opened.queue,
            executors,
            clock,
            owner=settings.pod_id,
            inherits=settings.named_pod,
            lease_seconds=settings.lease_seconds,
            retry=RetryPolicy(max_attempts=settings.max_attempts),
            limits=limits(settings),
            patience=signals.patience(settings.shutdown_grace_seconds, spare=SPARE_SECONDS),
            metrics=counted,
            traces=traces,
        )
        counted.registry.register(Gauges(dispatcher.backlog, executors, opened.queue))
        periods = Periods(
            failed_days=settings.retention_failed_days, completed_days=settings.retention_completed_days
        )
        retention = Retention(writer, periods, now=writer.now)
        await run(settings, Parts(opened, executors, dispatcher, retention, counted, traces))
    await traces.sent(settings.shutdown_grace_seconds * 0.05)


@dataclass(frozen=True, slots=True)
class Parts:
    """What works until the drain."""

    opened: Opened
    executors: GrpcExecutors
    dispatcher: Dispatcher
    retention: Retention
    counted: Metrics
    traces: Traces


async def run(settings: Settings, parts: Parts) -> None:
    """From the first listening to the end of the drain."""
    queue, jobs = parts.opened.queue, parts.opened.jobs
    executors, dispatcher = parts.executors, parts.dispatcher
    async with asyncio.TaskGroup() as group:
        traces = parts.traces
        outages = watch(
            {
                "database": queue.problem,
                "executors": executors.problem,
                "traces": lambda: traces.problem,
            }
        )
        beside = (executors.run(), parts.retention.run(), sample_lag(parts.counted.lag), outages)
        tasks = [group.create_task(action) for action in beside]
        work = group.create_task(dispatcher.run())

        def lost() -> str:
            return "the work loop has ended" if work.done() and not dispatcher.draining else ""

        def unready() -> str:
            draining = "draining" if dispatcher.draining else ""
            return lost() or draining or queue.problem() or executors.problem()

        def inside(pages: Pages, agents: list[BaseRoute]) -> Starlette:
            routes = [route(parts.counted.registry), *agents, *admin.guarded(pages.routes, settings.token)]
            return health.admin(lost, unready, routes)

        serving = partial(health.serving, host=settings.bind_host)
        async with (
            blocked.watched(ends=False),
            Pages.of(jobs) as pages,
            serving(health.public(lost), settings.http_port, name="HTTP_PORT") as http_port,
            coding_agents(jobs, settings) as agents_inside,
            serving(inside(pages, agents_inside), settings.admin_port, name="ADMIN_PORT") as admin_port,
            AsyncExitStack() as more,
        ):
            boards = settings.board_url or own_pages(settings, admin_port)
            agents = doors(parts.opened, settings, boards)
            more_services = agents.services if agents else None
            server = await serve_jobs(jobs, settings, dispatcher.backlog, boards=boards, beside=more_services)
            ports = {"grpc": server.port, "http": http_port, "admin": admin_port}
            if agents:
                served = serving(agents.app(server.port), settings.a2a_port, name="A2A_PORT")
                ports["a2a"] = await more.enter_async_context(served)
                tasks.append(group.create_task(agents.run()))
            signals.on_first(dispatcher.drain)
            log.info("poller.ready", **ports, owner=settings.pod_id)
            logs.ready("poller", settings.log_format, **ports)
            signals.spare_the_collector()
            await dispatcher.until_draining()
            await server.not_serving()
            await drained(work, dispatcher, settings.shutdown_grace_seconds)
            await server.stop(grace=1)
        for task in tasks:
            task.cancel()
        log.info("poller.ended")


@asynccontextmanager
async def coding_agents(jobs: Jobs, settings: Settings) -> AsyncIterator[list[BaseRoute]]:
    """What they find on the port inside the cluster, where MCP_HTTP says so: only then is their package imported."""
    if not settings.mcp_http:
        yield []
        return
    from poller.mcp.local import served

    async with served(jobs, settings.token) as routes:
        yield routes


def doors(opened: Opened, settings: Settings, boards: str | None) -> Doors | None:
    """For other agents, where A2A_PORT says so: only then is their package imported."""
    if not settings.a2a_port:
        return None
    from poller.a2a.doors import Doors

    return Doors(opened.jobs, opened.webhooks, SystemClock(), settings, boards=boards)


def own_pages(settings: Settings, port: int) -> str | None:
    """Where the pages are if they are for this machine alone; from elsewhere they have a name that only BOARD_URL can say."""
    return f"http://{LOOPBACK}:{port}" if settings.bind_host == LOOPBACK else None


async def drained(work: asyncio.Task[None], dispatcher: Dispatcher, grace: float) -> None:
    """Until everything that ran here is handed over, or the grace after the signal is used up."""
    await asyncio.wait({work}, timeout=grace)
    if not work.done():
        log.error("poller.aborted", running=len(dispatcher.running))
        work.cancel()


def access(settings: Settings) -> Access:
    """How executors are called: token and TLS."""
    return Access(
        token=settings.token,
        tls=settings.grpc_tls_cert is not None or settings.grpc_tls_ca is not None,
        tls_ca=settings.grpc_tls_ca,
        tls_cert=settings.grpc_tls_cert,
        tls_key=settings.grpc_tls_key,
    )


def limits(settings: Settings) -> Limits:
    """What one job may use up."""
    return Limits(
        job_seconds=settings.job_timeout_seconds,
        step_seconds=settings.step_timeout_seconds,
        max_tokens=settings.job_max_tokens,
    )


def main() -> int:
    """Exit code: 0 after a drain, 1 if it could not go on, 2 for wrong settings."""
    try:
        settings = load()
        traces = set_up(settings, "poller", settings.pod_id)
    except WrongSettings as error:
        print(error, file=sys.stderr)
        return 2
    logs.set_up(settings.log_level, settings.log_format)
    settings.tell()
    code = 0
    try:
        asyncio.run(serve(settings, traces))
    except* (Permanent, PortTaken) as failures:
        code = 1
        log.critical("poller.failed", reason=str(gravest(failures)))
    return code


if __name__ == "__main__":
    sys.exit(main())
