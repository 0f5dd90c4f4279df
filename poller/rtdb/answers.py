"""What an answer of the database means: a value, a conflict, or an error whose class and words say what to do."""

from __future__ import annotations

import math
from urllib.parse import urljoin, urlsplit

from poller.errors import Conflict, Permanent, Transient
from poller.rtdb.http import Answer
from poller.rtdb.tree import Json

_GOOGLE_HOSTS = (".firebaseio.com", ".firebasedatabase.app")


class Denied(Permanent):
    """The database's rules forbid this. With a lease in the rules: another run owns the job."""


class TokenRefused(Transient):
    """The access token is no longer accepted; a fresh one may be."""


def redirected(answer: Answer) -> str:
    """Where to go instead; the token goes along only to the same host, to Google's, or within this machine."""
    url = urljoin(answer.url, answer.fields.get("location", ""))
    here, there = urlsplit(answer.url), urlsplit(url)
    host = there.hostname or ""
    is_trusted = host == here.hostname or host.endswith(_GOOGLE_HOSTS)
    if not is_trusted or (here.scheme == "https" and there.scheme != "https"):
        raise Permanent(
            f"RTDB redirects to {host}, which is not one of its hosts: check FIREBASE_DATABASE_URL."
        )
    return url


def is_stale(answer: Answer) -> bool:
    """Refused for its token, not by the rules."""
    return answer.status == 401 and _sentence(answer) != "Permission denied"


def raise_for(answer: Answer, method: str, path: str, *, token_may_be_stale: bool = False) -> None:
    """Returns when all went well. A stale token is an error of its own only to who can still replace it."""
    status = answer.status
    if status < 400:
        return
    where = f"{method} {path or '/'}"
    if status == 412:
        raise Conflict(
            f"{where}: changed meanwhile", current=decoded(answer), etag=answer.fields.get("etag", "")
        )
    if status == 429 or status >= 500:
        raise Transient(f"RTDB answered {status} to {where}", retry_after=_retry_after(answer))
    if token_may_be_stale and is_stale(answer):
        raise TokenRefused("the access token is no longer accepted")
    raise _permanent(status, where, _sentence(answer))


def _permanent(status: int, where: str, sentence: str) -> Permanent:
    if status in (401, 403) and sentence == "Permission denied":
        return Denied(f"RTDB's rules do not allow {where}: check the rules and what this account may do.")
    advice = {
        400: "it is not valid here; this is a fault of the program or of the data",
        401: "the credentials are not accepted: check FIREBASE_SERVICE_ACCOUNT_PATH and the project it belongs to",
        403: "the service account lacks rights: give it the role Firebase Realtime Database Admin",
        404: "there is no such database: check FIREBASE_DATABASE_URL",
    }.get(status, "the request was refused")
    return Permanent(f"RTDB answered {status} to {where}: {advice} ({sentence or 'no explanation'}).")


def _sentence(answer: Answer) -> str:
    """The database's own words about an error."""
    try:
        content = answer.json()
    except ValueError:
        return ""
    return str(content.get("error", "")) if isinstance(content, dict) else ""


def decoded(answer: Answer) -> Json:
    """Raises Transient where what answered was no JSON."""
    try:
        return answer.json()
    except ValueError as error:
        raise Transient("what answered is not RTDB, or its answer was cut: it is not JSON") from error


def etag_of(answer: Answer) -> str:
    """Of a request that asked for it. Raises Permanent where something in between has dropped it."""
    etag = answer.fields.get("etag")
    if etag is None:
        raise Permanent("RTDB sent no ETag: is there a proxy in between that drops it?")
    return etag


def _retry_after(answer: Answer) -> float | None:
    try:
        seconds = float(answer.fields.get("retry-after", "nan"))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
