"""Token and TLS between real processes: who gets in, who does not, and what does not travel in plaintext."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
from eventstorming.v1 import executor_pb2, executor_pb2_grpc, job_pb2, job_pb2_grpc
from externalscaler import externalscaler_pb2, externalscaler_pb2_grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from devkit.programs import Programs
from tests.certificates import Authority, Pair
from tests.e2e.pair import FREE, start_pair
from tests.e2e.test_pair import TEXT

TOKEN = "e2e-t0ken"
BEARER = (("authorization", f"Bearer {TOKEN}"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured:
    """A pair that speaks mutual TLS and asks for a token, and what clients may hold."""

    jobs: str
    executor: str
    admin: int
    ours: Authority
    theirs: Authority
    settings: dict[str, str]


def tls(authority: Authority, pair: Pair | None) -> dict[str, str]:
    found = {"GRPC_TLS_CA": str(authority.ca)}
    if pair:
        found |= {"GRPC_TLS_CERT": str(pair.certificate), "GRPC_TLS_KEY": str(pair.key)}
    return found


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    ours, theirs = Authority(folder, "ours"), Authority(folder, "theirs")
    settings = {**tls(ours, ours.pair("server")), "GRPC_TOKEN": TOKEN}
    with Programs(folder / "log") as programs:
        pair = start_pair(
            programs,
            executors={"AI_MODEL": "offline:rules", **settings},
            target="localhost:{port}",
            **settings,
        )
        yield Secured(
            jobs=f"localhost:{pair.ports['grpc']}",
            executor=f"localhost:{pair.executor_port}",
            admin=pair.ports["admin"],
            ours=ours,
            theirs=theirs,
            settings=settings,
        )


def channel(target: str, authority: Authority | None, pair: Pair | None = None) -> grpc.Channel:
    if authority is None:
        return grpc.insecure_channel(target)
    files = (pair.key.read_bytes(), pair.certificate.read_bytes()) if pair else (None, None)
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(authority.ca.read_bytes(), *files))


def code_of(call: object) -> grpc.StatusCode:
    assert isinstance(call, grpc.RpcError)
    found: grpc.StatusCode = call.code()  # type: ignore[attr-defined]
    return found


def submit(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GRPC_", "JOBS_"))}
    command = [sys.executable, "-m", "poller.cli", *arguments]
    return subprocess.run(
        command, env={**inherited, **environment}, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_job_runs_through_mutual_tls_and_token_from_the_command_line(
    secured: Secured, tmp_path: Path
) -> None:
    text = tmp_path / "library.md"
    text.write_text(TEXT)
    client = tls(secured.ours, secured.ours.pair("client"))
    done = submit("submit", str(text), "--watch", JOBS_TARGET=secured.jobs, GRPC_TOKEN=TOKEN, **client)
    assert done.returncode == 0, done.stderr
    refused = submit("list", JOBS_TARGET=secured.jobs, GRPC_TOKEN="guess", **client)
    assert refused.returncode == 2
    assert "token" in refused.stderr
    assert "guess" not in refused.stderr + refused.stdout


@pytest.mark.parametrize("program", ["jobs", "executor"])
def test_only_a_certificate_of_the_right_authority_that_has_not_ended_gets_in(
    secured: Secured, program: str
) -> None:
    target = getattr(secured, program)
    ours, theirs = secured.ours, secured.theirs
    strangers = {
        "plaintext": channel(target, None),
        "no certificate": channel(target, ours),
        "of another authority": channel(target, ours, theirs.pair("client")),
        "ended": channel(target, ours, ours.pair("ended", days=-1)),
        "believes in another authority": channel(target, theirs, ours.pair("client")),
    }
    for name, stranger in strangers.items():
        with stranger, pytest.raises(grpc.RpcError) as refused:
            health_pb2_grpc.HealthStub(stranger).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert code_of(refused.value) is grpc.StatusCode.UNAVAILABLE, name
    with channel(target, ours, ours.pair("client")) as friend:
        answer = health_pb2_grpc.HealthStub(friend).Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_server_whose_certificate_has_ended_is_not_believed(programs: Programs, secured: Secured) -> None:
    stale = tls(secured.ours, secured.ours.pair("stale", days=-1))
    executor = programs.start("executor", "executor", **FREE, AI_MODEL="offline:rules", **stale)
    target = f"localhost:{executor.ports()['grpc']}"
    with (
        channel(target, secured.ours, secured.ours.pair("client")) as friend,
        pytest.raises(grpc.RpcError) as refused,
    ):
        health_pb2_grpc.HealthStub(friend).Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert code_of(refused.value) is grpc.StatusCode.UNAVAILABLE


def test_a_wrong_token_is_told_so_and_keda_and_health_need_none(secured: Secured) -> None:
    certificate = secured.ours.pair("client")
    with (
        channel(secured.jobs, secured.ours, certificate) as jobs,
        channel(secured.executor, secured.ours, certificate) as executor,
    ):
        for metadata in ((), (("authorization", "Bearer guess"),)):
            for call, request in (
                (job_pb2_grpc.JobServiceStub(jobs).ListJobs, job_pb2.ListJobsRequest()),
                (executor_pb2_grpc.ExecutorServiceStub(executor).Check, executor_pb2.CheckRequest()),
            ):
                with pytest.raises(grpc.RpcError) as refused:
                    call(request, metadata=metadata, timeout=10)
                assert code_of(refused.value) is grpc.StatusCode.UNAUTHENTICATED
                assert _reason(refused.value) == "UNAUTHENTICATED"
        scaled = externalscaler_pb2.ScaledObjectRef(scalerMetadata={"targetJobs": "8"})
        keda = externalscaler_pb2_grpc.ExternalScalerStub(jobs)
        assert keda.GetMetricSpec(scaled, timeout=10).metricSpecs[0].targetSize == 8
        answer = executor_pb2_grpc.ExecutorServiceStub(executor).Check(
            executor_pb2.CheckRequest(), metadata=BEARER, timeout=30
        )
    assert answer.ok


def _reason(error: grpc.RpcError) -> str:
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(error)
    assert status is not None
    next(detail for detail in status.details if detail.Is(info.DESCRIPTOR)).Unpack(info)
    return str(info.reason)


def test_a_poller_that_believes_in_another_authority_is_not_ready_and_says_why(
    programs: Programs, secured: Secured
) -> None:
    rtdb = programs.start("rtdb", "poller.rtdb.emulator", "--port", "0").ports()["rtdb"]
    stranger = tls(secured.theirs, secured.theirs.pair("poller"))
    settings = {"FIREBASE_DATABASE_EMULATOR_HOST": f"127.0.0.1:{rtdb}", "EXECUTOR_TARGET": secured.executor}
    poller = programs.start("poller", "poller", **FREE, **settings, **stranger)
    admin = f"http://127.0.0.1:{poller.ports()['admin']}/readyz"
    deadline = time.monotonic() + 30
    while "UNAVAILABLE" not in (ready := httpx.get(admin, trust_env=False)).text:
        assert time.monotonic() < deadline, ready.text
        time.sleep(0.1)
    assert ready.status_code == 503
    assert "no executor is ready" in ready.text


@pytest.mark.parametrize("program", ["poller", "executor"])
def test_a_token_without_tls_stops_the_start(program: str) -> None:
    settings = {
        "FIREBASE_DATABASE_EMULATOR_HOST": "127.0.0.1:9",
        "AI_MODEL": "offline:rules",
        "GRPC_TOKEN": TOKEN,
        **FREE,
    }
    stopped = subprocess.run(
        [sys.executable, "-m", program],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert stopped.returncode == 2
    assert "GRPC_ALLOW_PLAINTEXT_TOKEN: GRPC_TOKEN would travel in plaintext" in stopped.stderr
    assert TOKEN not in stopped.stderr


def test_the_command_line_sends_no_token_in_plaintext_off_this_machine() -> None:
    refused = submit("list", JOBS_TARGET="eventstorming.example:50052", GRPC_TOKEN=TOKEN)
    assert refused.returncode == 2
    assert "plaintext" in refused.stderr
    assert TOKEN not in refused.stderr
    here = submit("list", JOBS_TARGET="127.0.0.1:9", GRPC_TOKEN=TOKEN)
    assert here.returncode == 3


def _listening(pid: int) -> set[str]:
    """The local addresses of a process's listening sockets, as /proc has them: "0100007F:1F90"."""
    inodes = {
        os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink() and link.exists()
    }
    rows = [
        row.split()
        for table in ("tcp", "tcp6")
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes}


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="/proc is Linux's")
def test_every_port_is_on_this_machine_only_unless_bind_host_says_otherwise(tmp_path: Path) -> None:
    with Programs(tmp_path) as programs:
        pair = start_pair(programs, executors={"AI_MODEL": "offline:rules"}, BIND_HOST="::")
        ours, everywhere = _listening(pair.executor.pid), _listening(pair.poller.pid)
        assert httpx.get(f"http://127.0.0.2:{pair.ports['admin']}/livez", trust_env=False).text == "ok"
    assert len(ours) == len(everywhere) == 3
    assert {address.partition(":")[0][-8:] for address in ours} == {"0100007F"}  # gRPC's as ::ffff:127.0.0.1
    assert {address.partition(":")[0] for address in everywhere} == {"0" * 32}
