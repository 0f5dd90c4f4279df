"""What the REST interface answers, in the forms that a request may ask for: pretty, silent, as a script, as a file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import quote

from starlette.types import Send

from devkit.rtdb.request import Refused, Request
from devkit.rtdb.tree import Invalid, Json
from devkit.rtdb.watch import encode

_CALLBACK = re.compile(r"[A-Za-z_$][\w$.]{0,199}", re.ASCII)
_SCRIPT = "application/javascript; charset=utf-8"
CORS = {
    "access-control-allow-methods": "GET, HEAD, PUT, POST, PATCH, DELETE",
    "access-control-allow-headers": "authorization, content-type, if-match, if-none-match, x-firebase-etag, x-http-method-override",
    "access-control-expose-headers": "etag",
}


@dataclass(slots=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_lost: bool = False
    """The connection is closed instead of sending this (a fault)."""


def refusal(error: Refused | Invalid) -> Answer:
    status = error.status if isinstance(error, Refused) else 400
    return Answer(status=status, body=encode({"error": str(error)}))


def answer(value: Json, request: Request, *, tag: str | None = None) -> Answer:
    """`value` as the request wants to see it."""
    headers = {} if tag is None else {"etag": tag}
    if request.params.get("print") == "silent":
        return Answer(status=204, headers=headers)
    if request.params.get("print") == "pretty":
        return Answer(body=json.dumps(value, ensure_ascii=False, indent=2).encode(), headers=headers)
    return Answer(body=encode(value), headers=headers)


def for_browsers(made: Answer, request: Request) -> Answer:
    """A read that is loaded as a script (`callback`) or saved as a file (`download`)."""
    if (name := request.params.get("callback")) is not None:
        if not _CALLBACK.fullmatch(name):
            raise Refused(400, "callback must be the name of a function.")
        made.body = b"%s(%s);" % (name.encode(), made.body)
        made.headers["content-type"] = _SCRIPT
    if "download" in request.params:
        name = quote(request.params["download"], safe="")
        made.headers["content-disposition"] = f"attachment; filename*=UTF-8''{name}"
    return made


async def send_answer(send: Send, made: Answer, *, now_ms: int) -> None:
    headers = {
        "content-type": "application/json; charset=utf-8",
        "content-length": str(len(made.body)),
        "cache-control": "no-cache",
        "date": formatdate(now_ms / 1000, usegmt=True),
        "access-control-allow-origin": "*",
        **made.headers,
    }
    if made.status in (204, 304):
        del headers["content-length"], headers["content-type"]
    await send({"type": "http.response.start", "status": made.status, "headers": raw(headers)})
    await send({"type": "http.response.body", "body": made.body})


def raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
