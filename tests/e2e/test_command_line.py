"""The command line against a running pair: what is printed where, and the exit codes scripts rely on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from devkit.programs import Programs
from tests.e2e.pair import FREE, Pair
from tests.e2e.test_pair import TEXT
from tests.e2e.web_client import NAMESPACE


def _cli(
    pair: Pair, *arguments: str, given: str | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "JOBS_TARGET": f"127.0.0.1:{pair.ports['grpc']}",
        "EXECUTOR_TARGET": f"127.0.0.1:{pair.executor_port}",
        **settings,
    }
    command = [sys.executable, "-m", "poller.cli", *arguments]
    return subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=60, env=environment, check=False
    )


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


def test_generate_writes_every_format_without_storing_anything(
    pair: Pair, text: Path, tmp_path: Path
) -> None:
    before = _stored(pair)
    for form in ("msaez", "svg", "html", "mermaid", "markdown"):
        out = tmp_path / form
        run = _cli(pair, "generate", str(text), "--format", form, "--output", str(out))
        assert run.returncode == 0, run.stderr
        files = [out] if out.is_file() else list(out.iterdir())
        written = "".join(file.read_text("utf-8") for file in files)
        assert re.search("register ?book", written, re.IGNORECASE), form
    assert _stored(pair) <= before  # the job of a test before may still end, or be removed


def _stored(pair: Pair) -> set[str]:
    """The ids of the stored jobs."""
    return set(pair.client.get(f"jobs/{NAMESPACE}") or {})


def test_a_text_from_standard_input_is_a_job_that_its_first_characters_name(pair: Pair) -> None:
    run = _cli(pair, "submit", "-", "--watch", "--json", given=TEXT)
    told = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 0, run.stderr
    assert told[-1]["state"] == "completed"
    job_id = told[0]["jobId"]

    stands = json.loads(_cli(pair, "get", job_id[:10], "--json").stdout)
    assert stands["job"]["state"] == "completed"
    assert stands["model"]["sourceText"] == TEXT
    (part,) = (_cli(pair, "get", job_id[:10], "--format", "mermaid", "--part", "context-map.mmd").stdout,)
    assert part.startswith("flowchart LR\n")
    unknown = _cli(pair, "get", job_id[:10], "--format", "mermaid", "--part", "x")
    assert (unknown.returncode, "context-map.mmd" in unknown.stderr) == (2, True)
    nobody, short = _cli(pair, "get", "ffff-ffff"), _cli(pair, "get", "ab")
    assert (nobody.returncode, short.returncode) == (2, 2)
    assert "no job begins so" in nobody.stderr
    again = _cli(pair, "cancel", job_id[:10], "--json")
    assert (again.returncode, "completed" in again.stderr) == (1, True)
    gone = json.loads(_cli(pair, "delete", job_id, "--json").stdout)
    assert gone == {"jobId": job_id, "state": "removed"}


def test_submit_says_where_the_board_is_and_only_the_id_on_stdout(pair: Pair, text: Path) -> None:
    run = _cli(pair, "submit", str(text))
    job_id = run.stdout.strip()
    assert re.fullmatch(r"[0-9a-f-]{36}", job_id)
    assert f"http://127.0.0.1:{pair.ports['admin']}/board/{job_id}" in run.stderr


def test_a_watch_of_nobody_says_so_and_nothing_else(pair: Pair) -> None:
    run = _cli(pair, "watch", "0" * 8 + "-0000-0000-0000-" + "0" * 12)
    assert run.returncode == 2
    assert run.stdout == ""
    assert len(run.stderr.splitlines()) == 1, run.stderr


def test_a_model_without_a_context_is_no_board(tmp_path: Path, pair: Pair) -> None:
    (tmp_path / "e.json").write_text("{}")
    run = _cli(pair, "board", str(tmp_path / "e.json"))
    assert (run.returncode, run.stdout) == (2, "")
    assert "holds no model" in run.stderr


def test_a_language_model_that_is_away_is_not_an_executor_that_is_away(
    pair: Pair, programs: Programs, text: Path
) -> None:
    settings = {"AI_MODEL": "openai:x", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
    executor = programs.start("away", "executor", **FREE, **settings, STEP_TIMEOUT_SECONDS="1")
    target = f"127.0.0.1:{executor.ports()['grpc']}"

    run = _cli(pair, "generate", str(text), EXECUTOR_TARGET=target)
    ill = _cli(
        pair, "doctor", EXECUTOR_TARGET=target, FIREBASE_DATABASE_EMULATOR_HOST=f"127.0.0.1:{pair.rtdb}"
    )
    assert (run.returncode, ill.returncode) == (3, 3)
    for said in (run.stderr, ill.stdout):
        assert "language model" in said
        assert "Is it running" not in said


def test_without_a_command_and_a_service_the_demo_is_offered(pair: Pair) -> None:
    run = _cli(pair, JOBS_TARGET="127.0.0.1:1")
    assert run.returncode == 2
    assert "eventstorming demo" in run.stdout
    assert "No poller answers" not in _cli(pair).stdout


def test_the_version_is_the_packages_own(pair: Pair) -> None:
    assert _cli(pair, "--version").stdout.strip() == f"eventstorming {version('eventstorming-generator')}"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("eventstorming su", "submit"),
        ("eventstorming get x --format mer", "mermaid"),
        ("eventstorming list --st", "--state"),
    ],
)
def test_bash_completes_commands_options_and_formats(pair: Pair, typed: str, offered: str) -> None:
    words = typed.split()
    script = _cli(pair, "completion", "bash").stdout + (
        f'COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _eventstorming; echo "${{COMPREPLY[*]}}"'
    )
    run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [offered]


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
    assert "! RTDB: configs/eventstorming_generator/is_use_backend is not set" in well.stdout
    other = _cli(
        pair, "doctor", "--json", AI_MODEL="gpt-9", FIREBASE_DATABASE_EMULATOR_HOST=f"127.0.0.1:{pair.rtdb}"
    )
    remarks = [line["said"] for line in json.loads(other.stdout) if line["result"] == "remark"]
    assert any("AI_MODEL is gpt-9 in this shell" in said for said in remarks)
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
