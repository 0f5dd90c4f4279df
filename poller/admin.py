"""Who may use the pages of the port inside the cluster: a wall around routes that show jobs or change them.

With a token: `Authorization: Bearer`, or the cookie of the login page. Without: everybody who can reach the port, under a
name that no web page elsewhere can claim. What writes must also come from a page of ours: a browser sends cookies, and
reaches ports, on behalf of any page it shows. `/livez`, `/readyz` and `/metrics` stay outside.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import ipaddress
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs, quote, urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "eventstorming"
WRITE_HEADER = "X-EventStorming"
"""Every request that writes carries it (any value): no form, link or image of another site can send it."""

LONGEST_FORM = 4096
_READS = ("GET", "HEAD", "OPTIONS")


def guarded(routes: Sequence[BaseRoute], token: str) -> list[BaseRoute]:
    """These routes behind the wall, and `/login` and `/logout` if there is a token (empty: none).

    To be mounted last: the wall answers for every path that nothing before it has taken.
    """
    wall = Mount("/", _Wall(Router(list(routes)), token, _to_browsers))
    return [*_login(token), wall] if token else [wall]


def for_programs(app: ASGIApp, token: str) -> ASGIApp:
    """The wall for what no browser uses: the token, or without one, nothing that a page of another site could send."""
    return _Wall(app, token, _to_programs)


def session(token: str) -> str:
    """What the cookie holds: proof of the token that does not give it away, and ends with it."""
    return hmac.new(token.encode(), b"eventstorming pages", hashlib.sha256).hexdigest()


_Refusal = Callable[[HTTPConnection, str, str], Response | None]
"""By the request, its method and the token; None where it may pass."""


class _Wall:
    def __init__(self, app: ASGIApp, token: str, refusal: _Refusal) -> None:
        self._app, self._token, self._refusal = app, token, refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None
        if scope["type"] == "http":
            refusal = self._refusal(HTTPConnection(scope), scope["method"], self._token)
        await (refusal or self._app)(scope, receive, send)


def _to_browsers(asked: HTTPConnection, method: str, token: str) -> Response | None:
    if token and _same(_bearer(asked.headers), token):
        return None  # nothing a browser does by itself
    if token and not _same(asked.cookies.get(COOKIE, ""), session(token)):
        return _unauthenticated(asked)
    if not token and not _own_name(asked.headers.get("host", "")):
        return _foreign_name()
    if method not in _READS and not _from_our_page(asked.headers):
        return PlainTextResponse(
            f"What writes must come from a page of this port, with the header {WRITE_HEADER}.",
            status_code=403,
        )
    return None


def _to_programs(asked: HTTPConnection, method: str, token: str) -> Response | None:
    if token:
        return None if _same(_bearer(asked.headers), token) else _without_token()
    if not _own_name(asked.headers.get("host", "")):
        return _foreign_name()
    if method not in _READS and "origin" in asked.headers:
        return PlainTextResponse(
            "Web pages may not write here: set GRPC_TOKEN, and send it.", status_code=403
        )
    return None


def _bearer(headers: Headers) -> str:
    kind, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" else ""


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _unauthenticated(connection: HTTPConnection) -> Response:
    if "text/html" in connection.headers.get("accept", ""):
        target = connection.url.path + (f"?{connection.url.query}" if connection.url.query else "")
        return RedirectResponse(f"/login?next={quote(target)}", status_code=303)
    return _without_token()


def _foreign_name() -> Response:
    return PlainTextResponse(
        "This name is not one of this port's: use localhost, an IP address or the service's name in the cluster, "
        "or set GRPC_TOKEN.",
        status_code=403,
    )


def _without_token() -> Response:
    return PlainTextResponse(
        "Send the token: Authorization: Bearer <GRPC_TOKEN>.",
        status_code=401,
        headers={"WWW-Authenticate": "Bearer"},
    )


def _from_our_page(headers: Headers) -> bool:
    """The header alone would do, since no other origin may send it; Origin and Sec-Fetch-Site say so in plain."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
    same = origin is None or urlsplit(origin).netloc == headers.get("host")
    return same and site in ("same-origin", "none") and WRITE_HEADER in headers


def _own_name(host: str) -> bool:
    """Whether a foreign site's name cannot be behind this: a name of its own that it points at us would be dotted."""
    name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.endswith((".localhost", ".local", ".internal", ".svc"))
    return True


# ── the login page ───────────────────────────────────────────────────────────────────────────────────────────────


def _login(token: str) -> list[BaseRoute]:
    async def page(request: Request) -> Response:
        return _form(_inside(request.query_params.get("next", "")))

    async def enter(request: Request) -> Response:
        fields = parse_qs((await _body(request)).decode("utf-8", "replace"))
        target = _inside(fields.get("next", [""])[0])
        if not _same(fields.get("token", [""])[0].strip(), token):
            return _form(target, wrong=True)
        answer = RedirectResponse(target, status_code=303)
        answer.set_cookie(COOKIE, session(token), httponly=True, samesite="strict", path="/")
        return answer

    async def leave(_: Request) -> Response:
        answer = RedirectResponse("/login", status_code=303)
        answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return answer

    return [
        Route("/login", page, methods=["GET"]),
        Route("/login", enter, methods=["POST"]),
        Route("/logout", leave, methods=["GET"]),
    ]


def _inside(target: str) -> str:
    """A path of this port: a link to the login page must not lead anywhere else."""
    parts = urlsplit(target)
    safe = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc
    return target if safe and target.isprintable() else "/"


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM:
            return b""
    return body


def _form(target: str, *, wrong: bool = False) -> Response:
    said = "<p role=alert>This is not the token (GRPC_TOKEN of the poller).</p>" if wrong else ""
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>EventStorming Generator</title><body style='font:16px system-ui;max-width:24rem;margin:15vh auto'>"
        f"<h1 style='font-size:1.2rem'>EventStorming Generator</h1>{said}"
        "<form method=post action=/login><label>Token <input type=password name=token autofocus required "
        "autocomplete=current-password></label> "
        f"<input type=hidden name=next value='{html.escape(target)}'><button>Enter</button></form>"
    )
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    return HTMLResponse(page, status_code=401 if wrong else 200, headers=headers)
