"""Jobs as people name them on the command line."""

from __future__ import annotations

import re
from itertools import islice

from eventstorming_client import Client, Job
from poller.cli.outcome import CliError
from poller.requests import JOB_ID

SHORTEST_ID, LOOKED_THROUGH = 4, 5000


def named(client: Client, text: str) -> Job:
    """The job with this id, or the one of the newest whose id begins so."""
    if JOB_ID.fullmatch(text):
        return client.job(text)
    if not re.fullmatch(rf"[0-9a-fA-F-]{{{SHORTEST_ID},36}}", text):
        raise CliError(
            f"{text!r} is no job id, nor the beginning of one: at least {SHORTEST_ID} characters of 0-9, a-f"
        )
    found = [
        job.job_id
        for job in islice(client.list(), LOOKED_THROUGH)
        if job.job_id.lower().startswith(text.lower())
    ]
    if len(found) != 1:
        which = f"several jobs begin so: {', '.join(found[:5])}" if found else "no job begins so"
        raise CliError(f"{text}: {which}")
    return client.job(found[0])
