"""Answers over HTTP that go on: each says something every few seconds, and what is refused is refused before it begins."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any

from a2a.utils.error_handlers import rest_stream_error_handler
from a2a.utils.errors import A2A_REASON_TO_ERROR, InternalError
from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

PING_SECONDS = 4
"""The protocol's own client gives a stream up that says nothing for 5 s."""

Endpoint = Callable[[Request], Awaitable[Response]]


def lively(routes: Iterable[BaseRoute]) -> list[BaseRoute]:
    """The same routes; no stream of theirs is silent for longer than PING_SECONDS."""

    def answered(asked: Endpoint) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            answer = await asked(request)
            if isinstance(answer, EventSourceResponse):
                answer.ping_interval = PING_SECONDS
            return answer

        return endpoint

    return _through(answered, routes)


def as_of_0_3(routes: Iterable[BaseRoute]) -> list[BaseRoute]:
    """The SDK's REST of 0.3, mended: it breaks a stream off where it should refuse, and its errors lack the type that its clients read."""

    def answered(asked: Endpoint) -> Endpoint:
        @rest_stream_error_handler
        async def begun(request: Request) -> Response:
            answer = await asked(request)
            if isinstance(answer, EventSourceResponse):
                events = aiter(answer.body_iterator)
                answer.body_iterator = _whole(await anext(events), events)
            return answer

        async def endpoint(request: Request) -> Response:
            answer: Response = await begun(request)
            return answer if answer.status_code < HTTPStatus.BAD_REQUEST else _typed(answer)

        return endpoint

    old = (route for route in routes if isinstance(route, Route) and route.path.startswith("/v1/"))
    return _through(answered, old)


def _typed(answer: Response) -> Response:
    error = json.loads(bytes(answer.body))["error"]
    reasons = [detail.get("reason", "") for detail in error.get("details", ())]
    kinds = [A2A_REASON_TO_ERROR.get(reason, InternalError) for reason in reasons] or [InternalError]
    told = {"type": kinds[0].__name__, "message": error["message"], "error": error}
    return JSONResponse(told, status_code=answer.status_code)


def _through(answered: Callable[[Endpoint], Endpoint], routes: Iterable[BaseRoute]) -> list[BaseRoute]:
    def one(route: BaseRoute) -> BaseRoute:
        if isinstance(route, Mount):
            return Mount(route.path, routes=_through(answered, route.routes))
        assert isinstance(route, Route), "the SDK makes no others"
        return Route(route.path, answered(route.endpoint), methods=list(route.methods or ()))

    return [one(route) for route in routes]


async def _whole(first: Any, rest: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
    yield first
    async for event in rest:
        yield event
