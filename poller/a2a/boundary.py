"""Where a call ends: what is ours becomes an error of the protocol. Beyond it the SDK would show a client what it knows of a fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from a2a.types import InternalError, InvalidParamsError, TaskNotFoundError, UnsupportedOperationError
from a2a.utils.errors import A2AError

from poller.a2a.posting import NotDelivered
from poller.addresses import NotAllowed
from poller.errors import InputRejected, PollerError, faults
from poller.ports import JobExists, JobNotFound, WrongState
from poller.requests import Violation, check_id

log = structlog.get_logger(__name__)


def check_task(task_id: str) -> None:
    """What is no job's id names no task. Raises TaskNotFoundError."""
    try:
        check_id(task_id)
    except Violation as violation:
        raise TaskNotFoundError(f"There is no task {task_id[:80]}.") from violation


@contextmanager
def errors() -> Iterator[None]:
    """Raises A2AError and nothing else."""
    try:
        with faults(log, "agents.failed", known=(A2AError, Violation, NotAllowed, NotDelivered)):
            yield
    except (NotAllowed, NotDelivered) as error:
        raise InvalidParamsError(f"push notifications: {error}") from error
    except (Violation, InputRejected, JobExists) as error:
        raise InvalidParamsError(str(error)) from error
    except JobNotFound as error:
        raise TaskNotFoundError(str(error)) from error
    except WrongState as error:
        raise UnsupportedOperationError(str(error)) from error
    except PollerError as error:
        raise InternalError(str(error)) from error
