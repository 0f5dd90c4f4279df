"""The REST interface of the database as an ASGI application: reads, writes, conditions, event streams."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from urllib.parse import quote, urlencode

import structlog
from starlette.types import Receive, Scope, Send

from devkit.rtdb.answers import CORS, Answer, answer, for_browsers, raw, refusal, send_answer
from devkit.rtdb.backlog import KEEP_ALIVE
from devkit.rtdb.faults import Faults, UnknownFault
from devkit.rtdb.namespace import Namespace
from devkit.rtdb.query import Query
from devkit.rtdb.request import MAX_BODY_BYTES, Caller, Refused, Request, parse_body
from devkit.rtdb.rules import RulesRejected, read_rules
from devkit.rtdb.stats import Stats
from devkit.rtdb.store import Store
from devkit.rtdb.tree import (
    Invalid,
    Json,
    Node,
    Path,
    checked,
    etag,
    get,
    shallow,
    to_json,
    update_from_json,
    updates_from_json,
)
from devkit.rtdb.watch import Ending, Watcher, encode
from devkit.rtdb.window import NO_QUERY, Window
from devkit.rtdb.wire.polling import POLL_TARGET, Polling
from devkit.rtdb.wire.session import Sessions, Shared
from devkit.rtdb.wire.socket import serve_socket
from devkit.rtdb.writes import Write, Writes

log = structlog.get_logger(__name__)

RULES_TARGET = ".settings/rules.json"
ADMIN_PREFIX = ".emulator/"
_WRITE_LIMITS = {"tiny", "small", "medium", "large", "unlimited"}
_TOO_LARGE = "Data to write exceeds the maximum size that can be modified with a single request."
_PUSH_ALPHABET = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


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
        patience: float = 60.0,
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
        shared = Shared(
            writes=self._writes,
            admin_tokens=admin_tokens,
            stats=self.stats,
            patience=patience,
            abort=abort,
        )
        self._sessions = Sessions(shared)
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
        made = await _guarded(self._answer(request, receive))
        if made.is_lost:
            await self._hang_up(request, receive)
            return
        self.stats.bytes_out += len(made.body)
        await self._send(send, made)

    async def _polled(self, request: Request) -> Answer:
        kind, text = await self._polling.answer(request)
        return Answer(body=text.encode(), headers={"content-type": f"{kind}; charset=utf-8"})

    async def _answer(self, request: Request, receive: Receive) -> Answer:
        if request.method == "OPTIONS":
            return Answer(headers=dict(CORS))
        body = await _read(receive, request.headers.get("content-length", ""))
        self.stats.bytes_in += len(body)
        if request.method in ("GET", "HEAD"):
            return for_browsers(await self._in_time(request, body), request)
        return await self._verb(request, body)

    async def _in_time(self, request: Request, body: bytes) -> Answer:
        try:
            async with asyncio.timeout(request.seconds):
                return await self._verb(request, body)
        except TimeoutError as error:
            raise Refused(400, "The read did not finish in time.") from error

    async def _verb(self, request: Request, body: bytes) -> Answer:
        if (wrong := await self._faulty(request)) is not None:
            return wrong
        if request.target == RULES_TARGET:
            return await self._rules(request, body)
        verbs: Mapping[str, Callable[[Request, bytes], Awaitable[Answer]]] = {
            "GET": self._get,
            "HEAD": self._get,
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
        window = self._window(request, namespace, path)
        self._check_read(request, namespace, path, window)
        node = get(namespace.root, path)
        if request.params.get("shallow") == "true":
            if window is not None:
                raise Refused(400, "Mixing 'shallow' and querying is not supported.")
            return answer(shallow(node), request)
        if window is not None:
            return answer(_shown(window.select(node), request), request)
        known = request.headers.get("if-none-match")
        tag = etag(node) if known or request.wants_etag else None
        if tag is not None and known == tag:
            return Answer(status=304, headers={"etag": tag})
        return answer(_shown(node, request), request, tag=tag)

    def _window(self, request: Request, namespace: Namespace, path: Path) -> Window | None:
        query = Query.from_params(request.params)
        if query is None:
            return None
        window = query.window
        if window.needs is not None and not namespace.rules.indexed(path, window.needs):
            raise Refused(
                400,
                f'Index not defined, add ".indexOn": "{window.needs}", for path "/{"/".join(path)}", to the rules',
            )
        return window

    def _check_read(
        self, request: Request, namespace: Namespace, path: Path, window: Window | None
    ) -> Caller:
        caller = request.caller(self.admin_tokens)
        asked = NO_QUERY if window is None else window.variables()
        if not self._writes.may_read(caller, namespace, path, asked):
            raise Refused(401, "Permission denied")
        return caller

    # ── writes ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _put(self, request: Request, body: bytes) -> Answer:
        namespace, path, value = self._namespace(request), request.path, parse_body(body)
        path, node = update_from_json(path, value, namespace.root, now_ms=self._now_ms())
        refused = await self._commit(request, namespace, _whole(path, node, body, value))
        return refused or answer(
            _shown(node, request), request, tag=etag(node) if request.wants_etag else None
        )

    async def _delete(self, request: Request, body: bytes) -> Answer:
        namespace, path = self._namespace(request), request.path
        refused = await self._commit(request, namespace, _whole(path, None, b"", None))
        return refused or answer(None, request, tag=etag(None) if request.wants_etag else None)

    async def _post(self, request: Request, body: bytes) -> Answer:
        namespace, path, value = self._namespace(request), request.path, parse_body(body)
        name = _push_id(self._now_ms())
        path, node = update_from_json(checked((*path, name)), value, namespace.root, now_ms=self._now_ms())
        refused = await self._commit(request, namespace, _whole(path, node, body, value))
        return refused or answer({"name": name}, request)

    async def _patch(self, request: Request, body: bytes) -> Answer:
        if "if-match" in request.headers:
            raise Refused(400, "Conditional requests are not supported for PATCH.")
        namespace, path, value = self._namespace(request), request.path, parse_body(body)
        updates = updates_from_json(path, value, namespace.root, now_ms=self._now_ms())
        write = Write(base=path, updates=updates, is_patch=True, body=body, value=value)
        refused = await self._commit(request, namespace, write)
        return refused or answer(_resolved(path, updates, request), request)

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
        conflict = answer(_shown(here, request), request, tag=etag(here))
        conflict.status = 412
        return conflict

    async def _rules(self, request: Request, body: bytes) -> Answer:
        if not request.caller(self.admin_tokens).is_admin:
            raise Refused(401, "Permission denied")
        namespace = self._namespace(request)
        if request.method in ("GET", "HEAD"):
            source = namespace.rules.source
            return Answer(body=source.encode()) if isinstance(source, str) else answer(source, request)
        if request.method != "PUT":
            raise Refused(405, f"Method {request.method} is not allowed.")
        try:
            self._store.set_rules(namespace, read_rules(body), self._now_ms())
        except RulesRejected as error:
            raise Refused(400, str(error)) from error
        await self._store.durable()
        return answer({"status": "ok"}, request)

    # ── event streams ────────────────────────────────────────────────────────────────────────────────────────

    async def _stream(self, request: Request, receive: Receive, send: Send) -> None:
        try:
            if (wrong := await self._faulty(request)) is not None:
                await self._send(send, wrong)
                return
            namespace, watcher = self._open_watch(request)
        except (Refused, Invalid) as error:
            await self._send(send, refusal(error))
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
        window = self._window(request, namespace, path)
        caller = self._check_read(request, namespace, path, window)
        watcher = Watcher(
            path, window, caller.auth, is_admin=caller.is_admin, export=request.wants_priorities
        )
        watcher.start(namespace.root)
        namespace.watch(watcher)
        return namespace, watcher

    async def _send_events(self, request: Request, watcher: Watcher, send: Send) -> None:
        headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
        await send({"type": "http.response.start", "status": 200, "headers": raw(headers)})
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
                return answer({"ended": self.end_streams(parse_body(body))}, request)
            case "stats.json", "GET":
                watchers = sum(len(namespace.watchers) for namespace in self._store.namespaces())
                more = {"commits": self._store.commits, "watchers": watchers}
                return answer(asdict(self.stats) | more, request)
            case "faults.json", "GET":
                pass
            case _:
                raise Refused(404, "Unknown admin request.")
        return answer(self._faults.state(), request)

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

    async def _send(self, send: Send, made: Answer) -> None:
        await send_answer(send, made, now_ms=self._now_ms())


async def _guarded(answering: Awaitable[Answer]) -> Answer:
    """The request boundary: every error becomes an answer, the unexpected ones a logged 500."""
    try:
        return await answering
    except (Refused, Invalid) as error:
        return refusal(error)
    except Exception:
        log.exception("rtdb.request_failed")
        return Answer(status=500, body=encode({"error": "Internal server error."}))


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


def _shown(node: Node, request: Request) -> Json:
    return to_json(node, export=request.wants_priorities)


def _whole(path: Path, node: Node, body: bytes, value: Json) -> Write:
    return Write(base=path, updates=[(path, node)], is_patch=False, body=body, value=value)


def _resolved(base: Path, updates: list[tuple[Path, Node]], request: Request) -> Json:
    return {"/".join(path[len(base) :]): _shown(node, request) for path, node in updates}


def _push_id(now_ms: int) -> str:
    """20 characters that sort by time: 8 of milliseconds, 12 random."""
    stamp = "".join(_PUSH_ALPHABET[now_ms >> shift & 63] for shift in range(42, -1, -6))
    return stamp + "".join(secrets.choice(_PUSH_ALPHABET) for _ in range(12))
