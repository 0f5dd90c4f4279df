#!/usr/bin/env bash
# firebase-admin 7.7.0 (Python): a query by key comes back in another order than the database and the JavaScript client keep it in.
# Expected: keys that are whole numbers come first and by their value, as the database defines it: 9, 10, 100, then the words.
#   limit_to_first and limit_to_last choose by that order on the server.
# Seen: Query.get() sorts the answer once more and compares such keys as text: 10, 100, 9. "The first two" are then the right two in
#   the wrong order; the JavaScript client (@firebase/database 1.1.5) keeps the database's. Keys of one width (0009) or push ids are not concerned.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check firebase-admin==7.7.0
npm init -y > init.log
npm install --silent --no-audit --no-fund @firebase/app@0.16.5 @firebase/database@1.1.5 > install.log
cat > seen.py <<'PY'
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import firebase_admin
from firebase_admin import db

CHAPTERS = {"9": "아홉", "10": "열", "100": "백", "부록": "끝"}
BODY = json.dumps(CHAPTERS).encode()


class Database(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Database)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["FIREBASE_DATABASE_EMULATOR_HOST"] = f"127.0.0.1:{server.server_port}"
firebase_admin.initialize_app(
    options={"databaseURL": f"http://127.0.0.1:{server.server_port}?ns=any", "projectId": "any"}
)
print(" ".join(db.reference("/chapters").order_by_key().get()))
server.shutdown()
PY
cat > seen.mjs <<'JS'
import { initializeApp } from "@firebase/app";
import { getDatabase, goOffline, onValue, orderByKey, query, ref, set } from "@firebase/database";

const database = getDatabase(initializeApp({ databaseURL: "https://any.firebaseio.com", projectId: "any" }));
goOffline(database); // what is set here is seen at once, without a server
const chapters = ref(database, "chapters");
set(chapters, { 9: "아홉", 10: "열", 100: "백", 부록: "끝" });
onValue(query(chapters, orderByKey()), (snapshot) => {
  const keys = [];
  snapshot.forEach((child) => void keys.push(child.key));
  console.log(keys.join(" "));
  process.exit(0);
});
JS
python=$(venv/bin/python seen.py)
javascript=$(node seen.mjs)
echo "JavaScript: $javascript"
echo "Python:     $python"
[ "$javascript" = "9 10 100 부록" ] && [ "$python" = "10 100 9 부록" ]
echo "as described"
