#!/usr/bin/env bash
# firebase-admin 7.7.0 (Python): Reference.listen() garbles Korean when the event stream's content type names no charset.
# Expected: an event stream is UTF-8 by its specification, whatever the header says; get() of the same value reads it right.
# Seen: listen() decodes `text/event-stream` as ISO-8859-1, the default of the HTTP library below it, so each syllable becomes three
#   wrong letters, without an error. With `; charset=utf-8` in the header it is right. A proxy that strips the parameter is enough.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check firebase-admin==7.7.0
cat > "$folder/seen.py" <<'PY'
import json
import os
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import firebase_admin
from firebase_admin import db

VALUE = "수강 신청"
BODY = json.dumps(VALUE, ensure_ascii=False).encode()
over = threading.Event()


class Database(BaseHTTPRequestHandler):
    charset = ""

    def do_GET(self):
        streams = self.headers.get("accept", "").startswith("text/event-stream")
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" + self.charset if streams else "application/json")
        if not streams:
            self.send_header("content-length", str(len(BODY)))
        self.end_headers()
        if streams:
            self.wfile.write(b'event: put\ndata: {"path": "/", "data": ' + BODY + b"}\n\n")
            self.wfile.flush()
            over.wait(20)
        else:
            self.wfile.write(BODY)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Database)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["FIREBASE_DATABASE_EMULATOR_HOST"] = f"127.0.0.1:{server.server_port}"
firebase_admin.initialize_app(options={"databaseURL": f"http://127.0.0.1:{server.server_port}?ns=any", "projectId": "any"})


def listened(charset):
    Database.charset = charset
    heard = queue.Queue()
    threading.Thread(target=lambda: db.reference("/a").listen(lambda event: heard.put(event.data)), daemon=True).start()
    return heard.get(timeout=10)


got, with_charset, without = db.reference("/a").get(), listened("; charset=utf-8"), listened("")
print("get():", got)
print("listen(), charset named:", with_charset)
print("listen(), none named:", without)
over.set()
assert got == with_charset == VALUE
assert without == VALUE.encode().decode("latin-1"), "changed"
print("as described: firebase-admin 7.7.0", flush=True)
os._exit(0)
PY
"$folder/venv/bin/python" "$folder/seen.py"
