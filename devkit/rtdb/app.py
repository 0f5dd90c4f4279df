"""The REST interface of the database as an ASGI application: reads, writes, conditions, event streams."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from email.utils import formatdate
from urllib.parse import quote, urlencode

import structlog
from starlette.types import Receive, Scope, Send

from devkit.rtdb.faults import Faults, UnknownFault
from devkit.rtdb.namespace import Namespace
from devkit.rtdb.query import Query
from devkit.rtdb.request import MAX_BODY_BYTES, Caller, Refused, Request, parse_body
from devkit.rtdb.rules import Rules, RulesRejected
from devkit.rtdb.store import Store
from devkit.rtdb.tree import (
    Invalid,
    Json,
    Node,
    Path,
    etag,
    from_json,
    get,
    shallow,
    to_json,
    updates_from_json,
)
from devkit.rtdb.watch import KEEP_ALIVE, Ending, Watcher, encode
from devkit.rtdb.wire.polling import POLL_TARGET, Polling
from devkit.rtdb.wire.session import Sessions
from devkit.rtdb.wire.socket import serve_socket
from devkit.rtdb.writes import Write, Writes

log = structlog.get_logger(__name__)

RULES_TARGET = ".settings/rules.json"
ADMIN_PREFIX = ".emulator/"
_WRITE_LIMITS = {"tiny", "small", "medium", "large", "unlimited"}
_TOO_LARGE = "Data to write exceeds the maximum size that can be modified with a single request."
_PUSH_ALPHABET = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, PUT, POST, PATCH, DELETE",
    "access-control-allow-headers": "authorization, content-type, if-match, if-none-match, x-firebase-etag",
    "access-control-expose-headers": "etag",
}


@dataclass(slots=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_lost: bool = False
    """The connection is closed instead of sending this (a fault)."""


@dataclass(slots=True)
class Stats:
    """What was asked of the server since it started, admin requests apart."""

    requests: int = 0
    reads: int = 0
    writes: int = 0
    streams: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    keep_alive_bytes: int = 0
    """Of `bytes_out`."""


class App:
    """`abort` closes a client's connection at once; `faults` is None when the admin path is off."""

    def __init__(
        self,
        store: Store,
        *,
        now_ms: Callable[[], int],
        abort: Callable[[tuple[str, int]], None],
        faults: Faults | None = None,
        keep_alive: float = 30.0,
        default_namespace: str = "eventstorming",
        admin_tokens: frozenset[str] = frozenset({"owner"}),
    ) -> None:
        self.stats = Stats()
        self.admin_tokens = admin_tokens
        self._store = store
        self._now_ms = now_ms
        self._abort = abort
        self._faults = faults
        self._keep_alive = keep_alive
        self._default_namespace = default_namespace
        self._writes = Writes(store, now_ms=now_ms, faults=faults)
        self._sessions = Sessions(self._writes, admin_tokens, abort)
        self._polling = Polling(self._sessions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request.from_scope(scope, self._default_namespace)
        if scope["type"] == "websocket":
            await serve_socket(self._sessions, request, receive, send)
            return
        if request.target == POLL_TARGET:
            await self._send(send, await _guarded(self._polled(request)))
            return
        if self._faults is not None and request.target.startswith(ADMIN_PREFIX):
            await self._send(send, await _guarded(self._administer(request, receive)))
            return
        self.stats.requests += 1
        if request.wants_stream:
            await self._stream(request, receive, send)
            return
        answer = await _guarded(self._answer(request, receive))
        if answer.is_lost:
            await self._hang_up(request, receive)
            return
        self.stats.bytes_out += len(answer.body)
        await self._send(send, answer)

    async def _polled(self, request: Request) -> Answer:
        kind, text = await self._polling.answer(request)
        return Answer(body=text.encode(), headers={"content-type": f"{kind}; charset=utf-8"})

    async def _answer(self, request: Request, receive: Receive) -> Answer:
        if request.method == "OPTIONS":
            return Answer(headers=_CORS)
        body = await _read(receive, request.headers.get("content-length", ""))
        self.stats.bytes_in += len(body)
        if (wrong := await self._faulty(request)) is not None:
            return wrong
        if request.target == RULES_TARGET:
            return await self._rules(request, body)
        verbs: Mapping[str, Callable[[Request, bytes], Awaitable[Answer]]] = {
            "GET": self._get,
            "PUT": self._put,
            "POST": self._post,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }
        if request.method not in verbs:
            raise Refused(405, f"Method {request.method} is not allowed.")
        return await verbs[request.method](request, body)

    # ── reads ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _get(self, request: Request, body: bytes) -> Answer:
        self.stats.reads += 1
        namespace, path = self._namespace(request), request.path
        query = self._query(request, namespace, path)
        self._check_read(request, namespace, path, query)
        node = get(namespace.root, path)
        if request.params.get("shallow") == "true":
            if query is not None:
                raise Refused(400, "Mixing 'shallow' and querying is not supported.")
            return _json(shallow(node), request)
        if query is not None:
            return _json(to_json(query.select(node)), request)
        known = request.headers.get("if-none-match")
        tag = etag(node) if known or request.wants_etag else None
        if tag is not None and known == tag:
            return Answer(status=304, headers={"etag": tag})
        return _json(to_json(node), request, tag=tag)

    def _query(self, request: Request, namespace: Namespace, path: Path) -> Query | None:
        query = Query.from_params(request.params)
        if query is not None and query.index is not None and not namespace.rules.indexed(path, query.index):
            raise Refused(
                400,
                f'Index not defined, add ".indexOn": "{query.index}", for path "/{"/".join(path)}", to the rules',
            )
        return query

    def _check_read(self, request: Request, namespace: Namespace, path: Path, query: Query | None) -> Caller:
        caller = request.caller(self.admin_tokens)
        if not self._writes.may_read(caller, namespace, path, _query_variables(query)):
            raise Refused(401, "Permission denied")
        return caller

    # ── writes ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _put(self, request: Request, body: bytes) -> Answer:
        namespace, path, value = self._namespace(request), request.path, parse_body(body)
        node = from_json(value, existing=get(namespace.root, path), depth=len(path), now_ms=self._now_ms())
        answer = await self._commit(request, namespace, _whole(path, node, body, value))
        return answer or _json(to_json(node), request, tag=etag(node) if request.wants_etag else None)

    async def _delete(self, request: Request, body: bytes) -> Answer:
        namespace, path = self._namespace(request), request.path
        answer = await self._commit(request, namespace, _whole(path, None, b"", None))
        return answer or _json(None, request, tag=etag(None) if request.wants_etag else None)

    async def _post(self, request: Request, body: bytes) -> Answer:
        namespace, path, value = self._namespace(request), request.path, parse_body(body)
        name = _push_id(self._now_ms())
        node = from_json(value, depth=len(path) + 1, now_ms=self._now_ms())
        answer = await self._commit(request, namespace, _whole((*path, name), node, body, value))
        return answer or _json({"name": name}, request)

    async def _patch(self, request: Request, body: bytes) -> Answer:
        if "if-match" in request.headers:
            raise Refused(400, "Conditional requests are not supported for PATCH.")
        namespace, path, value = self._namespace(request), request.path, parse_body(body)
        updates = updates_from_json(path, value, namespace.root, now_ms=self._now_ms())
        write = Write(base=path, updates=updates, is_patch=True, body=body, value=value)
        answer = await self._commit(request, namespace, write)
        return answer or _json(_resolved(path, updates), request)

    async def _commit(self, request: Request, namespace: Namespace, write: Write) -> Answer | None:
        """Check condition and rules, commit, make durable. None when all went well."""
        self.stats.writes += 1
        if request.params.get("writeSizeLimit", "large") not in _WRITE_LIMITS:
            raise Refused(400, f"writeSizeLimit must be one of {', '.join(sorted(_WRITE_LIMITS))}.")
        caller = request.caller(self.admin_tokens)
        if not self._writes.permits(caller, namespace, write.updates):
            raise Refused(401, "Permission denied")
        if (conflict := self._condition(request, namespace, write.base)) is not None:
            return conflict
        self._writes.apply(caller, namespace, write, method=request.method, agent=request.agent)
        await self._store.durable()
        return Answer(is_lost=True) if self._takes(request, "drop_replies") else None

    def _condition(self, request: Request, namespace: Namespace, path: Path) -> Answer | None:
        wanted = request.headers.get("if-match")
        if wanted is None:
            return None
        here = get(namespace.root, path)
        if wanted == etag(here) and not self._takes(request, "conflicts"):
            return None
        answer = _json(to_json(here), request, tag=etag(here))
        answer.status = 412
        return answer

    async def _rules(self, request: Request, body: bytes) -> Answer:
        if not request.caller(self.admin_tokens).is_admin:
            raise Refused(401, "Permission denied")
        namespace = self._namespace(request)
        if request.method == "GET":
            return _json(namespace.rules.source, request)
        if request.method != "PUT":
            raise Refused(405, f"Method {request.method} is not allowed.")
        try:
            self._store.set_rules(namespace, Rules(parse_body(body)), self._now_ms())
        except RulesRejected as error:
            raise Refused(400, str(error)) from error
        await self._store.durable()
        return _json({"status": "ok"}, request)

    # ── event streams ────────────────────────────────────────────────────────────────────────────────────────

    async def _stream(self, request: Request, receive: Receive, send: Send) -> None:
        try:
            if (wrong := await self._faulty(request)) is not None:
                await self._send(send, wrong)
                return
            namespace, watcher = self._open_watch(request)
        except (Refused, Invalid) as error:
            await self._send(send, _refusal(error))
            return
        self.stats.streams += 1
        try:
            async with asyncio.TaskGroup() as group:
                listener = group.create_task(_disconnected(receive, watcher))
                await self._send_events(request, watcher, send)
                listener.cancel()
        finally:
            namespace.forget(watcher)
        if watcher.aborted:
            await self._hang_up(request, receive)

    def _open_watch(self, request: Request) -> tuple[Namespace, Watcher]:
        namespace, path = self._namespace(request), request.path
        query = self._query(request, namespace, path)
        caller = self._check_read(request, namespace, path, query)
        watcher = Watcher(path, query, caller.auth, is_admin=caller.is_admin, asked=_query_variables(query))
        watcher.start(namespace.root)
        namespace.watch(watcher)
        return namespace, watcher

    async def _send_events(self, request: Request, watcher: Watcher, send: Send) -> None:
        headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
        await send({"type": "http.response.start", "status": 200, "headers": _raw(headers)})
        while (event := await watcher.next(self._keep_alive)) is not None:
            if self._faults is not None and self._concerned(request):
                await self._faults.thawed()
            self.stats.bytes_out += len(event)
            self.stats.keep_alive_bytes += len(event) if event is KEEP_ALIVE else 0
            await send({"type": "http.response.body", "body": event, "more_body": True})
        if not watcher.aborted:
            await send({"type": "http.response.body", "body": b""})

    # ── faults ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _faulty(self, request: Request) -> Answer | None:
        if self._faults is None or not self._concerned(request):
            return None
        await self._faults.hold()
        settings = self._faults.settings
        if settings.redirect_to:
            there = f"{settings.redirect_to}/{quote(request.target)}?{urlencode(request.params)}"
            return Answer(status=307, headers={"location": there})
        if self._faults.take("errors"):
            headers = {"retry-after": str(settings.retry_after)} if settings.retry_after else {}
            return Answer(settings.error_status, encode({"error": "Injected fault."}), headers)
        return None

    def _takes(self, request: Request, counter: str) -> bool:
        return self._faults is not None and self._concerned(request) and self._faults.take(counter)

    def _concerned(self, request: Request) -> bool:
        assert self._faults is not None
        return self._faults.concerns(request.method, request.target.removesuffix(".json"), request.agent)

    async def _administer(self, request: Request, receive: Receive) -> Answer:
        """`faults.json` GET, PATCH, DELETE; `streams.json` POST `"cut" | "cancel" | "revoke"`; `stats.json` GET."""
        body = await _read(receive)
        assert self._faults is not None
        match request.target.removeprefix(ADMIN_PREFIX), request.method:
            case "faults.json", "PATCH":
                self._change_faults(parse_body(body))
            case "faults.json", "DELETE":
                self._faults.reset()
            case "streams.json", "POST":
                return _json({"ended": self.end_streams(parse_body(body))}, request)
            case "stats.json", "GET":
                return _json(asdict(self.stats) | {"commits": self._store.commits}, request)
            case "faults.json", "GET":
                pass
            case _:
                raise Refused(404, "Unknown admin request.")
        return _json(self._faults.state(), request)

    def _change_faults(self, changes: Json) -> None:
        assert self._faults is not None
        try:
            self._faults.change(changes)
        except (UnknownFault, AttributeError) as error:
            raise Refused(400, str(error)) from error

    def end_streams(self, how: str) -> int:
        """End every open stream: `cut` the connection, or say `cancel` or `revoke` first. Returns how many."""
        try:
            ending = Ending(how)
        except ValueError as error:
            raise Refused(400, f"Expected one of {', '.join(Ending)}.") from error
        ended = sum(namespace.end_watches(ending) for namespace in self._store.namespaces())
        return ended + self._sessions.end(ending)

    async def _hang_up(self, request: Request, receive: Receive) -> None:
        self._abort(request.client)
        while (await receive())["type"] != "http.disconnect":
            pass

    # ── small parts ──────────────────────────────────────────────────────────────────────────────────────────

    def _namespace(self, request: Request) -> Namespace:
        return self._store.namespace(request.namespace)

    async def _send(self, send: Send, answer: Answer) -> None:
        headers = {
            "content-type": "application/json; charset=utf-8",
            "content-length": str(len(answer.body)),
            "cache-control": "no-cache",
            "date": formatdate(self._now_ms() / 1000, usegmt=True),
            "access-control-allow-origin": "*",
            **answer.headers,
        }
        if answer.status in (204, 304):
            del headers["content-length"], headers["content-type"]
        await send({"type": "http.response.start", "status": answer.status, "headers": _raw(headers)})
        await send({"type": "http.response.body", "body": answer.body})


async def _guarded(answering: Awaitable[Answer]) -> Answer:
    """The request boundary: every error becomes an answer, the unexpected ones a logged 500."""
    try:
        return await answering
    except (Refused, Invalid) as error:
        return _refusal(error)
    except Exception:
        log.exception("rtdb.request_failed")
        return Answer(status=500, body=encode({"error": "Internal server error."}))


def _refusal(error: Refused | Invalid) -> Answer:
    status = error.status if isinstance(error, Refused) else 400
    return Answer(status=status, body=encode({"error": str(error)}))


async def _read(receive: Receive, announced: str = "") -> bytes:
    """`announced` is the Content-Length: what says that it is too large is not read."""
    if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
        raise Refused(400, _TOO_LARGE)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise Refused(400, _TOO_LARGE)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _disconnected(receive: Receive, watcher: Watcher) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    watcher.close()


def _json(value: Json, request: Request, *, tag: str | None = None) -> Answer:
    headers = {} if tag is None else {"etag": tag}
    if request.params.get("print") == "silent":
        return Answer(status=204, headers=headers)
    if request.params.get("print") == "pretty":
        return Answer(body=json.dumps(value, ensure_ascii=False, indent=2).encode(), headers=headers)
    return Answer(body=encode(value), headers=headers)


def _whole(path: Path, node: Node, body: bytes, value: Json) -> Write:
    return Write(base=path, updates=[(path, node)], is_patch=False, body=body, value=value)


def _resolved(base: Path, updates: list[tuple[Path, Node]]) -> Json:
    return {"/".join(path[len(base) :]): to_json(node) for path, node in updates}


def _query_variables(query: Query | None) -> Json:
    """`query.` in rules."""
    if query is None:
        return {}
    by = query.order_by
    return {
        "orderByKey": by == "$key",
        "orderByValue": by == "$value",
        "orderByChild": None if by.startswith("$") else by,
        "limitToFirst": query.limit_to_first,
        "limitToLast": query.limit_to_last,
    }


def _push_id(now_ms: int) -> str:
    """20 characters that sort by time: 8 of milliseconds, 12 random."""
    stamp = "".join(_PUSH_ALPHABET[now_ms >> shift & 63] for shift in range(42, -1, -6))
    return stamp + "".join(secrets.choice(_PUSH_ALPHABET) for _ in range(12))


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
