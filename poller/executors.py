"""The executor pods: which there are, how many slots each has free, and the stream of one run on one of them.

One channel per address, resolved by ourselves: gRPC resolves a name again only when a connection breaks, so new
pods would never get work. What a status means for a job is decided in `error_of`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import structlog
from eventstorming.v1 import executor_pb2, executor_pb2_grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from poller.errors import (
    InputRejected,
    LeaseLost,
    LimitReached,
    Misconfigured,
    Permanent,
    PollerError,
    Transient,
)
from poller.ports import ExecutorGone, HandedBack
from process.news import News
from process.server import MESSAGE_BYTES, METADATA_BYTES
from process.traces import OFF, Traces

log = structlog.get_logger(__name__)

RESOLVE_SECONDS = 5.0
BEATS_MISSED_SECONDS = 15.0
_REATTACH_SECONDS = 0.5
_DOUBT_SECONDS = 2.0
"""A call that we broke off before it was answered may still begin a run over there, which the next beats do not know yet."""

OPTIONS: list[tuple[str, Any]] = [
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),  # without it a frozen peer is noticed after a minute
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.max_metadata_size", METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", METADATA_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1_000),
]

Resolve = Callable[[str, int], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to speak to an executor: bearer token, TLS files; each optional."""

    token: str = ""
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls: bool = False

    def channel(self, address: str, *, host: str) -> grpc.aio.Channel:
        """Certificates name the service, channels the pod: hence the override."""
        if not self.tls:
            return grpc.aio.insecure_channel(address, options=OPTIONS)
        credentials = grpc.ssl_channel_credentials(*map(_content, (self.tls_ca, self.tls_key, self.tls_cert)))
        options = [*OPTIONS, ("grpc.ssl_target_name_override", host)]
        return grpc.aio.secure_channel(address, credentials, options=options)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Of every call; empty without a token."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()


def _content(path: Path | None) -> bytes | None:
    return path.read_bytes() if path else None


class _Pod:
    """One executor process behind one address. `state` is its last beat, None while it does not answer."""

    def __init__(self, address: str, channel: grpc.aio.Channel, access: Access) -> None:
        self.address = address
        self.stub = executor_pb2_grpc.ExecutorServiceStub(channel)
        self.state: executor_pb2.AttachResponse | None = None
        self.trouble = "not reached yet"
        self.named = True
        self.held = self.held_apart = 0
        self.asked = 0
        self._ahead: set[int] = set()
        self.refused = False
        self._channel = channel
        self._access = access

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return self._access.metadata

    @property
    def total(self) -> int:
        return self.state.slots_total if self.state and not self.state.draining else 0

    @property
    def free(self) -> int:
        """What it says, less what its beat does not know yet: runs we have asked for, and those that began since."""
        if self.state is None or self.refused or not self.named or not self.total:
            return 0
        said = int(self.state.slots_free) - self.asked - len(self._ahead)
        return max(0, min(said, self.total - self.held))

    def accepted(self, number: int) -> None:
        """The `number`-th run there is ours; its slot stays taken until a beat that knows it says otherwise."""
        self.asked -= 1
        if self.state is None or number > self.state.runs_begun:
            self._ahead.add(number)

    def heard(self, state: executor_pb2.AttachResponse) -> None:
        if self.state is None:
            log.info(
                "executor.attached",
                address=self.address,
                executor=state.instance_id,
                slots=state.slots_total,
                build=state.build_id,
                language_model=state.language_model,
            )
        self.state, self.refused, self.trouble = state, False, ""
        self._ahead = {number for number in self._ahead if number > state.runs_begun}

    def lost(self, reason: str) -> None:
        if self.state is not None:
            log.warning("executor.detached", address=self.address, reason=reason)
        self.state, self.trouble = None, reason
        self._ahead.clear()  # the next first beat is younger than every run we know

    async def close(self) -> None:
        await self._channel.close()


class _Names:
    """What stands for the executors in the settings, and the addresses behind it now. `unresolved`: what has none, and why."""

    def __init__(self, targets: tuple[str, ...], resolve: Resolve) -> None:
        self._targets = targets
        self._resolve = resolve
        self.unresolved = ""

    async def addresses(self) -> dict[str, str]:
        """Address to host name. A name that cannot be resolved now loses none of its pods."""
        found: dict[str, str] = {}
        self.unresolved = ""
        for target in self._targets:
            host, _, port = target.rpartition(":")
            try:
                async with asyncio.timeout(RESOLVE_SECONDS):
                    addresses = await self._resolve(host.strip("[]"), int(port))
                found |= dict.fromkeys(addresses, host)
            except OSError as error:  # TimeoutError is one
                reason = str(error) or f"no answer within {RESOLVE_SECONDS:g} s"
                self.unresolved = f"{target} cannot be resolved ({reason})"
                log.warning("executor.unresolved", target=target, reason=reason)
        return found


class GrpcExecutors:
    """Implements the port `Executors`. `run` keeps the list of pods; it never ends by itself."""

    def __init__(
        self,
        targets: tuple[str, ...],
        *,
        poller_id: str,
        access: Access | None = None,
        resolve: Resolve | None = None,
        resolve_seconds: float = RESOLVE_SECONDS,
        chance: Callable[[], float] = random.random,
        traces: Traces = OFF,
    ) -> None:
        self.traces = traces
        self._poller_id = poller_id
        self._access = access or Access()
        self._names = _Names(targets, resolve or resolve_name)
        self._resolve_seconds = resolve_seconds
        self._chance = chance
        self._pods: dict[str, _Pod] = {}
        self._changed = News()

    # ── the port ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def free_slots(self) -> int:
        return sum(pod.free for pod in self._distinct())

    @property
    def total_slots(self) -> int:
        return sum(pod.total for pod in self._distinct())

    @property
    def count(self) -> int:
        """Executors that are attached."""
        return len(self._distinct())

    def place(self, *, apart: bool = False) -> GrpcPlacement | None:
        pods = (pod for pod in self._distinct() if not (apart and pod.held_apart))
        pod = max(pods, key=lambda pod: pod.free, default=None)
        return GrpcPlacement(self, pod, apart=apart) if pod is not None and pod.free else None

    async def changed(self) -> None:
        await self._changed.wait()

    def problem(self) -> str:
        if any(pod.total for pod in self._pods.values()):
            return ""
        if not self._pods:
            return f"no executor found: {self._names.unresolved or 'names not resolved yet'}"
        troubles = "; ".join(f"{pod.address}: {pod.trouble or 'draining'}" for pod in self._pods.values())
        return f"no executor is ready ({troubles})"

    def _distinct(self) -> list[_Pod]:
        """Each process once: the same one may answer on two addresses."""
        found: dict[str, _Pod] = {}
        for pod in sorted(self._pods.values(), key=lambda pod: not pod.named):
            if pod.state is not None:
                found.setdefault(pod.state.instance_id, pod)
        return list(found.values())

    def signal(self) -> None:
        """For pods and placements: slots have changed."""
        self._changed.tell()

    # ── pods that come and go ────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Resolves the names every few seconds and listens to each pod behind them, until cancelled."""
        async with asyncio.TaskGroup() as attached:
            while True:
                found = await self._names.addresses()
                for address, host in found.items():
                    if address not in self._pods:
                        pod = _Pod(address, self._access.channel(address, host=host), self._access)
                        self._pods[address] = pod
                        attached.create_task(self._attend(pod))
                if not self._names.unresolved:
                    for pod in self._pods.values():
                        pod.named = pod.address in found
                await asyncio.sleep(self._resolve_seconds)

    async def _attend(self, pod: _Pod) -> None:
        """Listens to one pod for as long as its name shows it or a run holds it."""
        try:
            while pod.named or pod.held:
                await self._listen(pod)
                self.signal()
                await asyncio.sleep(_REATTACH_SECONDS * (0.5 + self._chance()))
        finally:
            del self._pods[pod.address]
            await pod.close()

    async def _listen(self, pod: _Pod) -> None:
        request = executor_pb2.AttachRequest(poller_id=self._poller_id)
        stream = pod.stub.Attach(request, metadata=pod.metadata)
        try:
            while pod.named or pod.held:
                async with asyncio.timeout(BEATS_MISSED_SECONDS):
                    state = await stream.read()
                if state is grpc.aio.EOF:
                    pod.lost("it ended the stream")
                    return
                pod.heard(state)
                self.signal()
        except TimeoutError:
            pod.lost(f"no beat for {BEATS_MISSED_SECONDS:g} s")
        except grpc.aio.AioRpcError as error:
            pod.lost(f"{error.code().name}: {error.details()}")
        finally:
            stream.cancel()


class GrpcPlacement:
    """A slot on one pod. Implements the port `Placement`."""

    def __init__(self, executors: GrpcExecutors, pod: _Pod, *, apart: bool) -> None:
        self._executors, self._apart = executors, apart
        self._pod = pod
        self._released = self._accepted = self._broken_off = False
        self.instance_id = pod.state.instance_id if pod.state else pod.address
        pod.held += 1
        pod.held_apart += apart
        pod.asked += 1

    def release(self) -> None:
        if not self._released:
            self._released = True
            self._pod.held -= 1
            self._pod.held_apart -= self._apart
            if self._broken_off:
                asyncio.get_running_loop().call_later(_DOUBT_SECONDS, self._forget)
            elif not self._accepted:
                self._forget()
            self._executors.signal()

    def _forget(self) -> None:
        self._pod.asked -= 1
        self._executors.signal()

    def _begins(self, accepted: executor_pb2.Accepted) -> None:
        """Between a beat that knows the run and this, its slot counted twice."""
        self._accepted, full = True, not self._pod.free
        self._pod.accepted(accepted.run)
        if full and self._pod.free:
            self._executors.signal()

    async def execute(
        self, frames: AsyncIterator[executor_pb2.ExecuteRequest]
    ) -> AsyncGenerator[executor_pb2.ExecuteResponse, None]:
        metadata = (*self._pod.metadata, *self._executors.traces.carried())
        call = self._pod.stub.Execute(frames, metadata=metadata)
        begun = False
        try:
            async for frame in call:
                begun = True
                if frame.HasField("accepted"):
                    self._begins(frame.accepted)
                yield frame
        except grpc.aio.AioRpcError as error:
            raise self._failure(error, begun=begun) from error
        except asyncio.CancelledError:
            self._broken_off = not self._accepted
            raise
        finally:
            call.cancel()

    def _failure(self, error: grpc.aio.AioRpcError, *, begun: bool) -> PollerError:
        """A pod that refuses or is gone gets nothing more until its next sign of life. A run that never began has not crashed."""
        failure = error_of(error)
        if isinstance(failure, ExecutorGone) and not begun:
            failure = HandedBack(str(failure))
        self._pod.refused = self._pod.refused or isinstance(failure, HandedBack | ExecutorGone)
        return failure


async def resolve_name(host: str, port: int) -> list[str]:
    """Every address behind a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None)
    return sorted({_address(str(entry[4][0]), port) for entry in found})


def _address(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


# ── what a status means ──────────────────────────────────────────────────────────────────────────────────────────

_BY_REASON: dict[str, Callable[[str], PollerError]] = {
    "INVALID_INPUT": InputRejected,
    "NO_FREE_SLOT": HandedBack,
    "DRAINING": HandedBack,
    "OVERTAKEN": LeaseLost,
    "LLM_MISCONFIGURED": Misconfigured,
    "LIMIT_REACHED": LimitReached,
    "NOTHING_USABLE": Permanent,
    "LLM_UNAVAILABLE": Transient,
    "INTERNAL": Transient,
}

_BY_CODE: dict[grpc.StatusCode, Callable[[str], PollerError]] = {
    grpc.StatusCode.UNAVAILABLE: ExecutorGone,
    grpc.StatusCode.CANCELLED: ExecutorGone,
    grpc.StatusCode.DEADLINE_EXCEEDED: ExecutorGone,
    grpc.StatusCode.INTERNAL: ExecutorGone,
    grpc.StatusCode.UNAUTHENTICATED: HandedBack,
}
"""Without a reason of ours the status was made by gRPC: a broken connection, or a fault in the executor."""


def error_of(error: grpc.aio.AioRpcError) -> PollerError:
    """What a call's end means for the job: by the reason we gave, else by gRPC's code; without either worth trying again."""
    info, retry_after = _details(error)
    message = error.details() or error.code().name
    kind = _BY_REASON.get(info.reason) or _BY_CODE.get(error.code(), Transient)
    if kind is Transient:
        return Transient(message, retry_after=retry_after)
    if kind is LimitReached:
        return LimitReached(message, limit=info.metadata["limit"], value=info.metadata["value"])
    return kind(message)


def _details(error: grpc.aio.AioRpcError) -> tuple[error_details_pb2.ErrorInfo, float | None]:
    """Reason and the time to wait, as far as the status carries them."""
    status = rpc_status.from_call(error)
    info, retry_after = error_details_pb2.ErrorInfo(), None
    for detail in status.details if status else ():
        if found := _unpacked(detail, error_details_pb2.ErrorInfo()):
            info = found
        if found := _unpacked(detail, error_details_pb2.RetryInfo()):
            retry_after = found.retry_delay.ToMilliseconds() / 1000
    return info, retry_after


def _unpacked(detail: AnyMessage, message: Any) -> Any:
    return message if detail.Unpack(message) else None
