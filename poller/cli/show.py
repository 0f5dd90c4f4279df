"""What the command line shows: JSON on stdout; while a job runs a progress bar and the job's own log, on stderr."""

from __future__ import annotations

import json
from typing import Any

from eventstorming.v1 import job_pb2
from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_STYLES = {job_pb2.LOG_LEVEL_WARNING: "yellow", job_pb2.LOG_LEVEL_ERROR: "red"}


def as_json(value: Any, *, indent: int | None = None) -> None:
    """One value, on one line unless indented."""
    print(json.dumps(value, ensure_ascii=False, indent=indent), flush=True)


def state_of(job: job_pb2.Job) -> str:
    """In one word."""
    return job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()


def members(job: job_pb2.Job) -> dict[str, Any]:
    """A job as `--json` has it."""
    return MessageToDict(job) | {"state": state_of(job)}


class Bar:
    """A progress bar with log lines above it, from the first thing told. Without a terminal: plain lines."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=self._console)
        self._task = self._bars.add_task("waiting", total=None)
        self._shown = 0

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars.live.is_started:
            self._bars.stop()

    def job(self, job: job_pb2.Job) -> None:
        """The job as it stands: state, progress, and the log lines not shown yet."""
        self._bars.start()
        if job.state == job_pb2.JOB_STATE_QUEUED:
            place = f"waiting, place {job.position}" if job.position else "waiting"
            self._bars.update(self._task, description=place)
        for line in job.log[self._shown :]:
            self.line(line)
        self._shown = max(self._shown, len(job.log))
        if job.total_progress:
            self.progress(job.current_progress, job.total_progress)

    def progress(self, current: int, total: int) -> None:
        """So many of so many steps are done."""
        self._bars.start()
        self._bars.update(self._task, description="generating", completed=current, total=total)

    def line(self, line: job_pb2.LogLine) -> None:
        """A line of the job's log, above the bar."""
        self._console.print(f"  {escape(line.message)}", style=_STYLES.get(line.level), highlight=False)
