"""The pages of the port inside the cluster: one board per job that grows live, and the list of all jobs.

They read and write through the port `Jobs` alone. Who may come in is decided by the wall around them (`poller.admin`).
"""

from poller.pages.routes import Pages

__all__ = ["Pages"]
