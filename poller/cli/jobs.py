"""Commands on jobs, by JobService."""

from __future__ import annotations

import argparse
import getpass
import json
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
from poller.cli.outcome import CliError, Exit

STATES = {
    "queued": job_pb2.JOB_STATE_QUEUED,
    "running": job_pb2.JOB_STATE_RUNNING,
    "completed": job_pb2.JOB_STATE_COMPLETED,
    "failed": job_pb2.JOB_STATE_FAILED,
}


def submit(arguments: argparse.Namespace) -> Exit:
    """Submits; prints the job id on stdout."""
    job_input = files.read_input(arguments.file, draft=arguments.draft, language=arguments.language)
    with connection.jobs() as client:
        job = client.submit(job_input, like=arguments.like)
        print(job.id)
        if job.submitted and job.submitted.url:
            print(job.submitted.url)
        return follow(job) if arguments.watch else Exit.DONE


def on_job(act: Callable[[Job], object]) -> Callable[[argparse.Namespace], Exit]:
    """A command that does one thing to the job it names."""

    def run(arguments: argparse.Namespace) -> Exit:
        with connection.jobs() as client:
            act(client.job(arguments.job))
        return Exit.DONE

    return run


def follow(job: Job) -> Exit:
    """Shows a job until it ends; raises CliError when it ends as failed."""
    last = job_pb2.Job(job_id=job.id)
    with show.Bar() as bar:
        for event in job.watch():
            last = event.job
            bar.job(last)
    if last.state == job_pb2.JOB_STATE_FAILED:
        raise CliError(f"job {job.id} failed: {last.failure}", Exit.JOB_FAILED)
    return Exit.DONE


def get(arguments: argparse.Namespace) -> Exit:
    """Prints a job's model."""
    return on_job(lambda job: print(files.written(files.fetch(job), arguments.format)))(arguments)


def list_jobs(arguments: argparse.Namespace) -> Exit:
    """The newest, as a table for people, lines with tabs for pipes, or JSON."""
    states = [STATES[state] for state in arguments.state]
    with connection.jobs() as client:
        found = list(islice(client.list(states=states), arguments.limit))
    if arguments.json:
        print(json.dumps([_members(job) for job in found], ensure_ascii=False, indent=1))
    elif sys.stdout.isatty():
        table = Table("job", "state", "place", "progress", "created (UTC)", "title", "failure")
        for job in found:
            table.add_row(*map(escape, _row(job)))
        Console().print(table)
    else:
        for job in found:
            print("\t".join(_row(job)))
    return Exit.DONE


def _members(job: job_pb2.Job) -> dict[str, Any]:
    return MessageToDict(job) | {"state": state_name(job)}


def state_name(job: job_pb2.Job) -> str:
    """As the command line says it: queued, running, completed, failed, removed."""
    return job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()


def _row(job: job_pb2.Job) -> tuple[str, ...]:
    progress = f"{job.current_progress}/{job.total_progress}" if job.total_progress else ""
    created = job.created_at.ToDatetime().isoformat(" ", "seconds") if job.HasField("created_at") else ""
    failure = " ".join(job.failure.split())
    return (job.job_id, state_name(job), str(job.position or ""), progress, created, job.title, failure)


def cancel(job: Job) -> None:
    """Ends it as failed, in the name of who runs the command."""
    job.cancel(by=getpass.getuser())
