"""Small requests over kept connections: every form of answer HTTP/1.1 allows, and connections that break."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from poller.rtdb.http import Http, NotHttp, proxy_of
from tests.certificates import Authority, Pair
from tests.fakes import settle

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: abc\r\n\r\nnull"


@dataclass
class Server:
    """Answers the n-th request with the n-th answer; None: never."""

    answers: list[bytes | None]
    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    close_after: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")), 0
                )
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
                if answer is None:
                    await asyncio.Event().wait()
                writer.write(answer or b"")
                if self.close_after or not (answer or b"").startswith(b"HTTP/1.1"):
                    break
        writer.close()


@asynccontextmanager
async def listening(serve: Serve, *, tls: Pair | None = None) -> AsyncIterator[str]:
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.certificate, tls.key)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def serving(
    *answers: bytes | None, close_after: bool = False, tls: Pair | None = None
) -> AsyncIterator[Server]:
    served = Server(list(answers), close_after=close_after)
    async with listening(served.serve, tls=tls) as served.url:
        yield served


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    one = Http(agent="a test")
    yield one
    await one.aclose()


async def test_a_write_is_one_request_with_what_it_needs(http: Http) -> None:
    async with serving(OK) as server:
        content = '{"a":"가"}'.encode()
        answer = await http.send(
            "PUT", f"{server.url}/a.json?ns=x", content=content, headers={"if-match": "abc"}
        )
    assert (answer.status, answer.json(), answer.fields["etag"]) == (200, None, "abc")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == content
    assert head.split(b"\r\n")[0] == b"PUT /a.json?ns=x HTTP/1.1"
    assert {b"User-Agent: a test", b"if-match: abc"} <= set(head.split(b"\r\n"))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nnu\r\n2;x=y\r\nll\r\n0\r\nTrailer: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
        % len(gzip.compress(b"null", mtime=0))
        + gzip.compress(b"null", mtime=0),
        b"HTTP/1.0 200 OK\r\n\r\nnull",
    ],
    ids=["chunked", "after an interim answer", "gzip", "until it closes"],
)
async def test_every_form_of_answer_is_read_to_its_end(http: Http, answer: bytes) -> None:
    async with serving(answer) as server:
        for _ in range(2):
            got = await http.send("GET", f"{server.url}/a.json", content=None, headers={})
            assert got.content == b"null"


async def test_a_connection_is_kept(http: Http) -> None:
    async with serving(OK, b"HTTP/1.1 204 No Content\r\n\r\n", OK) as server:
        for _ in range(3):
            await http.send("GET", f"{server.url}/a.json", content=None, headers={})
    assert server.connections == 1


async def test_a_connection_the_server_has_closed_is_not_used_again(http: Http) -> None:
    async with serving(OK, close_after=True) as server:
        for _ in range(3):
            answer = await http.send("GET", f"{server.url}/a.json", content=None, headers={})
            assert answer.status == 200
            await settle()
    assert server.connections == 3


async def test_a_request_that_was_broken_off_leaves_no_connection_to_the_next(http: Http) -> None:
    async with serving(None, OK) as server:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await http.send("GET", f"{server.url}/slow.json", content=None, headers={})
        answer = await http.send("GET", f"{server.url}/a.json", content=None, headers={})
    assert (answer.content, server.connections) == (b"null", 2)


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("size", [100, 1 << 24], ids=["in the kernel", "in our buffer"])
async def test_what_has_not_left_when_it_is_given_up_never_does(
    http: Http, size: int, encrypted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network may be whole again when the lease that a write was sent under has long run out."""
    came, goes_on = asyncio.Event(), asyncio.Event()
    ended: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        came.set()
        await goes_on.wait()
        try:
            ended.set_result(await reader.read(-1))
        except ConnectionError as error:
            ended.set_exception(error)

    authority = Authority(tmp_path, "ours")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    async with listening(serve, tls=authority.pair("db") if encrypted else None) as url:
        sending = asyncio.create_task(http.send("PUT", f"{url}/a.json", content=b"x" * size, headers={}))
        await came.wait()
        sending.cancel()
        await asyncio.wait({sending})
        goes_on.set()
        with pytest.raises(ConnectionResetError):
            await ended


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", EOFError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", EOFError),
        (b"SSH-2.0-OpenSSH\r\n\r\n", NotHttp),
        (b"HTTP/1.1 200 OK\r\nContent-Length: four\r\n\r\nnull", NotHttp),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", NotHttp),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnull", NotHttp),
    ],
    ids=["nothing", "half", "another protocol", "no length", "an endless header", "no gzip"],
)
async def test_what_is_no_answer_is_an_error(http: Http, answer: bytes, error: type[Exception]) -> None:
    async with serving(answer, close_after=True) as server:
        with pytest.raises(error):
            await http.send("GET", f"{server.url}/a.json", content=None, headers={})


async def test_a_connection_that_is_reset_is_an_error(http: Http) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()  # what has come is not read

    async with listening(serve) as url:
        with pytest.raises(ConnectionResetError):
            await http.send("PUT", f"{url}/a.json", content=b"x" * (1 << 24), headers={})


async def test_nobody_there_is_an_error(http: Http) -> None:
    async with serving(OK) as server:
        pass
    with pytest.raises(ConnectionError):
        await http.send("GET", f"{server.url}/a.json", content=None, headers={})


async def test_only_a_server_with_a_certificate_that_is_trusted_hears_anything(
    http: Http, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.ca))
    async with serving(OK, tls=ours.pair("db")) as server:
        assert (await http.send("GET", f"{server.url}/a", content=None, headers={})).content == b"null"
    async with serving(OK, tls=other.pair("db")) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await http.send("GET", f"{server.url}/a", content=None, headers={})
    assert not server.requests


async def test_a_line_break_in_a_header_is_refused(http: Http) -> None:
    async with serving(OK) as server:
        with pytest.raises(ValueError, match="line break"):
            await http.send("GET", f"{server.url}/a", content=None, headers={"if-match": "a\r\nX: 1"})
    assert not server.requests


@pytest.mark.parametrize(
    ("settings", "proxy"),
    [
        ({}, ""),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ({"ALL_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "firebaseio.com"}, ""),
        ({"HTTP_PROXY": "http://proxy:3128"}, ""),
    ],
    ids=["none", "https", "all", "excepted", "http only"],
)
def test_a_proxy_is_seen(settings: dict[str, str], proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, **settings)
    assert proxy_of("https://x.firebaseio.com") == proxy
    assert proxy_of("http://127.0.0.1:9000") == ""


def only(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    """No other proxy is named."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


@dataclass
class Proxy:
    """Opens tunnels, or refuses them."""

    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    heads: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        writer.write(self.answer)
        if b" 200 " in self.answer:
            port = head.split(b" ")[1].rpartition(b":")[2]
            there, onwards = await asyncio.open_connection("127.0.0.1", int(port))
            async with asyncio.TaskGroup() as group:
                group.create_task(carry(reader, onwards))
                group.create_task(carry(there, writer))
        writer.close()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65536):
            writer.write(piece)
        writer.close()


@asynccontextmanager
async def proxied(monkeypatch: pytest.MonkeyPatch, proxy: Proxy, user: str = "") -> AsyncIterator[None]:
    listening = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    address = f"http://{user}127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    only(monkeypatch, HTTPS_PROXY=address, NO_PROXY="nowhere")
    try:
        yield
    finally:
        listening.close()


async def test_a_proxy_carries_what_it_cannot_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Authority(tmp_path, "ours")
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.ca))
    proxy, http = Proxy(), Http(agent="a test")
    async with serving(OK, tls=ours.pair("db")) as server, proxied(monkeypatch, proxy, "kim:p%40ss@"):
        for _ in range(2):
            assert (await http.send("GET", f"{server.url}/a", content=None, headers={})).content == b"null"
        _, body = await http.open(f"{server.url}/b", headers={"Accept": "text/event-stream"})
        assert body is not None
        assert [piece async for piece in body.chunks()] == [b"null"]
        body.close()
        await http.aclose()
    (kept, streamed) = proxy.heads
    target = server.url.removeprefix("https://").encode()
    assert kept.startswith(b"CONNECT " + target + b" HTTP/1.1\r\nHost: " + target)
    assert b"Proxy-Authorization: Basic a2ltOnBAc3M=" in streamed


async def test_a_proxy_that_refuses_is_an_error(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    async with proxied(monkeypatch, proxy):
        with pytest.raises(ConnectionError, match="the proxy answered 407"):
            await http.send("GET", "https://127.0.0.1:1/a", content=None, headers={})


@pytest.mark.parametrize(
    ("answer", "pieces"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nnu\r\n2\r\nll\r\n0\r\n\r\n", b"null"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull", b"null"),
        (b"HTTP/1.0 200 OK\r\n\r\nnull", b"null"),
    ],
    ids=["chunked", "of a length", "until it closes"],
)
async def test_an_answer_is_read_as_it_comes(http: Http, answer: bytes, pieces: bytes) -> None:
    async with serving(answer) as server:
        _, body = await http.open(f"{server.url}/a.json", headers={})
        assert body is not None
        assert b"".join([piece async for piece in body.chunks()]) == pieces
        body.close()


@pytest.mark.parametrize("head", [b"Content-Length: 9", b"Transfer-Encoding: chunked"])
async def test_an_answer_that_breaks_off_is_an_error(http: Http, head: bytes) -> None:
    async with serving(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n9\r\nnull", close_after=True) as server:
        _, body = await http.open(f"{server.url}/a.json", headers={})
        assert body is not None
        with pytest.raises(EOFError):
            _ = [piece async for piece in body.chunks()]
