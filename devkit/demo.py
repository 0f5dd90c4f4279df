"""`eventstorming demo`: the whole system on this machine, from a requirements file to a board, without any key."""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eventstorming.v1 import job_pb2
from rich.console import Console

from devkit.programs import Programs, free_or_zero
from poller.cli import connection, files, jobs, show
from poller.cli.outcome import Exit

_SAVED = {"board.html": "html", "board.svg": "svg", "model.json": "json", "esvalue.json": "msaez"}
_WEB_CLIENT = Path(__file__).parents[1] / "examples" / "webclient" / "index.html"
_console = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    rtdb: int
    executor: int
    jobs: int
    http: int
    admin: int


def demo(arguments: argparse.Namespace) -> Exit:
    """Starts the three programs, submits the example, shows its progress, writes board and model."""
    began = time.monotonic()
    job_input = files.read_input(arguments.file, draft=False, language=None)
    _forget_firebase()
    with Programs(arguments.out / "log") as programs:
        addresses = _start(programs, keep=arguments.keep)
        started = time.monotonic()
        _console.print(
            f"Three programs are up after {started - began:.1f} s: embedded RTDB, executor, poller."
        )
        _console.print(f"Submitting {arguments.file} …")
        with connection.jobs(f"127.0.0.1:{addresses.jobs}") as client:
            job = client.submit(job_input)
            jobs.follow(job, arguments)
            elapsed = time.monotonic() - started
            response = files.fetch(job)
        saved = _save(response, arguments.out)
        places = _places(addresses, job.id)
        if arguments.json:
            at = places if arguments.keep else {}
            show.as_json({"jobId": job.id, "files": [str(path) for path in saved], "addresses": at})
        else:
            _report(response, saved, elapsed)
        if arguments.keep:
            _stay(places)
    return Exit.DONE


@contextmanager
def embedded() -> Iterator[str]:
    """The three programs on free ports, for as long as somebody needs them; the value is where JobService is."""
    _forget_firebase()
    with tempfile.TemporaryDirectory(prefix="eventstorming-") as folder, Programs(Path(folder)) as programs:
        yield f"127.0.0.1:{_start(programs, keep=False).jobs}"


def _forget_firebase() -> None:
    """The demo never touches a real database, whatever the shell has exported."""
    for name in [name for name in os.environ if name.startswith("FIREBASE_")]:
        del os.environ[name]


def _start(programs: Programs, *, keep: bool) -> Addresses:
    port = free_or_zero if keep else (lambda _: "0")
    rtdb = programs.start("rtdb", "poller.rtdb.emulator", "--port", port(9000))
    executor = programs.start("executor", "executor", **_executor(port(50051)))
    rtdb_port, executor_port = rtdb.ports()["rtdb"], executor.ports()["grpc"]
    poller = programs.start(
        "poller", "poller", **_poller(rtdb_port, executor_port, port(50052), port(2024), port(2025))
    )
    found = poller.ports()
    return Addresses(
        rtdb=rtdb_port, executor=executor_port, jobs=found["grpc"], http=found["http"], admin=found["admin"]
    )


def _executor(grpc_port: str) -> Mapping[str, str]:
    model = os.environ.get("AI_MODEL") or "offline:rules"
    return {
        "AI_MODEL": model,
        "GRPC_PORT": grpc_port,
        "HTTP_PORT": "0",
        "ADMIN_PORT": "0",
        "BIND_HOST": "127.0.0.1",
        "GRPC_REFLECTION": "true",
        "GRPC_ALLOW_PLAINTEXT_TOKEN": "true",  # nothing leaves this machine
    }


def _poller(rtdb: int, executor: int, grpc_port: str, http: str, admin: str) -> Mapping[str, str]:
    return {
        "FIREBASE_DATABASE_EMULATOR_HOST": f"127.0.0.1:{rtdb}",
        "EXECUTOR_TARGET": f"127.0.0.1:{executor}",
        "GRPC_PORT": grpc_port,
        "HTTP_PORT": http,
        "ADMIN_PORT": admin,
        "BIND_HOST": "127.0.0.1",
        "GRPC_REFLECTION": "true",
        "GRPC_ALLOW_PLAINTEXT_TOKEN": "true",  # nothing leaves this machine
    }


def _save(response: job_pb2.GetJobResponse, out: Path) -> list[Path]:
    paths = []
    for name, form in _SAVED.items():
        path = out / name
        path.write_bytes(files.document(response, form).content)
        paths.append(path)
    return paths


def _report(response: job_pb2.GetJobResponse, saved: list[Path], elapsed: float) -> None:
    model = response.model
    aggregates = [aggregate for context in model.bounded_contexts for aggregate in context.aggregates]
    commands = sum(len(aggregate.commands) for aggregate in aggregates)
    events = sum(len(aggregate.events) for aggregate in aggregates)
    _console.print(
        f"\n[bold green]Done in {elapsed:.1f} s:[/] {len(model.bounded_contexts)} contexts, {len(aggregates)} aggregates, "
        f"{commands} commands, {events} events, {len(model.policies)} policies."
    )
    _console.print(f"Open the board:  {saved[0].resolve().as_uri()}")
    _console.print(
        f"Also written:    {', '.join(str(path) for path in saved[1:])}; logs in {saved[0].parent / 'log'}"
    )
    _console.print(
        f"Left behind:     {saved[0].parent} and .venv; `make clean` removes both. No process; elsewhere only packages in the caches of pip and uv."
    )


def _places(addresses: Addresses, job_id: str) -> dict[str, str]:
    return {
        "embedded RTDB": f"http://127.0.0.1:{addresses.rtdb}/.json?ns=eventstorming",
        "poller, JobService": f"127.0.0.1:{addresses.jobs}",
        "poller, health": f"http://127.0.0.1:{addresses.http}/ok",
        "poller, jobs": f"http://127.0.0.1:{addresses.admin}/jobs",
        "the job, live": f"http://127.0.0.1:{addresses.admin}/board/{job_id}",
        "a web client": f"{_WEB_CLIENT.as_uri()}?database=127.0.0.1:{addresses.rtdb}&job={job_id}",
        "executor, gRPC": f"127.0.0.1:{addresses.executor}",
        "submit another": f"JOBS_TARGET=127.0.0.1:{addresses.jobs} eventstorming submit FILE --watch",
        "the job": f"JOBS_TARGET=127.0.0.1:{addresses.jobs} eventstorming get {job_id[:8]} --format markdown",
    }


def _stay(places: Mapping[str, str]) -> None:
    _console.print("\nStaying until Ctrl-C. Another terminal can use:")
    for name, place in places.items():
        _console.print(f"  {name:<18} {place}", soft_wrap=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        _console.print("\nStopping.")
