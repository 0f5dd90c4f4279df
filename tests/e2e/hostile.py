"""A language model that repeats what it was asked, key included, in whatever way the question's text asks it to fail."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODES = ("unauthorized", "throttled", "broken", "rejected", "garbage", "refused", "nonsense", "missing")
_STATUS = {"unauthorized": 401, "throttled": 429, "broken": 500, "rejected": 400, "missing": 404}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    otherwise = ""


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = "\n".join(str(message["content"]) for message in body["messages"])
        echo = f"Sorry about {self.headers['Authorization']}: {said[-3000:]}"
        mode = next((mode for mode in MODES if f"mode {mode}" in said), self.server.otherwise)
        if status := _STATUS.get(mode):
            code = {"missing": "model_not_found"}.get(mode, mode)
            self._send(status, json.dumps({"error": {"message": echo, "type": mode, "code": code}}))
        elif mode == "garbage":
            self._send(200, f"<html>{echo}</html>", "text/html")
        else:
            self._send(200, json.dumps(_completion(mode, echo)))

    def _send(self, status: int, text: str, kind: str = "application/json") -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _completion(mode: str, echo: str) -> dict[str, Any]:
    words = re.findall(r"\w+", echo)
    content = (
        None if mode == "refused" else json.dumps({"contexts": [{"name": word} for word in words[-20:]]})
    )
    message = {"role": "assistant", "content": content, "refusal": echo if mode == "refused" else None}
    usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": "hostile"}
    return {**head, "choices": [choice], "usage": usage}


@contextmanager
def hostile(otherwise: str = "broken") -> Iterator[str]:
    """Its base URL; `otherwise` is how it fails where the text does not say."""
    server = _Server(("127.0.0.1", 0), _Answers)
    server.otherwise = otherwise
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
