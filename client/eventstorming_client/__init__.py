"""A client of JobService: submit requirements or a draft, follow the job, fetch its model. Nothing of the two programs is needed."""

from eventstorming_client.channel import open_channel
from eventstorming_client.client import Client, Job, is_over
from eventstorming_client.errors import JobFailed, PlaintextToken, RequestFailed

__all__ = ["Client", "Job", "JobFailed", "PlaintextToken", "RequestFailed", "is_over", "open_channel"]
