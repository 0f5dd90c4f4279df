#!/usr/bin/env bash
# openai 3.54.0: the text of an error is left out of the exception where the body is not exactly OpenAI's own.
# Expected: as in openai 1.x and 2.x, str(error) carries what the endpoint said, for example LM Studio's {"error": "…"} or FastAPI's
#   {"detail": "…"}: that text goes into logs, and callers look in it for what is not supported.
# Seen: "Error code: 400" and nothing else; only {"error": {"message": "…"}} is shown. The same with OpenAI's own code "insufficient_quota", which
#   used to be in the text and now is not. The text is still in error.body and error.response.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 2.8.1 3.54.0; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" install --quiet --disable-pip-version-check "openai==$version"
done
cat > seen.py <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import openai

TEXT = "'response_format.type' must be 'json_schema' or 'text'"
BODIES = [{"error": TEXT}, {"detail": TEXT}, {"error": {"message": TEXT, "code": "insufficient_quota"}}]


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(BODIES[int(self.path.split("/")[1])]).encode()
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
for number in range(len(BODIES)):
    url = f"http://127.0.0.1:{server.server_port}/{number}"
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    try:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Which fruit?"}])
    except openai.BadRequestError as error:
        print(str(error))
PY
old=$(venv-2.8.1/bin/python seen.py); new=$(venv-3.54.0/bin/python seen.py)
printf 'openai 2.8.1:\n%s\nopenai 3.54.0:\n%s\n' "$old" "$new"
[ "$(grep -c "must be" <<<"$old")" = 3 ] && [ "$(grep -c "must be" <<<"$new")" = 1 ] || { echo changed; exit 1; }
if ! grep -q insufficient_quota <<<"$old" || grep -q insufficient_quota <<<"$new"; then echo changed; exit 1; fi
echo "as described: openai 3.54.0"
