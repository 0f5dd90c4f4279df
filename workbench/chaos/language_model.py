"""The OpenAI-compatible test server with what an auditor needs in its log besides: who asked, for which job, a number for every answer.

The number is reported as the answer's tokens: it comes back in whatever the caller stores with the answer. The caller is
its API key, the job is the mark in the prompt.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
from collections.abc import Sequence
from contextvars import ContextVar
from itertools import count
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from workbench.chaos.texts import SLOW_LETTERS
from workbench.openai_server import JSON, Ask, Behaviour, OpenAIServer, embedded

FIRST_SERIAL = 1_000_000
_MARK = re.compile("zq[bdfgklmnprstvw]{4}", re.IGNORECASE)
_SPOILED = {"truncated", "length", "types", "empty", "refusal", "filter", "prose", "fenced"}

_caller: ContextVar[str] = ContextVar("caller", default="")


class Uneven(Behaviour):
    """Some jobs get every answer `times` as late."""

    letters = SLOW_LETTERS
    times = 8.0

    def latency(self, ask: Ask) -> float:
        found = _MARK.search(ask.text)
        is_slow = found is not None and found[0][2].lower() in self.letters
        return Behaviour.latency(self, ask) * (self.times if is_slow else 1.0)


class AuditedServer(OpenAIServer):
    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(behaviour)
        self._serials = count(FIRST_SERIAL)

    async def complete(self, request: Request) -> Response:
        _caller.set(request.headers.get("authorization", "").removeprefix("Bearer "))
        return await super().complete(request)

    def _write(self, event: str, ask: Ask, **more: Any) -> None:
        if event == "ask":
            found = _MARK.search(ask.text)
            more |= {"caller": _caller.get(), "mark": found[0].capitalize() if found else ""}
        super()._write(event, ask, **more)

    async def _answer(self, ask: Ask, request: Request) -> Response:
        response = await super()._answer(ask, request)
        if response.status_code != 200 or isinstance(response, StreamingResponse):
            return response
        try:
            body = json.loads(bytes(response.body))
        except ValueError:
            return response
        return self._numbered(ask, body)

    def _numbered(self, ask: Ask, body: JSON) -> Response:
        serial = next(self._serials)
        body["usage"] = {"prompt_tokens": serial, "completion_tokens": 0, "total_tokens": serial}
        fault = self.behaviour.fault(ask)
        self._write("sent", ask, serial=serial, clean=not (fault and fault.kind in _SPOILED))
        return JSONResponse(body)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    shares = {kind: float(share) for kind, _, share in (fault.partition("=") for fault in options.fault)}
    behaviour = Uneven(
        script=embedded(),
        seed=options.seed,
        p50=options.p50,
        p95=options.p95,
        faults=shares,
        log=options.log,
    )
    behaviour.letters = options.slow
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    config = uvicorn.Config(
        AuditedServer(behaviour).application(), log_level="critical", lifespan="off", ws="none"
    )
    print(f"language model ready port={listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workbench.chaos.language_model")
    parser.add_argument("--log", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--p50", type=float, default=0.0)
    parser.add_argument("--p95", type=float, default=0.0)
    parser.add_argument("--slow", default=SLOW_LETTERS, help="letters that marks of slow jobs begin with")
    parser.add_argument("--fault", action="append", default=[], metavar="KIND=SHARE")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
