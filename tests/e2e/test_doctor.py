"""`eventstorming doctor` against real programs that are not well: every trouble in one run, each with its repair."""

from __future__ import annotations

import os
import subprocess
import sys

from devkit.programs import Programs
from tests.e2e.hostile import hostile
from tests.e2e.pair import FREE, start_pair
from tests.poller.a2a.agents import free_port


def doctor(**settings: str) -> subprocess.CompletedProcess[str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("FIREBASE", "GRPC", "JOBS"))
    }
    command = [sys.executable, "-m", "poller.cli", "doctor"]
    environment = {**inherited, **settings}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_a_wrong_model_a_silent_database_and_an_absent_poller_are_told_in_one_run(programs: Programs) -> None:
    with hostile(otherwise="missing") as url:
        settings = {"AI_MODEL": "openai:gpt-9", "OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": url}
        executor = programs.start("executor", "executor", **FREE, **settings)
        ill = doctor(
            FIREBASE_DATABASE_EMULATOR_HOST="127.0.0.1:1",
            EXECUTOR_TARGET=f"127.0.0.1:{executor.ports()['grpc']}",
            JOBS_TARGET="127.0.0.1:1",
        )
    lines = ill.stdout.splitlines()
    assert ill.returncode == 3
    assert lines[0].startswith("✓ settings")
    assert lines[1].startswith("✗ RTDB: RTDB cannot be reached")
    assert "(127.0.0.1:1: " in lines[1]
    assert "). Check FIREBASE_DATABASE_EMULATOR_HOST" in lines[1]
    assert (
        "the provider does not know the model, or the address is wrong (AI_MODEL, OPENAI_BASE_URL)"
        in lines[2]
    )
    assert lines[3].startswith("✗ poller: no poller answers at 127.0.0.1:1")


def test_in_a_pod_nobody_is_told_to_start_a_demo() -> None:
    nobody = {"EXECUTOR_TARGET": "127.0.0.1:1", "JOBS_TARGET": "127.0.0.1:1"}
    inside = doctor(KUBERNETES_SERVICE_HOST="10.0.0.1", **nobody).stdout
    assert "make demo" not in inside
    assert inside.count("`kubectl get pods`") == 2
    assert doctor(**nobody).stdout.count("make demo KEEP=1") == 2


def test_wrong_settings_and_an_executor_nobody_runs_are_told_in_one_run() -> None:
    ill = doctor(LEASE_SECONDS="3", EXECUTOR_TARGET="127.0.0.1:1", JOBS_TARGET="127.0.0.1:1")
    assert ill.returncode == 3
    assert "LEASE_SECONDS: " in ill.stdout
    assert "FIREBASE_DATABASE_URL: must be set" in ill.stdout
    assert "RTDB: not looked at" in ill.stdout
    assert "no executor answers at 127.0.0.1:1" in ill.stdout


def test_agents_that_may_call_are_looked_for_where_they_are_told_to(programs: Programs) -> None:
    port = str(free_port())
    pair = start_pair(programs, executors={"AI_MODEL": "offline:rules"}, A2A_PORT=port)
    settings = {
        name: pair.poller_settings[name] for name in ("FIREBASE_DATABASE_EMULATOR_HOST", "EXECUTOR_TARGET")
    }
    jobs = {"JOBS_TARGET": f"127.0.0.1:{pair.ports['grpc']}"}
    well = doctor(A2A_PORT=port, **settings, **jobs)
    ill = doctor(A2A_PORT=port, A2A_EXTERNAL_URL="http://127.0.0.1:1", **settings, **jobs)
    assert f"✓ other agents: the agent card is at http://127.0.0.1:{port}" in well.stdout
    assert "✗ other agents: there is no agent card at http://127.0.0.1:1" in ill.stdout
    assert "other agents" not in doctor(**settings, **jobs).stdout


def test_coding_agents_are_served_where_the_poller_is_asked_to(programs: Programs) -> None:
    pair = start_pair(programs, executors={"AI_MODEL": "offline:rules"}, MCP_HTTP="true")
    names = ("FIREBASE_DATABASE_EMULATOR_HOST", "EXECUTOR_TARGET")
    settings = {name: pair.poller_settings[name] for name in names}
    settings |= {"JOBS_TARGET": f"127.0.0.1:{pair.ports['grpc']}", "ADMIN_PORT": str(pair.ports["admin"])}
    well = doctor(MCP_HTTP="true", **settings)
    ill = doctor(MCP_HTTP="true", **(settings | {"ADMIN_PORT": str(pair.ports["http"])}))
    assert f"✓ coding agents: served at http://127.0.0.1:{pair.ports['admin']}/mcp" in well.stdout
    assert "✗ coding agents: MCP is not served at" in ill.stdout
    assert "coding agents" not in doctor(**settings).stdout
