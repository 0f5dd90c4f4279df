"""A language model played by hand: each question becomes a file, each answer is one. What was answered once is answered again.

    python -m workbench.strong.hand FOLDER [--port 0]

`FOLDER/NNN.question.json` holds one request; `FOLDER/NNN.answer.json` is written by hand and goes back as it is. Nothing here
knows the graph: what a question is about is read from nothing but the question.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workbench.strong.recorded import digest, form_of

JSON = dict[str, Any]


class Desk:
    """Questions that lie in a folder until somebody has written their answers beside them."""

    def __init__(self, folder: Path, look_seconds: float = 0.5) -> None:
        self._look_seconds = look_seconds
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._known = {digest(json.loads(path.read_text("utf-8"))): path for path in self._questions()}

    def _questions(self) -> list[Path]:
        return sorted(self._folder.glob("*.question.json"))

    def put(self, body: JSON) -> Path:
        """Where the answer will be."""
        key = digest(body)
        if key not in self._known:
            path = self._folder / f"{len(self._known) + 1:03d}.question.json"
            path.write_text(json.dumps(body, ensure_ascii=False, indent=1), "utf-8")
            self._known[key] = path
            print(f"{path.name}: {form_of(body)}", flush=True)
        question = self._known[key]
        return question.with_name(question.name.replace("question", "answer"))

    async def complete(self, request: Request) -> Response:
        body = await request.json()
        answer = self.put(body)
        while not (content := _written(answer)):
            if await request.is_disconnected():
                return Response(status_code=499)
            await asyncio.sleep(self._look_seconds)
        message = {"role": "assistant", "content": content}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        head = {"id": answer.name, "object": "chat.completion", "created": 0, "model": body["model"]}
        return JSONResponse({**head, "choices": [choice], "usage": _USAGE})


def _written(answer: Path) -> str:
    """Empty until somebody has begun to write."""
    return answer.read_text("utf-8").strip() if answer.exists() else ""


_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def application(desk: Desk) -> Starlette:
    """What a language model's client asks of it."""
    return Starlette(routes=[Route("/v1/chat/completions", desk.complete, methods=["POST"])])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workbench.strong.hand", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    desk = Desk(options.folder)
    listener = socket.create_server(("127.0.0.1", options.port))
    print(f"desk ready port={listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(application(desk), log_level="critical", lifespan="off", ws="none")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
