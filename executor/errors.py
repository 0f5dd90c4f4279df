"""What can end a run, named by what to do about it. An unusable answer is no error: see graph.question.Unusable."""

from __future__ import annotations

from typing import Literal

from process.errors import ProgramError


class ExecutorError(ProgramError):
    """Base of every error this program raises on purpose."""


class LlmUnavailable(ExecutorError):
    """The language model gave no answer (429, 5xx, time-out). Worth another attempt; never journaled.

    `retry_after` is in seconds, None when the service did not say.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LlmMisconfigured(ExecutorError):
    """Key, address or model name of the language model is wrong: another attempt cannot help."""


class LimitReached(ExecutorError):
    """The job used up its time or its tokens. `limit` is the setting that says how much it had, `value` how much that was."""

    def __init__(
        self, message: str, *, limit: Literal["JOB_TIMEOUT_SECONDS", "JOB_MAX_TOKENS"], value: float
    ) -> None:
        super().__init__(message)
        self.limit = limit
        self.value = value


class NothingUsable(ExecutorError):
    """Every answer was unusable, or the text describes no behaviour: there is no model to show."""


class InvalidInput(ExecutorError):
    """The request cannot be understood; the message is shown to the user, in their language."""

    quotes_user = True
