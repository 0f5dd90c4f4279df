#!/usr/bin/env bash
# langgraph 1.2.24 with langchain-openai 1.7.4: whether an answer that was cut off counts as whole depends on how the graph is watched.
# Expected: stream_mode says what a caller gets to see of a run, and changes nothing of it. The arguments of a tool call that end in the
#   middle, at the limit of tokens, are no JSON: with_structured_output gives None, as it does for invoke().
# Seen: stream_mode "messages" has every model below the graph stream its answer, and a streamed message's arguments are mended as if more
#   were to come: the node gets a valid object with fewer names, the last one cut in the middle of a word. "values" and "updates" are as
#   invoke(). disable_streaming=True of the model, or a look at finish_reason (include_raw=True), is the way around.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check langgraph==1.2.24 langchain-openai==1.7.4 langchain-core==1.8.3 openai==3.57.0
cat > seen.py <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypedDict

from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel

CUT = '{"names": ["BookLent", "BookReturned", "MembershipSus'


class Events(BaseModel):
    """The events of a text."""

    names: list[str]


class State(TypedDict):
    events: Events | None


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        streams = json.loads(self.rfile.read(int(self.headers["content-length"]))).get("stream")
        call = {"index": 0, "id": "1", "type": "function", "function": {"name": "Events", "arguments": CUT}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        if streams:
            parts = ({"delta": message, "finish_reason": None}, {"delta": {}, "finish_reason": "length"})
            body = "".join(f"data: {self.said('chat.completion.chunk', part)}\n\n" for part in parts) + "data: [DONE]\n\n"
        else:
            body = self.said("chat.completion", {"message": message, "finish_reason": "length"})
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if streams else "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def said(self, kind, choice):
        return json.dumps({"id": "1", "created": 1, "model": "m", "object": kind, "choices": [{"index": 0, **choice}]})

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()


def graph(**options):
    url = f"http://127.0.0.1:{server.server_port}/v1"
    model = ChatOpenAI(model="m", api_key="none", base_url=url, max_retries=0, **options)
    asked = model.with_structured_output(Events, method="function_calling")
    builder = StateGraph(State)
    builder.add_node("ask", lambda _: {"events": asked.invoke("Which events?")})
    builder.add_edge(START, "ask")
    builder.add_edge("ask", END)
    return builder.compile()


def watched(mode, **options):
    ends = [value for kind, value in graph(**options).stream({"events": None}, stream_mode=["values", mode]) if kind == "values"]
    return ends[-1]["events"]


seen = {"invoke()": graph().invoke({"events": None})["events"]}
seen |= {mode: watched(mode) for mode in ("updates", "messages")}
seen["messages, disable_streaming"] = watched("messages", disable_streaming=True)
for how, events in seen.items():
    print(f"{how}: {events!r}")
mended = seen.pop("messages")
assert not any(seen.values())
assert mended == Events(names=["BookLent", "BookReturned", "MembershipSus"]), "changed"
PY
venv/bin/python seen.py
echo "as described: langgraph 1.2.24, langchain-openai 1.7.4"
