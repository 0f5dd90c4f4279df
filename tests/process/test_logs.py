"""Log lines of both programs: Google Cloud's field names, one JSON object a line, and no word of a user."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from executor.errors import InvalidInput, NothingUsable
from poller.errors import InputRejected, Transient
from process import logs

SPEAKS = """
import logging, structlog, sys
from process import logs
logs.set_up("INFO", "{form}")
log = structlog.get_logger("here")
log.debug("not.shown")
log.info("job.claimed", job="j-1", epoch=2)
try:
    int("what a user wrote")
except ValueError:
    log.exception("job.trouble", job="j-1")
logging.getLogger("library").warning("deprecated")
logging.getLogger("library").info("not shown")
raise KeyError("what a user wrote")
"""


def spoken(form: str) -> str:
    code = SPEAKS.format(form=form)
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 1
    assert run.stdout == ""
    return run.stderr


def test_the_ports_are_told_in_the_form_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    logs.ready("poller", "console", grpc=1, http=2)
    logs.ready("poller", "json", grpc=1, http=2)
    for_people, for_programs = capsys.readouterr().out.splitlines()
    assert for_people == "poller ready grpc=1 http=2"
    assert json.loads(for_programs) == {"severity": "INFO", "message": "poller ready", "grpc": 1, "http": 2}


@pytest.mark.heavy
def test_every_line_is_json_with_google_clouds_names_a_crash_too() -> None:
    lines: list[dict[str, Any]] = [json.loads(line) for line in spoken("json").splitlines()]
    said = [(line["severity"], line["message"]) for line in lines]
    assert said == [
        ("INFO", "job.claimed"),
        ("ERROR", "job.trouble"),
        ("WARNING", "deprecated"),
        ("CRITICAL", "process.crashed"),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["time"]) for line in lines)
    assert lines[0]["logging.googleapis.com/labels"] == {"job": "j-1"}
    assert lines[0]["epoch"] == 2
    assert lines[1]["exception"].startswith("Traceback (most recent call last):")
    assert lines[1]["exception"].endswith("ValueError")
    assert "what a user wrote" not in str(lines)


@pytest.mark.heavy
def test_the_form_for_a_terminal_says_the_same_in_lines_for_people() -> None:
    text = re.sub(r"\x1b\[\d*m", "", spoken("console"))
    assert "job.claimed" in text
    assert "job=j-1" in text
    assert "ValueError" in text
    assert "what a user wrote" not in text
    assert not text.lstrip().startswith("{")


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except type(error) as found:
        return found


def test_a_traceback_tells_messages_about_code_only() -> None:
    group = ExceptionGroup("user text", [raised(ValueError("user text")), OSError(28, "No space left")])
    told = logs.path_of(raised(RuntimeError("user text"), raised(group)))
    assert "user text" not in told
    assert "No space left" in told
    assert [told.count(name) for name in ("ExceptionGroup", "ValueError", "RuntimeError")] == [1, 1, 1]
    assert told.index("ValueError") < told.index("which led to") < told.index("RuntimeError")


@pytest.mark.parametrize("error", [Transient("RTDB is away"), NothingUsable("RTDB is away")])
def test_our_own_errors_speak(error: Exception) -> None:
    assert "RTDB is away" in logs.path_of(raised(error))


@pytest.mark.parametrize("error", [InputRejected("the type strange is unknown"), InvalidInput("strange")])
def test_an_error_that_may_quote_a_user_says_its_type_only(error: Exception) -> None:
    assert "strange" not in logs.path_of(raised(error))


def test_a_cause_that_leads_to_itself_ends() -> None:
    one, two = ValueError(), KeyError()
    one.__cause__, two.__cause__ = two, one
    assert logs.path_of(one).count("which led to") == 1
