"""Commands on jobs, by JobService."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from itertools import islice
from typing import Any

from eventstorming.v1 import job_pb2
from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eventstorming_client import Job
from poller.cli import connection, files, show
from poller.cli.job_ids import named
from poller.cli.outcome import CliError, Exit

STATES = {
    "queued": job_pb2.JOB_STATE_QUEUED,
    "running": job_pb2.JOB_STATE_RUNNING,
    "completed": job_pb2.JOB_STATE_COMPLETED,
    "failed": job_pb2.JOB_STATE_FAILED,
}


def submit(arguments: argparse.Namespace) -> Exit:
    """Submits; prints the job id on stdout, and where to look at it on stderr."""
    job_input = files.read_input(arguments.file, draft=arguments.draft, language=arguments.language)
    with connection.jobs() as client:
        like = named(client, arguments.like).id if arguments.like else ""
        job = client.submit(job_input, like=like)
        stands = job.submitted or job_pb2.Job(job_id=job.id)
        if arguments.json:
            show.as_json(show.members(stands))
        else:
            print(job.id, flush=True)
            for address in filter(None, (stands.url, stands.board_url)):
                print(address, file=sys.stderr)
        return follow(job, arguments) if arguments.watch else Exit.DONE


def on_job(
    act: Callable[[Job, argparse.Namespace], Exit | job_pb2.Job | None],
) -> Callable[[argparse.Namespace], Exit]:
    """A command that does one thing to the job it names; `--json` tells how the job stands then."""

    def run(arguments: argparse.Namespace) -> Exit:
        with connection.jobs() as client:
            job = named(client, arguments.job)
            answer = act(job, arguments)
        if isinstance(answer, Exit):
            return answer
        if arguments.json:
            show.as_json({"jobId": job.id, "state": "removed"} if answer is None else show.members(answer))
        return Exit.DONE

    return run


def follow(job: Job, arguments: argparse.Namespace) -> Exit:
    """Shows a job until it ends; raises CliError when it ends as failed."""
    last = job_pb2.Job(job_id=job.id)
    with show.Bar() as bar:
        for event in job.watch():
            last = event.job
            if arguments.json:
                show.as_json(show.members(last))
            else:
                bar.job(last)
    if last.state == job_pb2.JOB_STATE_FAILED:
        raise CliError(f"job {job.id} failed: {last.failure}", Exit.JOB_FAILED)
    return Exit.DONE


def get(job: Job, arguments: argparse.Namespace) -> Exit:
    """Prints or writes a job's model."""
    response = files.fetch(job)
    if arguments.json:
        show.as_json({"job": show.members(response.job), "model": MessageToDict(response.model)})
    else:
        files.put(response, arguments)
    return Exit.DONE


def list_jobs(arguments: argparse.Namespace) -> Exit:
    """The newest, as a table for people, lines with tabs for pipes, or JSON."""
    states = [STATES[state] for state in arguments.state]
    with connection.jobs() as client:
        found = list(islice(client.list(states=states), arguments.limit))
    if arguments.json:
        show.as_json([show.members(job) for job in found], indent=1)
    elif sys.stdout.isatty():
        table = Table("job", "state", "place", "progress", "created (UTC)", "title", "failure")
        table.columns[0].no_wrap, table.columns[0].min_width = True, 36
        for job in found:
            table.add_row(*map(escape, _row(job)))
        Console().print(table)
    else:
        for job in found:
            print("\t".join(_row(job)))
    return Exit.DONE


def _row(job: job_pb2.Job) -> tuple[str, ...]:
    progress = f"{job.current_progress}/{job.total_progress}" if job.total_progress else ""
    created = job.created_at.ToDatetime().isoformat(" ", "seconds") if job.HasField("created_at") else ""
    failure = " ".join(job.failure.split())
    return (job.job_id, show.state_of(job), str(job.position or ""), progress, created, job.title, failure)


def cancel(job: Job, _: argparse.Namespace) -> job_pb2.Job:
    """Ends it as failed, in the name of who runs the command."""
    return job.cancel(by=getpass.getuser())


def retry(job: Job, _: argparse.Namespace) -> job_pb2.Job:
    """Queues a failed job again."""
    return job.retry()


def delete(job: Job, _: argparse.Namespace) -> None:
    """Removes everything of it."""
    job.delete()


Act = Callable[[Job, argparse.Namespace], Any]
ON_ONE: dict[str, tuple[Act, str]] = {
    "watch": (follow, "follow a job to its end"),
    "get": (get, "print or write a job's model"),
    "cancel": (cancel, "end a job as failed; its data stays"),
    "retry": (retry, "run a failed job again, using the answers it already has"),
    "delete": (delete, "remove everything of a job"),
}
"""Commands whose first argument is a job."""
