"""One SDK connected to one namespace: what it listens to, what it asks, what happens when it is gone.

A session does not know how its messages travel; `out` is where they wait for the transport that it has at present.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from devkit.rtdb.backlog import Backlog
from devkit.rtdb.namespace import Namespace
from devkit.rtdb.request import Caller, Refused, Request, caller_of
from devkit.rtdb.stats import Stats
from devkit.rtdb.tree import (
    Invalid,
    Json,
    Node,
    Path,
    get,
    is_prefix,
    parse_path,
    to_json,
    update_from_json,
    updates_from_json,
)
from devkit.rtdb.watch import Commit, Ending, changed_children, encode
from devkit.rtdb.window import NO_QUERY
from devkit.rtdb.wire.frames import Malformed
from devkit.rtdb.wire.order import node_hash, parse_window
from devkit.rtdb.writes import Write, Writes

log = structlog.get_logger(__name__)

NOBODY = Caller(auth=None, is_admin=False)
MAX_LISTENS = 10_000
MAX_FAREWELL_BYTES = 16 * 1024 * 1024
_NO_QUERY: Mapping[str, Json] = {}
_METHODS = {"q": "GET", "g": "GET", "p": "PUT", "m": "PATCH"}


class Rejected(Exception):
    """The answer's status is not ok; `data` says more."""

    def __init__(self, status: str, data: str) -> None:
        super().__init__(data)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Farewell:
    """What an SDK asked to be written when it is gone."""

    path: Path
    value: Json
    is_patch: bool
    size: int = 0
    """Bytes of its JSON."""


class Listen:
    """A listen of an SDK, told like an event stream. A filtered one has a tag and sees its window only."""

    __slots__ = ("_session", "_tag", "_window", "asked_as", "path")

    def __init__(self, session: Session, path: Path, query: Json, tag: Json) -> None:
        self.path = path
        self.asked_as = query
        self._session = session
        self._window = parse_window(query)
        if tag is not None and type(tag) is not int:
            raise Invalid("A tag is a number.")
        self._tag: int | None = tag

    @property
    def auth(self) -> Json:
        return self._session.caller.auth

    @property
    def is_admin(self) -> bool:
        return self._session.caller.is_admin

    @property
    def asked(self) -> Mapping[str, Any]:
        return NO_QUERY if self._window is None else self._window.variables()

    @property
    def needs(self) -> str | None:
        return None if self._window is None else self._window.needs

    def start(self, root: Node, known: str) -> None:
        """`known` is the hash of what the SDK still has: of the same nothing is sent."""
        node = self.view(root)
        if known and known == node_hash(node):
            return
        self._session.out.add(self._news("d", self.path, _exported(node)))

    def saw(self, commit: Commit) -> None:
        if self._window is not None:
            self._saw_window(self.view(commit.before), self.view(commit.after))
        elif commit.replaces(self.path):
            self._tell(commit, "d", self.path, lambda: _exported(get(commit.after, self.path)))
        elif len(touching := commit.touching(self.path)) == 1:
            [(path, value)] = touching
            self._tell(commit, "d", path, lambda: _exported(value))
        else:
            base = commit.base if is_prefix(self.path, commit.base) else self.path
            self._tell(commit, "m", base, lambda: _merge(base, touching))

    def end(self, how: Ending) -> None:
        """Cuts and revoked credentials are the session's, not the listen's."""
        if how is Ending.CANCEL:
            self._session.forget(self)
            query = {"q": [self.asked_as]} if self.asked_as else {}
            self._session.push("c", {"p": "/".join(self.path), **query})

    def view(self, root: Node) -> Node:
        node = get(root, self.path)
        return node if self._window is None else self._window.select(node)

    def _saw_window(self, before: Node, after: Node) -> None:
        """One merge, so that a limited window never has a hole."""
        changes = changed_children(before, after)
        if changes:
            self._session.out.add(
                self._news("m", self.path, _merge((), [((key,), value) for key, value in changes.items()]))
            )

    def _tell(self, commit: Commit, action: str, path: Path, value: Callable[[], Json]) -> None:
        """The same bytes for everybody who listens there."""
        key = (action, path, self.path, self._tag)
        self._session.out.add(commit.encoded(key, lambda: self._news(action, path, value())))

    def _news(self, action: str, path: Path, value: Json) -> bytes:
        tag = {} if self._tag is None else {"t": self._tag}
        return pushed(action, {"p": "/".join(path), "d": value, **tag})


def _exported(node: Node) -> Json:
    return to_json(node, export=True)


def _merge(base: Path, updates: Iterable[tuple[Path, Node]]) -> Json:
    return {"/".join(path[len(base) :]): _exported(value) for path, value in updates}


@dataclass(frozen=True, slots=True)
class Succession:
    """The WebSocket that is to follow long polling."""

    out: Backlog
    done: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all sessions of a server have in common. The rest of a message has `patience` seconds to come."""

    writes: Writes
    admin_tokens: frozenset[str]
    stats: Stats
    patience: float
    abort: Callable[[tuple[str, int]], None]
    """Breaks a client's connection."""


@dataclass(slots=True, eq=False)
class Session:
    """`cut` ends the connection as a broken line would; the transport calls `close` when it has ended."""

    shared: Shared
    _namespace: Namespace
    _agent: str
    out: Backlog
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    caller: Caller = NOBODY
    succession: Succession | None = None
    _listens: dict[Hashable, Listen] = field(default_factory=dict)
    _farewells: list[Farewell] = field(default_factory=list)
    _is_closed: bool = False

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────

    def greet(self, host: str) -> None:
        hello = {"ts": self.shared.writes.now_ms(), "v": "5", "h": host, "s": self.id}
        self.control("h", hello)

    def control(self, kind: str, data: Json) -> None:
        self.out.add(control(kind, data))

    def push(self, action: str, body: Json) -> None:
        self.out.add(pushed(action, body))

    async def received(self, text: str) -> None:
        """One message of the SDK; raises `Malformed` for what is none."""
        self.shared.stats.session_bytes_in += len(text)
        match parsed(text):
            case {"t": "c", "d": {"t": "p"}}:
                self.control("o", {})
            case {"t": "c", "d": {"t": "n"}} if self.succession is not None:
                self._switch(self.succession)
            case {"t": "c"}:
                pass
            case {"t": "d", "d": {"r": int() as number, "a": str() as action, **rest}}:
                await self._request(number, action, rest.get("b"))
            case _:
                raise Malformed("A message is a control or a request with number and action.")

    def _switch(self, succession: Succession) -> None:
        self.control("n", {})
        self.out.close()
        self.out, self.succession = succession.out, None
        succession.done.set()

    async def _request(self, number: int, action: str, body: Json) -> None:
        try:
            if action not in _ACTIONS or not isinstance(body, Mapping):
                raise Rejected("unknown_action", f"There is no {action!r}.")
            await self._faulty(action, body)
            answer = {"s": "ok", "d": await _ACTIONS[action](self, body)}
        except Rejected as error:
            answer = {"s": error.status, "d": str(error)}
        except Invalid as error:
            answer = {"s": "invalid", "d": str(error)}
        except Exception:
            log.exception("rtdb.request_failed", action=action)
            answer = {"s": "internal_error", "d": "Internal server error."}
        self._send({"t": "d", "d": {"r": number, "b": answer}})

    def _send(self, message: Json) -> None:
        self.out.add(encode(message))

    # ── who asks ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _nothing(self, body: Mapping[str, Json]) -> Json:
        return {}

    async def _sign_in(self, body: Mapping[str, Json]) -> Json:
        acts_as = {"override": body.get("authvar")} if "authvar" in body or body.get("noauth") else {}
        if not isinstance(body.get("authvar", {}), Mapping):
            raise Rejected("invalid_token", "authvar is an object.")
        self._become(self._caller(str(body.get("cred", "")), acts_as))
        return {"auth": self.caller.auth}

    def _caller(self, credential: str, acts_as: Mapping[str, Json]) -> Caller:
        try:
            return caller_of(credential, self.shared.admin_tokens, **acts_as)
        except Refused as error:
            raise Rejected("invalid_token", str(error)) from error

    async def _sign_out(self, body: Mapping[str, Json]) -> Json:
        self._become(NOBODY)
        return {}

    def _become(self, caller: Caller) -> None:
        """Whatever the new one may not read is cancelled."""
        self.caller = caller
        for listen in list(self._listens.values()):
            if not self._may_read(listen.path, listen.asked):
                listen.end(Ending.CANCEL)

    def _may_read(self, path: Path, asked: Mapping[str, Any]) -> bool:
        return self.shared.writes.may_read(self.caller, self._namespace, path, asked)

    # ── reads ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _listen(self, body: Mapping[str, Json]) -> Json:
        listen = self._readable(body)
        key = _listen_key(listen.path, listen.asked_as)
        if len(self._listens) >= MAX_LISTENS and key not in self._listens:
            raise Rejected("too_many_listens", f"A connection has at most {MAX_LISTENS} listens.")
        if key in self._listens:
            self.forget(self._listens[key])
        self._listens[key] = listen
        self._namespace.watch(listen)
        listen.start(self._namespace.root, str(body.get("h", "")))
        is_slow = listen.needs is not None and not self._namespace.rules.indexed(listen.path, listen.needs)
        return {"w": ["no_index"]} if is_slow else {}

    async def _unlisten(self, body: Mapping[str, Json]) -> Json:
        listen = self._listens.get(_listen_key(_path(body), body.get("q")))
        if listen is not None:
            self.forget(listen)
        return {}

    def forget(self, listen: Listen) -> None:
        self._namespace.forget(listen)
        self._listens.pop(_listen_key(listen.path, listen.asked_as), None)

    async def _get(self, body: Mapping[str, Json]) -> Json:
        listen = self._readable(body)
        return _exported(listen.view(self._namespace.root))

    def _readable(self, body: Mapping[str, Json]) -> Listen:
        path = self._namespace.shared(_path(body))
        listen = Listen(self, path, body.get("q", _NO_QUERY), body.get("t"))
        if not self._may_read(listen.path, listen.asked):
            raise Rejected("permission_denied", "Permission denied")
        return listen

    # ── writes ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _put(self, body: Mapping[str, Json]) -> Json:
        path = _path(body)
        here = get(self._namespace.root, path)
        if "h" in body and (body["h"] != node_hash(here) or self._takes("p", body, "conflicts")):
            raise Rejected("datastale", "The value has changed.")
        return await self._commit("p", body, self._write(path, body.get("d"), is_patch=False))

    async def _merge(self, body: Mapping[str, Json]) -> Json:
        return await self._commit("m", body, self._write(_path(body), body.get("d"), is_patch=True))

    def _write(self, path: Path, value: Json, *, is_patch: bool) -> Write:
        root, now = self._namespace.root, self.shared.writes.now_ms()
        if is_patch:
            updates = updates_from_json(path, value, root, now_ms=now)
        else:
            updates = [update_from_json(path, value, root, now_ms=now)]
        return Write(base=path, updates=updates, is_patch=is_patch, body=encode(value), value=value)

    def _check(self, write: Write) -> None:
        if not self.shared.writes.permits(self.caller, self._namespace, write.updates):
            raise Rejected("permission_denied", "Permission denied")

    def _apply(self, write: Write) -> None:
        method = "PATCH" if write.is_patch else "PUT"
        self.shared.writes.apply(self.caller, self._namespace, write, method=method, agent=self._agent)

    async def _commit(self, action: str, body: Mapping[str, Json], write: Write) -> Json:
        self._check(write)
        self._apply(write)
        await self.shared.writes.store.durable()
        if self._takes(action, body, "drop_replies"):
            self.cut()
        return ""

    async def _later_put(self, body: Mapping[str, Json]) -> Json:
        return self._later(Farewell(path=_path(body), value=body.get("d"), is_patch=False))

    async def _later_merge(self, body: Mapping[str, Json]) -> Json:
        return self._later(Farewell(path=_path(body), value=body.get("d"), is_patch=True))

    def _later(self, farewell: Farewell) -> Json:
        write = self._write(farewell.path, farewell.value, is_patch=farewell.is_patch)
        self._check(write)
        size = len(write.body) + sum(one.size for one in self._farewells)
        if size > MAX_FAREWELL_BYTES or len(self._farewells) >= MAX_LISTENS:
            raise Rejected("too_big", "A connection leaves at most 16 MiB of values behind.")
        self._farewells.append(replace(farewell, size=len(write.body)))
        return ""

    async def _later_not(self, body: Mapping[str, Json]) -> Json:
        path = _path(body)
        self._farewells = [item for item in self._farewells if not is_prefix(path, item.path)]
        return ""

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────

    def cut(self) -> None:
        self.out.close(abort=True)

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self.out.close()
        for listen in list(self._listens.values()):
            self.forget(listen)
        for farewell in self._farewells:
            self._say(farewell)

    def _say(self, farewell: Farewell) -> None:
        try:
            write = self._write(farewell.path, farewell.value, is_patch=farewell.is_patch)
            self._check(write)
        except (Rejected, Invalid) as error:
            log.info("rtdb.on_disconnect_refused", path="/".join(farewell.path), error=str(error))
            return
        self._apply(write)

    # ── faults ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _faulty(self, action: str, body: Mapping[str, Json]) -> None:
        faults = self.shared.writes.faults
        if faults is None or not self._concerned(action, body):
            return
        await faults.hold()
        if action in _METHODS and faults.take("errors"):
            raise Rejected("unavailable", "Injected fault.")

    def _takes(self, action: str, body: Mapping[str, Json], counter: str) -> bool:
        faults = self.shared.writes.faults
        return faults is not None and self._concerned(action, body) and faults.take(counter)

    def _concerned(self, action: str, body: Mapping[str, Json]) -> bool:
        assert self.shared.writes.faults is not None
        path = str(body.get("p", "")).strip("/")
        return self.shared.writes.faults.concerns(_METHODS.get(action, ""), path, self._agent)

    async def thawed(self) -> None:
        if self.shared.writes.faults is not None and self.shared.writes.faults.concerns(
            "GET", "", self._agent
        ):
            await self.shared.writes.faults.thawed()


_ACTIONS: Mapping[str, Callable[[Session, Mapping[str, Json]], Awaitable[Json]]] = {
    "s": Session._nothing,
    "appcheck": Session._nothing,
    "unappeck": Session._nothing,
    "auth": Session._sign_in,
    "gauth": Session._sign_in,
    "unauth": Session._sign_out,
    "q": Session._listen,
    "n": Session._unlisten,
    "g": Session._get,
    "p": Session._put,
    "m": Session._merge,
    "o": Session._later_put,
    "om": Session._later_merge,
    "oc": Session._later_not,
}


class Sessions:
    """Everybody who is connected."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self._open: dict[str, Session] = {}

    def open(self, request: Request, on_abort: Callable[[], object]) -> Session:
        """An SDK that comes again names its last session, which may still look alive: it is ended first."""
        last = self._open.get(request.params.get("ls", ""))
        if last is not None:
            last.cut()
            self.close(last)
        namespace = self.shared.writes.store.namespace(request.namespace)
        session = Session(self.shared, namespace, request.agent, Backlog(on_abort))
        self.shared.stats.sessions += 1
        self._open[session.id] = session
        return session

    def find(self, id_: str) -> Session | None:
        return self._open.get(id_)

    def close(self, session: Session) -> None:
        self._open.pop(session.id, None)
        session.close()

    def end(self, how: Ending) -> int:
        sessions = list(self._open.values()) if how is not Ending.CANCEL else []
        for session in sessions:
            if how is Ending.REVOKE:
                session.push("ac", {"s": "expired_token", "d": "The credential is no longer valid."})
            else:
                session.out.close(abort=how is Ending.CUT)
        return len(sessions)


def pushed(action: str, body: Json) -> bytes:
    return encode({"t": "d", "d": {"a": action, "b": body}})


def control(kind: str, data: Json) -> bytes:
    return encode({"t": "c", "d": {"t": kind, "d": data}})


def parsed(text: str) -> Json:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("A message is JSON.") from error


def _path(body: Mapping[str, Json]) -> Path:
    path = body.get("p")
    if not isinstance(path, str):
        raise Invalid("Invalid path: expected text.")
    return parse_path(path)


def _listen_key(path: Path, query: Json) -> Hashable:
    """The order of a query's members varies."""
    return (path, json.dumps(query, sort_keys=True)) if query else path
