"""The command line against a running pair: what is printed where, and the exit codes scripts rely on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.pair import Pair
from tests.e2e.test_pair import TEXT


def _cli(pair: Pair, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "JOBS_TARGET": f"127.0.0.1:{pair.ports['grpc']}",
        "EXECUTOR_TARGET": f"127.0.0.1:{pair.executor_port}",
        **settings,
    }
    command = [sys.executable, "-m", "poller.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "library.md"
    path.write_text(TEXT, "utf-8")
    return path


def test_submit_and_watch_print_the_id_and_end_with_0(pair: Pair, text: Path) -> None:
    run = _cli(pair, "submit", str(text), "--watch")
    job_id = run.stdout.strip()
    model = json.loads(_cli(pair, "get", job_id).stdout)

    assert run.returncode == 0, run.stderr
    assert model["boundedContexts"]
    assert model["sourceText"] == TEXT


@pytest.mark.parametrize("form", ["msaez", "svg", "html", "mermaid", "markdown"])
def test_generate_writes_every_format_without_storing_anything(pair: Pair, text: Path, form: str) -> None:
    before = pair.client.get("jobs")
    run = _cli(pair, "generate", str(text), "--format", form)

    assert run.returncode == 0, run.stderr
    assert re.search("register ?book", run.stdout, re.IGNORECASE)
    assert pair.client.get("jobs") == before


def test_a_board_comes_from_a_model_file_and_from_a_job(pair: Pair, text: Path, tmp_path: Path) -> None:
    job_id = _cli(pair, "submit", str(text), "--watch").stdout.strip()
    file = tmp_path / "model.json"
    file.write_text(_cli(pair, "get", job_id).stdout, "utf-8")

    from_job, from_file = _cli(pair, "board", job_id), _cli(pair, "board", str(file))
    assert from_job.stdout.lower().startswith("<!doctype html>")
    assert from_job.stdout == from_file.stdout


def test_an_esvalue_is_checked_as_printed(pair: Pair, text: Path, tmp_path: Path) -> None:
    job_id = _cli(pair, "submit", str(text), "--watch").stdout.strip()
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(_cli(pair, "get", job_id, "--format", "msaez").stdout, "utf-8")
    value = json.loads(good.read_text("utf-8"))
    element = next(each for each in value["elements"].values() if each["_type"].endswith("Command"))
    element["outputEvents"] = ["NobodyKnowsThis"]
    bad.write_text(json.dumps(value), "utf-8")

    assert _cli(pair, "validate", str(good)).returncode == 0
    run = _cli(pair, "validate", str(bad))
    assert run.returncode == 1
    assert "outputEvents" in run.stdout


def test_wrong_input_is_2_and_an_unreachable_service_is_3(pair: Pair, tmp_path: Path) -> None:
    empty = tmp_path / "empty.md"
    empty.write_text("  \n", "utf-8")
    nobody = subprocess.run(
        [sys.executable, "-m", "poller.cli", "get", "0" * 8 + "-0000-0000-0000-" + "0" * 12],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "JOBS_TARGET": "127.0.0.1:1"},
    )

    assert _cli(pair, "submit", str(tmp_path / "missing.md")).returncode == 2
    assert _cli(pair, "submit", str(empty)).returncode == 2
    assert _cli(pair, "get", "no-job-id").returncode == 2
    assert _cli(pair, "watch", "0" * 8 + "-0000-0000-0000-" + "0" * 12).returncode == 2
    assert nobody.returncode == 3
    assert "Is it running?" in nobody.stderr


def test_a_failed_job_is_1(pair: Pair, tmp_path: Path) -> None:
    silent = tmp_path / "silent.md"
    silent.write_text("Hello.\n", "utf-8")

    run = _cli(pair, "submit", str(silent), "--watch")
    assert run.returncode == 1, run.stdout + run.stderr
    assert "failed" in run.stderr


def test_the_doctor_finds_what_is_wrong_and_says_what_to_do(pair: Pair) -> None:
    well = _cli(pair, "doctor", FIREBASE_DATABASE_EMULATOR_HOST=f"127.0.0.1:{pair.rtdb}")
    ill = _cli(pair, "doctor", FIREBASE_DATABASE_EMULATOR_HOST="127.0.0.1:1", EXECUTOR_TARGET="127.0.0.1:1")

    assert well.returncode == 0, well.stdout + well.stderr
    assert "offline:rules answers" in well.stdout
    assert ill.returncode == 3
    assert "Is it running?" in ill.stdout


def test_jobs_are_listed_newest_first_as_lines_and_as_json(pair: Pair, text: Path, tmp_path: Path) -> None:
    silent = tmp_path / "silent.md"
    silent.write_text("Hello.\n", "utf-8")
    completed = _cli(pair, "submit", str(text), "--watch").stdout.strip()
    _cli(pair, "submit", str(silent), "--watch")

    lines = [line.split("\t") for line in _cli(pair, "list").stdout.splitlines()]
    failed = json.loads(_cli(pair, "list", "--state", "failed", "--limit", "1", "--json").stdout)
    assert {completed, failed[0]["jobId"]} <= {line[0] for line in lines}
    assert [line[4] for line in lines] == sorted((line[4] for line in lines), reverse=True)
    assert failed[0]["state"] == "failed"
    assert failed[0]["failure"]
    assert _cli(pair, "list", "--limit", "0").returncode == 2
    assert _cli(pair, "list", "--state", "gone").returncode == 2
