"""What a call means that brought no answer. Decided here, once, for every provider: try another form, try again later, never
try again, or take it for an answer that declines.
"""

from __future__ import annotations

import email.utils
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
)

from executor.errors import ExecutorError, LlmMisconfigured, LlmUnavailable
from executor.llm.language_model import Reply, Throttled

_STATUS: Final[Mapping[type[Exception], int]] = {
    ModelAuthenticationError: 401,
    ModelPermissionDeniedError: 403,
    ModelNotFoundError: 404,
    ModelRateLimitError: 429,
    ModelInvalidRequestError: 400,
    NotImplementedError: 501,
}
_NAMED: Final = {
    402: r"^(insufficient_quota|billing_hard_limit_reached|payment_required)$|insufficient (credit|balance)"
    "|credit balance is too low",
    401: r"^(invalid_api_key|authentication_error|unauthenticated|unauthorized)$|(invalid|incorrect) api (key|token)"
    "|api key not valid|auth credentials",
    403: r"^(permission_denied|permission_error|forbidden)$",
    429: r"^(rate_limit_exceeded|rate_limit_error|rate_limited|resource_exhausted)$",
}
"""Statuses by what an error calls itself: more exact than the status it came with, if any."""
_TOO_LONG: Final = re.compile(
    r"context.{0,9}(?:length|window|size)|prompt is too long|input token count|(?:longer|less|fewer|more) than.{0,60}\btokens"
    r"|input tokens exceed",
    re.IGNORECASE,
)
_FILTERED: Final = ("content_filter", "content_policy_violation", "content_management_policy")
_OF_FORM: Final = re.compile(
    r"response_?format|json.?schema|structured|\btools?\b|function|schema|grammar|parameters", re.IGNORECASE
)
_ADDRESS: Final = "the provider does not know the model, or the address is wrong (AI_MODEL, OPENAI_BASE_URL)"
_REJECTED: Final = "the provider rejects the key (set the provider's key, for example OPENAI_API_KEY)"
_FINAL: Final = {
    **dict.fromkeys((404, 405, 406, 407, 410, 451), _ADDRESS),
    **dict.fromkeys((401, 403), _REJECTED),
    402: "the provider wants to be paid first",
}
_KEY: Final = re.compile(r"\bsk-[\w*.-]+|(?<=Bearer )\S+")
_RETRY_DELAY: Final = re.compile(r"retryDelay\W+([\d.]+)s")
_LONGEST: Final = 500

_UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError)
"""What clients raise over a body that is no completion. Anywhere else than there it is a fault of ours."""


class NoCompletion(ModelAPIError):
    """The call went well, but what came is no completion: a page, no choices, an error."""

    def __init__(self, body: Any) -> None:
        super().__init__("no completion")
        self.body = body


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The request was not understood. `of_form`: by what is said, for its form; `otherwise`: what it means when no other form helps."""

    said: str
    of_form: bool
    otherwise: ExecutorError


def meaning(error: Exception) -> Reply | Refused | ExecutorError | None:
    """Of what a client raised; None: a fault of ours."""
    if isinstance(error, MemoryError):  # of the embedded language model, in its words
        return LlmMisconfigured(str(error))
    said, status = quoted(error), _status(error)
    of_form = bool(_OF_FORM.search(said))
    if _too_long(error, status, said):
        return Reply(declined="the question is longer than the language model can read")
    if status in (400, 403, 422) and any(word in said for word in _FILTERED):
        return Reply(declined=f"rejected: {said}")
    final = LlmMisconfigured(f"{_FINAL[status]}: {said}" if status in _FINAL else said)
    if status in (400, 415, 422, 501) or (status == 404 and of_form):
        return Refused(said=said, of_form=of_form, otherwise=final)
    if status == 429:
        return Throttled(said, retry_after=retry_after(error))
    if status in _FINAL:
        return final
    if status is None and not isinstance(error, (ModelError, *_UNREADABLE, OSError)) and not _sent(error):
        return None
    silent = LlmUnavailable(said, retry_after=retry_after(error))
    if of_form and (status == 500 or isinstance(error, NoCompletion)):
        return Refused(said=said, of_form=True, otherwise=silent)
    return silent


def _too_long(error: Exception, status: int | None, said: str) -> bool:
    if isinstance(error, ContextOverflowError) or status == 413:
        return True
    return status in (400, 422) and bool(_TOO_LONG.search(said))


def _sent(error: Exception) -> bool:
    packages = ("httpx", "httpcore", "openai", "aiohttp", "google.api_core", "grpc", "anthropic")
    return any(kind.__module__.startswith(packages) for kind in type(error).__mro__)


def _status(error: Exception) -> int | None:
    """As the error names itself, else as HTTP does, else as LangChain does, else as a body does that came with success."""
    body = getattr(error, "body", None) or str(error)
    for status, words in _NAMED.items():
        if any(re.search(words, str(value), re.IGNORECASE) for _, value in _leaves(body)):
            return status
    own = getattr(error, "status_code", None) or getattr(error, "code", None)
    by_kind = [status for kind, status in _STATUS.items() if isinstance(error, kind)]
    codes = [str(value) for name, value in _leaves(body) if name in ("code", "status", "status_code")]
    in_body = [int(code) for code in codes if re.fullmatch(r"[45]\d\d", code)]
    return own if isinstance(own, int) else next(iter(by_kind + in_body), None)


def _leaves(body: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a body that holds nothing, by the name it has."""
    if isinstance(body, dict):
        for inner, value in body.items():
            yield from _leaves(value, inner)
    elif isinstance(body, list):
        for value in body:
            yield from _leaves(value, name)
    else:
        yield name, body


def quoted(error: Exception) -> str:
    """What the endpoint said, in one line, bounded and without keys."""
    body, status = getattr(error, "body", None), _status(error)
    said = _unsaid(error) if body is None else saying(body)
    return keyless(" ".join((f"{status}: {said}" if status and body else said).split()))[:_LONGEST]


def _unsaid(error: Exception) -> str:
    """Of an error without an answer: what the client calls it, then the host and the first cause, which clients wrap."""
    said, cause = f"{type(error).__name__}: {error}", _first_cause(error)
    if cause is error or not isinstance(cause, OSError):
        return said
    url = getattr(getattr(error, "request", None), "url", None)
    where = ":".join(str(it) for it in (getattr(url, "host", ""), getattr(url, "port", None)) if it)
    why = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return f"{said} ({where}: {why})" if where else f"{said} ({why})"


def _first_cause(error: BaseException) -> BaseException:
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error


def saying(body: Any) -> str:
    """The sentence of an error's body, whoever's form it has, and what it is about; else all of it."""
    if isinstance(body, list) and body:
        return "; ".join(map(saying, body[:3]))
    if isinstance(body, dict):
        inner = next((body[name] for name in ("error", "message", "detail", "msg") if body.get(name)), None)
        metadata = body.get("metadata")
        about = metadata.get("raw") if isinstance(metadata, dict) else body.get("loc")
        if inner:
            return saying(inner) + (f" ({saying(about)})" if about else "")
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def keyless(said: str) -> str:
    """Without what is secret in the environment, and without what looks like a key."""
    for secret in _secrets():
        said = said.replace(secret, "[key]")
    return _KEY.sub("[key]", said)


def _secrets() -> Iterator[str]:
    """Keys of any provider, as its package takes them from the environment, and the values of LLM_EXTRA_HEADERS."""
    names = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS")
    values = (value for name, value in os.environ.items() if name.upper().endswith(names))
    headers = re.findall(r':\s*"([^"]+)"', os.environ.get("LLM_EXTRA_HEADERS", ""))
    return (secret for secret in (*values, *headers) if len(secret) >= 6)


def retry_after(error: Exception, now: Callable[[], float] = time.time) -> float | None:
    """Seconds the service asked for: `retry-after-ms`, `Retry-After` as seconds or as a date, or google.rpc.RetryInfo."""
    headers, in_body = _headers(error), _RETRY_DELAY.search(str(error))  # where Google says it
    asked = headers.get("retry-after") or (in_body[1] if in_body else "")
    with suppress(TypeError, ValueError):
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        if asked.replace(".", "", 1).isdigit():
            return float(asked)
        return max(0.0, email.utils.parsedate_to_datetime(asked).timestamp() - now())
    return None


def _headers(error: BaseException | None) -> Mapping[str, str]:
    """Of the response that an error, or what it was raised from, carries."""
    while error is not None:
        if headers := getattr(getattr(error, "response", None), "headers", None):
            found: Mapping[str, str] = headers
            return found
        error = error.__cause__
    return {}
