#!/usr/bin/env bash
# langchain-anthropic 1.7.10 (anthropic 2.14.0): a page instead of an answer is a bare AttributeError.
# Expected: what a gateway's login or maintenance page (status 200, text/html) means to a caller is an error of the provider's client
#   (anthropic.APIError) or of LangChain's (langchain_core.exceptions.ModelError), so that it can be told from a fault of one's own and tried again.
# Seen: AttributeError: 'str' object has no attribute ..., from inside the package; neither hierarchy has it.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check langchain-anthropic==1.7.10 anthropic==2.14.0 langchain-core==1.8.3
cat > seen.py <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from anthropic import APIError
from langchain_anthropic import ChatAnthropic
from langchain_core.exceptions import LangChainException


class Gateway(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        page = b"<html><body>Please log in.</body></html>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Gateway)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = ChatAnthropic(
    model="claude-sonnet-4-5", api_key="none", base_url=f"http://127.0.0.1:{server.server_port}", max_retries=0
)
try:
    print("answered:", client.invoke("Which fruit?"))
    sys.exit("changed")
except (APIError, LangChainException) as error:
    print(f"{type(error).__mro__}: {error}")
    sys.exit("changed")
except AttributeError as error:
    print(f"AttributeError: {error}")
print("as described: langchain-anthropic 1.7.10")
PY
venv/bin/python seen.py
