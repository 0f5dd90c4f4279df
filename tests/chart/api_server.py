"""A Kubernetes API, as far as Helm needs one: objects, field ownership, watches, pods that succeed at once. No controller.

Ownership follows server-side apply (fields are leaves, a list is one leaf): a value of another manager's is a conflict, a field
that its last owner leaves out is gone, and a Deployment without `spec.replicas` gets 1. Written
from the documentation of Kubernetes 1.34. The life of a release (`workbench/cluster`) and what guide and runbook type without pods
went the same way against a real API server of 1.20: there the subresource `scale` has no owner yet, so that a number set by
hand was overwritten without a conflict.
"""

from __future__ import annotations

import base64
import copy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

Object = dict[str, Any]
Leaves = dict[tuple[str, ...], Any]

KINDS = {
    "v1": {"Secret": "secrets", "Pod": "pods", "Service": "services", "ServiceAccount": "serviceaccounts"}
    | {"ConfigMap": "configmaps", "Namespace": "namespaces"},
    "apps/v1": {"Deployment": "deployments", "ReplicaSet": "replicasets"},
    "autoscaling/v2": {"HorizontalPodAutoscaler": "horizontalpodautoscalers"},
    "keda.sh/v1alpha1": {"ScaledObject": "scaledobjects"},
}

_NAMED = {
    plural: {"apiVersion": group, "kind": kind} for group, of in KINDS.items() for kind, plural in of.items()
}


class Cluster:
    """What is stored, and who owns which field."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.owners: dict[tuple[str, str, str], dict[str, set[tuple[str, ...]]]] = {}
        self.version = 0
        self.changed = threading.Condition()

    def deployment(self, name: str) -> Object:
        """The live one in the namespace `ns`."""
        return self.objects["deployments", "ns", name]

    def owner_of(self, name: str, *path: str) -> set[str]:
        """Managers of a field of a Deployment."""
        return {who for who, fields in self.owners["deployments", "ns", name].items() if path in fields}

    def pods(self) -> list[str]:
        return [name for kind, _, name in self.objects if kind == "pods"]

    def scale(self, name: str, replicas: int, *, by: str) -> None:
        """As the subresource does: `kubectl scale`, an autoscaler."""
        key = ("deployments", "ns", name)
        self.update(
            key, {**self.objects[key], "spec": {**self.objects[key]["spec"], "replicas": replicas}}, by
        )

    def update(self, key: tuple[str, str, str], wanted: Object, manager: str) -> Object:
        """A write that nobody can object to: what it changes is the writer's."""
        before, after = leaves(self.objects.get(key, {})), leaves(wanted)
        changed = {path for path, value in after.items() if before.get(path) != value}
        owners = self.owners.setdefault(key, {})
        for fields in owners.values():
            fields -= changed | (before.keys() - after.keys())
        owners.setdefault(manager, set()).update(changed)
        return self._store(key, wanted)

    def apply(self, key: tuple[str, str, str], wanted: Object, manager: str, force: bool) -> Object | str:
        """Server-side apply; a text says what conflicts."""
        owners, live = self.owners.setdefault(key, {}), copy.deepcopy(self.objects.get(key, {}))
        mine, current = leaves(wanted), leaves(live)
        others = {who: fields for who, fields in owners.items() if who != manager}
        conflicts = [
            (who, path)
            for who, fields in others.items()
            for path in sorted(fields & mine.keys())
            if current.get(path) != mine[path]
        ]
        if conflicts and not force:
            said = "; ".join(f'conflict with "{who}": .{".".join(path)}' for who, path in conflicts)
            return f"Apply failed with {len(conflicts)} conflict(s): {said}"
        for who, path in conflicts:
            owners[who].discard(path)
        kept = set[tuple[str, ...]]().union(*others.values()) if others else set()
        for path in owners.get(manager, set()) - mine.keys() - kept:
            _drop(live, path)
        for path, value in mine.items():
            _put(live, path, value)
        owners[manager] = set(mine)
        return self._store(key, live | {name: wanted[name] for name in ("apiVersion", "kind")})

    def _store(self, key: tuple[str, str, str], value: Object) -> Object:
        value = copy.deepcopy(value)
        kind, namespace, name = key
        if kind == "deployments":
            value.setdefault("spec", {}).setdefault("replicas", 1)
        if kind == "pods":
            value["status"] = {"phase": "Succeeded", "conditions": [{"type": "Ready", "status": "True"}]}
        with self.changed:
            self.version += 1
            stamp = {"name": name, "namespace": namespace, "resourceVersion": str(self.version), "uid": name}
            value["metadata"] = {**value.get("metadata", {}), **stamp}
            self.objects[key] = value
            self.changed.notify_all()
        return value

    def delete(self, key: tuple[str, str, str]) -> Object | None:
        with self.changed:
            self.version += 1
            self.owners.pop(key, None)
            self.changed.notify_all()
            return self.objects.pop(key, None)

    def listed(self, kind: str, namespace: str, query: dict[str, list[str]]) -> list[Object]:
        found = [it for (k, n, _), it in sorted(self.objects.items()) if k == kind and namespace in ("", n)]
        for selector in query.get("labelSelector", []):
            wanted = dict(part.split("=", 1) for part in selector.split(",") if "=" in part)
            found = [it for it in found if wanted.items() <= it["metadata"].get("labels", {}).items()]
        for selector in query.get("fieldSelector", []):
            found = [it for it in found if selector == f"metadata.name={it['metadata']['name']}"]
        return found


def leaves(value: Object, path: tuple[str, ...] = ()) -> Leaves:
    """Everything a manager can own, by its path."""
    found: Leaves = {}
    for key, below in value.items():
        if (path == () and key in ("apiVersion", "kind", "status")) or (*path, key) in _SYSTEM:
            continue
        if isinstance(below, dict) and below:
            found |= leaves(below, (*path, key))
        elif below is not None:
            found[*path, key] = below
    return found


_PATCH_A_POD = {
    "x-kubernetes-group-version-kind": {"group": "", "version": "v1", "kind": "Pod"},
    "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
    "responses": {},
}
_OPENAPI: Object = {
    "openapi": "3.0.0",
    "info": {"title": "Kubernetes", "version": "v1.34.9"},
    "paths": {"/api/v1/namespaces/{namespace}/pods/{name}": {"patch": _PATCH_A_POD}},
}
"""Says that the server itself validates fields."""

_SYSTEM = {("metadata", key) for key in ("name", "namespace", "resourceVersion", "uid", "managedFields")}


def _put(value: Object, path: tuple[str, ...], leaf: Any) -> None:
    for key in path[:-1]:
        value = value.setdefault(key, {})
    value[path[-1]] = leaf


def _drop(value: Object, path: tuple[str, ...]) -> None:
    for key in path[:-1]:
        value = value.get(key, {})
    value.pop(path[-1], None)


def merged(live: Any, patch: Any) -> Any:
    """A merge patch; of a strategic one, what Helm 3 sends of it: maps, null deletes, named members of a list one by one."""
    if isinstance(patch, list) and isinstance(live, list) and all("name" in it for it in _maps(live, patch)):
        named = {it["name"]: it for it in live}
        for it in patch:
            if it.get("$patch") == "delete":
                named.pop(it["name"], None)
            else:
                named[it["name"]] = merged(named.get(it["name"]), it)
        return list(named.values())
    if not isinstance(patch, dict):
        return patch
    result = dict(live) if isinstance(live, dict) else {}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def secret_of(content: bytes) -> Object:
    """Helm 4 keeps its releases in secrets that it sends as protobuf, and nothing else so."""
    (raw,) = _fields(content[4:])[2]
    secret = _fields(raw)
    meta = _fields(secret[1][0])
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": meta[1][0].decode(),
            "labels": {k: v.decode() for k, v in _map(meta.get(11, []))},
        },
        "type": secret[3][0].decode(),
        "data": {key: base64.b64encode(value).decode() for key, value in _map(secret[2])},
    }


def _map(entries: list[bytes]) -> Iterator[tuple[str, bytes]]:
    for entry in map(_fields, entries):
        yield entry[1][0].decode(), entry[2][0]


def _fields(content: bytes) -> dict[int, list[Any]]:
    """Protobuf's wire format, by field number."""
    found: dict[int, list[Any]] = {}
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = content[at]
            at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value

    while at < len(content):
        tag = varint()
        value: Any = varint()
        if tag & 7 == 2:
            value, at = content[at : at + value], at + value
        found.setdefault(tag >> 3, []).append(value)
    return found


def _maps(*lists: list[Any]) -> list[Object]:
    """All members; one without a name stands for those that are no maps."""
    return [it if isinstance(it, dict) else {} for one in lists for it in one]


class Handler(BaseHTTPRequestHandler):
    cluster: Cluster
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query, found = parse_qs(url.query), self._discovery(url.path)
        if found is not None:
            self._answer(200, found)
            return
        kind, namespace, name, sub = self._where(url.path)
        if kind not in _NAMED:
            self._missing("path", url.path)
        elif sub == "log":
            self._answer(200, "a line of the test\n")
        elif name:
            it = self.cluster.objects.get((kind, namespace, name))
            self._answer(200, it) if it else self._missing(kind, name)
        elif query.get("watch") in (["true"], ["1"]):
            self._watch(kind, namespace, query)
        else:
            items = self.cluster.listed(kind, namespace, query)
            named, meta = _NAMED[kind], {"resourceVersion": str(self.cluster.version)}
            self._answer(200, {**named, "kind": f"{named['kind']}List", "metadata": meta, "items": items})

    def do_POST(self) -> None:
        body = self._body()
        kind, namespace, _, _ = self._where(urlsplit(self.path).path)
        key = (kind, namespace, body["metadata"]["name"])
        if key in self.cluster.objects:
            self._status(409, "AlreadyExists", f'{kind} "{key[2]}" already exists')
        else:
            self._answer(201, self.cluster.update(key, body, self._manager()))

    def do_PUT(self) -> None:
        kind, namespace, name, _ = self._where(urlsplit(self.path).path)
        self._answer(200, self.cluster.update((kind, namespace, name), self._body(), self._manager()))

    def do_PATCH(self) -> None:
        body = self._body()
        url = urlsplit(self.path)
        kind, namespace, name, sub = self._where(url.path)
        key = (kind, namespace, name)
        if sub == "scale":
            self.cluster.scale(name, body["spec"]["replicas"], by=self._manager())
            scaled = {"metadata": {"name": name, "namespace": namespace}, "spec": body["spec"]}
            self._answer(200, {"apiVersion": "autoscaling/v1", "kind": "Scale", **scaled})
            return
        if "apply-patch" in self.headers["Content-Type"]:
            force = parse_qs(url.query).get("force") == ["true"]
            done = self.cluster.apply(key, body, self._manager(), force)
            self._status(409, "Conflict", done) if isinstance(done, str) else self._answer(200, done)
        elif key not in self.cluster.objects:
            self._missing(kind, name)
        else:
            wanted = merged(self.cluster.objects[key], body)
            self._answer(200, self.cluster.update(key, wanted, self._manager()))

    def do_DELETE(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind, namespace, name, _ = self._where(urlsplit(self.path).path)
        gone = self.cluster.delete((kind, namespace, name))
        self._answer(200, gone) if gone else self._missing(kind, name)

    def _discovery(self, path: str) -> Object | None:
        if path == "/version":
            return {"major": "1", "minor": "34", "gitVersion": "v1.34.9"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            groups = [(it.split("/")[0], it) for it in KINDS if "/" in it]
            versions = [({"groupVersion": it, "version": it.split("/")[1]}, name) for name, it in groups]
            listed = [{"name": name, "versions": [it], "preferredVersion": it} for it, name in versions]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        if path == "/openapi/v3":
            return {"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=1"}}}
        if path == "/openapi/v3/api/v1":
            return _OPENAPI
        group = path.removeprefix("/apis/").removeprefix("/api/")
        if group not in KINDS:
            return None
        verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
        resources = [
            {"name": plural, "kind": kind, "namespaced": kind != "Namespace", "verbs": verbs}
            for kind, plural in KINDS[group].items()
        ]
        return {"kind": "APIResourceList", "groupVersion": group, "resources": resources}

    def _where(self, path: str) -> tuple[str, str, str, str]:
        """Resource, namespace, name and subresource; what is absent is empty."""
        parts = path.strip("/").split("/") if path.startswith("/api") else ["apis"]
        parts = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = ""
        if len(parts) > 2 and parts[0] == "namespaces":
            namespace, parts = parts[1], parts[2:]
        kind, name, sub = [*parts, "", "", ""][:3]
        return kind, namespace, name, sub

    def _manager(self) -> str:
        asked = parse_qs(urlsplit(self.path).query).get("fieldManager")
        return asked[0] if asked else self.headers["User-Agent"].split("/")[0].lower()

    def _body(self) -> Any:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return secret_of(content) if content.startswith(b"k8s\0") else yaml.safe_load(content)

    def _missing(self, kind: str, name: str) -> None:
        self._status(404, "NotFound", f'{kind} "{name}" not found')

    def _status(self, code: int, reason: str, message: str) -> None:
        details = {"status": "Failure", "reason": reason, "message": message, "code": code}
        self._answer(code, {"kind": "Status", "apiVersion": "v1", "metadata": {}, **details})

    def _answer(self, code: int, content: Any) -> None:
        text = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain" if isinstance(content, str) else "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _watch(self, kind: str, namespace: str, query: dict[str, list[str]]) -> None:
        """Tells of everything there is, then of every change, until the other side leaves."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.close_connection = True
        told: dict[str, Object] = {}
        try:
            while True:
                now = {it["metadata"]["name"]: it for it in self.cluster.listed(kind, namespace, query)}
                for name, it in now.items():
                    if told.get(name) != it:
                        self._tell("MODIFIED" if name in told else "ADDED", it)
                for name in told.keys() - now.keys():
                    self._tell("DELETED", told[name])
                told = now
                if query.pop("sendInitialEvents", None):
                    end = {"resourceVersion": str(self.cluster.version)}
                    end["annotations"] = {"k8s.io/initial-events-end": "true"}  # type: ignore[assignment]
                    self._tell("BOOKMARK", {**_NAMED[kind], "metadata": end})
                with self.cluster.changed:
                    self.cluster.changed.wait(0.2)
                self.wfile.flush()
        except OSError:
            return

    def _tell(self, event: str, it: Object) -> None:
        self.wfile.write(json.dumps({"type": event, "object": it}).encode() + b"\n")


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Cluster, Path]]:
    """A cluster and the kubeconfig that leads there."""
    cluster = Cluster()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"cluster": cluster}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it", "namespace": "ns"}}],
        "users": [{"name": "it", "user": {}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    try:
        yield cluster, path
    finally:
        server.shutdown()
        server.server_close()
