"""Commands on jobs, by JobService."""

from __future__ import annotations

import argparse
import getpass
from typing import Any

from eventstorming.v1 import job_pb2
from rich.console import Console
from rich.table import Table

from poller.cli import connection, files, show
from poller.cli.outcome import CliError, Exit

_DEADLINE = 30.0  # seconds, for everything but watching
_ENDED = (job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_REMOVED)


def submit(arguments: argparse.Namespace) -> Exit:
    """Submits; prints the job id on stdout."""
    job_input = files.read_input(arguments.file, draft=arguments.draft, language=arguments.language)
    request = job_pb2.SubmitJobRequest(input=job_input, like_job_id=arguments.like)
    with connection.jobs() as service:
        job = service.SubmitJob(request, timeout=_DEADLINE).job
        print(job.job_id)
        if job.url:
            print(job.url)
        return follow(service, job.job_id) if arguments.watch else Exit.DONE


def watch(arguments: argparse.Namespace) -> Exit:
    with connection.jobs() as service:
        return follow(service, arguments.job)


def follow(service: Any, job_id: str) -> Exit:
    """Shows a job until it ends."""
    job = job_pb2.Job(job_id=job_id)
    with show.Bar() as bar:
        for response in service.WatchJob(job_pb2.WatchJobRequest(job_id=job_id)):
            job = response.job
            bar.job(job)
    if job.state == job_pb2.JOB_STATE_FAILED:
        raise CliError(f"job {job_id} failed: {job.failure}", Exit.JOB_FAILED)
    if job.state not in _ENDED:
        raise CliError(f"the watch of job {job_id} ended early", Exit.UNREACHABLE)
    return Exit.DONE


def get(arguments: argparse.Namespace) -> Exit:
    with connection.jobs() as service:
        print(files.FORMATS[arguments.format](files.fetch(service, arguments.job)))
    return Exit.DONE


def list_jobs(arguments: argparse.Namespace) -> Exit:
    table = Table("job", "state", "place", "progress", "created", "attempts", "failure")
    with connection.jobs() as service:
        for job in _all(service):
            table.add_row(*_row(job))
    Console().print(table)
    return Exit.DONE


def _all(service: Any) -> list[job_pb2.Job]:
    request, found = job_pb2.ListJobsRequest(page_size=500), []
    while True:
        page = service.ListJobs(request, timeout=_DEADLINE)
        found += page.jobs
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def _row(job: job_pb2.Job) -> tuple[str, ...]:
    state = job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()
    progress = f"{job.current_progress}/{job.total_progress}" if job.total_progress else ""
    created = job.created_at.ToDatetime().isoformat(" ", "seconds") if job.HasField("created_at") else ""
    return (
        job.job_id,
        state,
        str(job.position or ""),
        progress,
        created,
        str(job.attempts or ""),
        job.failure,
    )


def cancel(arguments: argparse.Namespace) -> Exit:
    request = job_pb2.CancelJobRequest(job_id=arguments.job, cancelled_by=getpass.getuser())
    with connection.jobs() as service:
        service.CancelJob(request, timeout=_DEADLINE)
    return Exit.DONE


def retry(arguments: argparse.Namespace) -> Exit:
    with connection.jobs() as service:
        service.RetryJob(job_pb2.RetryJobRequest(job_id=arguments.job), timeout=_DEADLINE)
    return Exit.DONE


def delete(arguments: argparse.Namespace) -> Exit:
    with connection.jobs() as service:
        service.DeleteJob(job_pb2.DeleteJobRequest(job_id=arguments.job), timeout=_DEADLINE)
    return Exit.DONE
