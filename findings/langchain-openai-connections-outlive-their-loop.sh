#!/usr/bin/env bash
# langchain-openai 1.7.3 (openai 3.54.0): two asyncio.run() after one another, each with a ChatOpenAI of its own, share connections.
# Expected: an object made inside the second event loop knows nothing of the first loop; its call is answered.
# Seen: both objects get one cached HTTP client, found by base_url and timeout. Where the server has closed the connection that the first run left
#   (here at once; elsewhere after its keep-alive time), the second run dies of "RuntimeError: Event loop is closed" before it has sent anything.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check langchain-openai==1.7.3 openai==3.54.0 langchain-core==1.7.2
cat > seen.py <<'PY'
import asyncio
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from langchain_openai import ChatOpenAI

ANSWER = {
    "id": "1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "a fig"}}],
}


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 0.5  # seconds a connection may rest; then it is closed

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()


async def ask():
    client = ChatOpenAI(model="m", api_key="none", base_url=f"http://127.0.0.1:{server.server_port}/v1", max_retries=0)
    return (await client.ainvoke("Which fruit?")).content


print("first run:", asyncio.run(ask()))
time.sleep(2)
try:
    print("second run:", asyncio.run(ask()))
    sys.exit("changed")
except RuntimeError as error:
    print(f"second run: RuntimeError: {error}")
    if "Event loop is closed" not in str(error):
        sys.exit("changed")
print("as described: langchain-openai 1.7.3")
PY
venv/bin/python seen.py
