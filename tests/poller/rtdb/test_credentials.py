"""Tokens from a service account key, against a token endpoint on this machine with a key made for the test."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from structlog.testing import capture_logs

from poller.errors import Permanent, Transient
from poller.rtdb.credentials import (
    ApplicationDefaultCredentials,
    EmulatorCredentials,
    ServiceAccountCredentials,
)

Eventually = Callable[..., Any]


class TokenEndpoint(ThreadingHTTPServer):
    """Google's token service, as far as a service account needs it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.issued = 0
        self.status = 200
        self.assertions: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/token"


class _Answer(BaseHTTPRequestHandler):
    server: TokenEndpoint

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.assertions.append(form["assertion"][0])
        self.server.issued += 1
        answer = {"access_token": f"token-{self.server.issued}", "expires_in": 3600, "token_type": "Bearer"}
        body = json.dumps(answer if self.server.status == 200 else {"error": "invalid_grant"}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    with TokenEndpoint() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


@pytest.fixture
def key_file(tmp_path: Path, private_key: str, endpoint: TokenEndpoint) -> Path:
    path = tmp_path / "serviceAccountKey.json"
    content = {
        "type": "service_account",
        "project_id": "test",
        "private_key_id": "1",
        "private_key": private_key,
        "client_email": "poller@test.iam.gserviceaccount.com",
        "token_uri": endpoint.url,
    }
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def elsewhere(key_file: Path) -> Path:
    """A key whose tokens come from a host that nobody knows."""
    key_file.write_text(key_file.read_text().replace("127.0.0.1", "tokens.invalid"))
    return key_file


class Now:
    """The wall clock, and how far the test has turned it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


async def test_emulators_take_anyone_for_the_owner() -> None:
    assert await EmulatorCredentials().token(stale="owner") == "owner"


async def test_a_token_is_renewed_five_minutes_before_its_end(
    key_file: Path, endpoint: TokenEndpoint, eventually: Eventually
) -> None:
    now = Now()
    credentials = ServiceAccountCredentials(key_file, now=now)
    assert await credentials.token() == "token-1"
    now.ahead = 3600 - 320
    assert await credentials.token() == "token-1"
    assert endpoint.issued == 1
    now.ahead = 3600 - 280
    assert await credentials.token() == "token-1"
    await eventually(lambda: endpoint.issued == 2)
    now.ahead = 0
    async with asyncio.timeout(20):
        while await credentials.token() == "token-1":  # noqa: ASYNC110 (a renewal announces nothing)
            await asyncio.sleep(0.005)
    assert endpoint.issued == 2


async def test_a_stale_token_is_never_returned_again(key_file: Path, endpoint: TokenEndpoint) -> None:
    credentials = ServiceAccountCredentials(key_file)
    await credentials.token()
    assert await credentials.token(stale="token-1") == "token-2"
    assert await credentials.token(stale="token-1") == "token-2"
    assert endpoint.issued == 2


async def test_many_who_ask_at_once_share_one_renewal(key_file: Path, endpoint: TokenEndpoint) -> None:
    credentials = ServiceAccountCredentials(key_file)
    assert await asyncio.gather(*(credentials.token() for _ in range(5))) == ["token-1"] * 5
    assert endpoint.issued == 1


async def test_a_renewal_outlives_who_waited_for_it(key_file: Path, endpoint: TokenEndpoint) -> None:
    credentials = ServiceAccountCredentials(key_file)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await credentials.token()
    assert await credentials.token() == "token-1"
    assert endpoint.issued == 1


async def test_a_working_token_outlives_a_failed_renewal(
    key_file: Path, endpoint: TokenEndpoint, eventually: Eventually
) -> None:
    now = Now()
    credentials = ServiceAccountCredentials(key_file, now=now)
    await credentials.token()
    endpoint.status = 400
    now.ahead = 3600 - 280
    assert await credentials.token() == "token-1"
    await eventually(lambda: endpoint.issued == 2)
    assert await credentials.token() == "token-1"
    now.ahead = 3601
    with pytest.raises(Permanent, match="FIREBASE_SERVICE_ACCOUNT_PATH"):
        await credentials.token()


async def test_a_token_service_that_is_away_is_transient(key_file: Path, endpoint: TokenEndpoint) -> None:
    endpoint.server_close()
    said = (
        rf"The token service does not answer \(127.0.0.1:{endpoint.server_address[1]}: Connection refused\)\."
    )
    with pytest.raises(Transient, match=said):
        await ServiceAccountCredentials(key_file).token()


async def test_a_token_service_whose_name_nobody_knows_is_named(elsewhere: Path) -> None:
    with pytest.raises(Transient, match=r"\(tokens\.invalid:\d+: .*(not known|resolution)"):
        await ServiceAccountCredentials(elsewhere).token()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("{}", "not a service account key: download it again"),
        ('"abc"', "not a service account key: download it again"),
        ('{"private_key": "-----BEGIN PRIVATE KEY-----\\\\nMIIE"}', "its escapes are doubled"),
        ('{\\"type\\": \\"service_account\\", \\"private_key\\": \\"x\\"}', "its escapes are doubled"),
        (json.dumps(json.dumps({"private_key": "x"})), "its escapes are doubled"),
    ],
)
async def test_a_bad_key_file_is_named(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Permanent, match=words) as raised:
        await ServiceAccountCredentials(path).token()
    assert "key.json" in str(raised.value)


def _saved_anew(path: Path, encoding: str) -> None:
    path.write_text(path.read_text(), encoding)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
async def test_a_mark_before_the_key_is_left_out_and_told(
    key_file: Path, endpoint: TokenEndpoint, encoding: str
) -> None:
    _saved_anew(key_file, encoding)
    with capture_logs() as logs:
        assert await ServiceAccountCredentials(key_file).token() == "token-1"
    marked = [line for line in logs if line["event"] == "rtdb.key_file_marked"]
    assert [line["path"] for line in marked] == [str(key_file)]


async def test_application_default_credentials_come_from_the_environment(
    key_file: Path, endpoint: TokenEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file))
    assert await ApplicationDefaultCredentials().token() == "token-1"
