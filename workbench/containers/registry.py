"""A container registry in memory, as much of the OCI distribution protocol as a push and a pull need."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Registry(ThreadingHTTPServer):
    """Listens on a free port of the loopback address; forgets everything at its end."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}  # by repository and tag or digest
        self.uploads: dict[str, bytes] = {}

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"


@contextmanager
def running() -> Iterator[Registry]:
    registry = Registry()
    thread = threading.Thread(target=registry.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        registry.shutdown()
        registry.server_close()
        thread.join()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Registry

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the check prints its own lines."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        repository, kind, reference = self._target()
        if not kind:
            self._send(200, b"{}", "application/json")
        elif kind == "manifests" and (repository, reference) in self.server.manifests:
            kind, content = self.server.manifests[repository, reference]
            self._send(200, content, kind)
        elif kind == "blobs" and reference in self.server.blobs:
            self._send(200, self.server.blobs[reference], "application/octet-stream")
        else:
            self._send(404, b'{"errors": [{"code": "NOT_FOUND"}]}', "application/json")

    def do_POST(self) -> None:
        repository, _, _ = self._target()
        upload = uuid.uuid4().hex
        self.server.uploads[upload] = self._body()
        self._send(202, location=f"/v2/{repository}/blobs/uploads/{upload}")

    def do_PATCH(self) -> None:
        upload = urlsplit(self.path).path.rpartition("/")[2]
        self.server.uploads[upload] += self._body()
        self._send(202, location=urlsplit(self.path).path)

    def do_PUT(self) -> None:
        repository, kind, reference = self._target()
        if kind == "manifests":
            content = self._body()
            for name in (reference, digest_of(content)):
                self.server.manifests[repository, name] = (self.headers["Content-Type"], content)
            self._send(201, location=self.path, digest=digest_of(content))
            return
        content = self.server.uploads.pop(reference.rpartition("/")[2]) + self._body()
        digest = parse_qs(urlsplit(self.path).query)["digest"][0]
        if digest != digest_of(content):
            self._send(400, b'{"errors": [{"code": "DIGEST_INVALID"}]}', "application/json")
            return
        self.server.blobs[digest] = content
        self._send(201, location=f"/v2/{repository}/blobs/{digest}", digest=digest)

    def _target(self) -> tuple[str, str, str]:
        """Repository, kind (manifests, blobs or nothing) and reference."""
        path = urlsplit(self.path).path.removeprefix("/v2/")
        for kind in ("manifests", "blobs"):
            repository, found, reference = path.partition(f"/{kind}/")
            if found:
                return repository, kind, reference
        return path, "", ""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _send(
        self, status: int, content: bytes = b"", kind: str = "", *, location: str = "", digest: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        given = {"Content-Type": kind, "Location": location, "Docker-Content-Digest": digest}
        if kind and status == 200:
            given["Docker-Content-Digest"] = digest_of(content)
        for name, value in given.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
