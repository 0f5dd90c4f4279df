"""What the command line shows while a job runs: a progress bar and the job's own log, on stderr."""

from __future__ import annotations

from eventstorming.v1 import job_pb2
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_STYLES = {job_pb2.LOG_LEVEL_WARNING: "yellow", job_pb2.LOG_LEVEL_ERROR: "red"}


class Bar:
    """A progress bar with log lines above it. Without a terminal: plain lines."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=self._console)
        self._task = self._bars.add_task("waiting", total=None)
        self._shown = 0

    def __enter__(self) -> Bar:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def job(self, job: job_pb2.Job) -> None:
        """The job as it stands: state, progress, and the log lines not shown yet."""
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
        self._bars.update(self._task, description="generating", completed=current, total=total)

    def line(self, line: job_pb2.LogLine) -> None:
        """A line of the job's log, above the bar."""
        self._console.print(f"  {escape(line.message)}", style=_STYLES.get(line.level), highlight=False)
