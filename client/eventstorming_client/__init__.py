"""A client of JobService: submit requirements or a draft, follow the job, fetch its model. Nothing of the two programs is needed."""

from eventstorming_client.asynchronous import AsyncClient, AsyncJob
from eventstorming_client.channel import Access, executor_target, jobs_target
from eventstorming_client.client import Client, Job
from eventstorming_client.errors import JobFailed, PlaintextToken, RequestFailed, failures
from eventstorming_client.requests import is_over

__all__ = [
    "Access",
    "AsyncClient",
    "AsyncJob",
    "Client",
    "Job",
    "JobFailed",
    "PlaintextToken",
    "RequestFailed",
    "executor_target",
    "failures",
    "is_over",
    "jobs_target",
]
