"""The command line `eventstorming`: try it, submit and follow jobs, look at boards, check a set-up.

Exit codes: 0 done, 1 the job failed, 2 wrong usage or input, 3 a service is unreachable.
"""

from poller.cli.main import main

__all__ = ["main"]
