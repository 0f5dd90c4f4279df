"""Streams are kept alive one by one: what else the process streams has its own pace."""

from __future__ import annotations

import asyncio
from typing import Any

from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from poller.a2a.streams import PING_SECONDS, lively


async def _stream(_: Request) -> Response:
    return EventSourceResponse(iter([]))


async def _word(_: Request) -> Response:
    return PlainTextResponse("a word")


def test_streams_of_these_routes_are_never_silent_for_long_and_no_others_change() -> None:
    stream, below = Route("/stream", _stream, methods=["POST"]), Route("/word", _word)
    routes: list[Any] = lively([stream, Mount("/{tenant}", routes=[stream, below])])
    request = Request({"type": "http"})
    answers = [asyncio.run(each.endpoint(request)) for each in (routes[0], *routes[1].routes)]
    assert [getattr(answer, "ping_interval", None) for answer in answers] == [
        PING_SECONDS,
        PING_SECONDS,
        None,
    ]
    assert asyncio.run(_stream(request)).ping_interval > PING_SECONDS  # type: ignore[attr-defined]  # a stream's
    assert [(route.path, route.methods) for route in routes[1].routes] == [
        ("/stream", {"POST"}),
        ("/word", {"GET", "HEAD"}),
    ]
