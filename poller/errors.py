"""What can go wrong, named by what to do about it. No error travels as a text or a flag."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from process.errors import ProgramError


class PollerError(ProgramError):
    """Base of every error this program raises on purpose."""


class Transient(PollerError):
    """Worth trying again: a service is away, slow, or asked us to wait.

    `retry_after` is in seconds, None when the service did not say.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(PollerError):
    """Trying again cannot help; the message is a sentence that says what to do instead."""


class LimitReached(Permanent):
    """A job has used up what it may: `limit` is the name of its setting, `value` what it allowed.

    The message is for limits that only the executor knows: ours are told in the job's language.
    """

    def __init__(self, message: str = "", *, limit: str = "", value: str = "") -> None:
        super().__init__(message)
        self.limit = limit
        self.value = value


class Misconfigured(Permanent):
    """The language model's key, address or name is wrong: for the operator, not for the user, to repair."""


class LeaseLost(PollerError):
    """Another run owns the job now: stop, and write nothing."""

    goes_first = True


class Conflict(PollerError):
    """A conditional write met another value than the one it was based on (HTTP 412).

    Carries what the database holds now, so that the caller can decide without another read.
    """

    def __init__(self, message: str, *, current: Any, etag: str) -> None:
        super().__init__(message)
        self.current = current
        self.etag = etag


class InputRejected(Permanent):
    """The job's inputs cannot be understood; the message is shown to the user, in their language."""

    quotes_user = True


class Fault(PollerError):
    """A fault of ours, which the log has; the message is for who waits, and quotes nothing of it."""


@contextmanager
def faults(
    log: Any,
    event: str,
    *,
    told: str = "A fault of ours; the log has it.",
    known: tuple[type[Exception], ...] = (),
    **fields: object,
) -> Iterator[None]:
    """The boundary of what goes on whatever happens inside: one call of many, one job of many.

    Nobody can name what a fault raises. It is logged once, with its traceback, as `event` with `fields`, and goes on as a Fault.
    Errors of this program and those `known` besides pass.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, (PollerError, *known)):
            raise
        log.exception(event, error=type(error).__name__, **fields)
        raise Fault(told) from error
