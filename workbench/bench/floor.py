"""What the loopback itself costs: an event stream's delivery, one gRPC round trip. The least that any design would pay."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from workbench.bench.stand import Rtdb, Running, until

_OWNER = {"Authorization": "Bearer owner", "Accept": "text/event-stream"}


class Floor:
    """`delivery`: from a write's acknowledgement to its event at another connection; `round_trip`: a health check."""

    def __init__(
        self, rtdb: Rtdb, executor: Running, arrived: dict[str, float], channel: grpc.Channel
    ) -> None:
        self._rtdb = rtdb
        self._arrived = arrived
        self._health = health_pb2_grpc.HealthStub(channel)
        self._number = 0
        self.samples: list[float] = []
        self._round_trip()  # connects

    def take(self) -> float:
        """Milliseconds of one delivery and one round trip."""
        self._number += 1
        name = f"n{self._number}"
        acked = self._rtdb.put(f"floor/{name}", True)
        at = until(lambda: self._arrived.get(name), every=0.001)
        taken = max(0.0, at - acked) * 1000 + self._round_trip()
        self.samples.append(taken)
        return taken

    def _round_trip(self) -> float:
        began = time.perf_counter()
        self._health.Check(health_pb2.HealthCheckRequest(), timeout=10)
        return (time.perf_counter() - began) * 1000


@contextmanager
def floor(rtdb: Rtdb, executor: Running) -> Iterator[Floor]:
    """Listens while inside."""
    arrived: dict[str, float] = {}
    open_ = threading.Event()

    def listen() -> None:
        with (
            httpx.Client(timeout=httpx.Timeout(10, read=None)) as http,
            http.stream("GET", rtdb.url("floor"), headers=_OWNER) as stream,
        ):
            for line in stream.iter_lines():
                if line.startswith("data: {"):
                    arrived[json.loads(line[6:])["path"].strip("/")] = time.time()
                    open_.set()

    threading.Thread(target=listen, daemon=True).start()
    open_.wait(10)
    with grpc.insecure_channel(f"127.0.0.1:{executor.ports['grpc']}") as channel:
        yield Floor(rtdb, executor, arrived, channel)
