"""What watches health hears of a drain before the port is gone, from both programs."""

from __future__ import annotations

import signal

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from devkit.programs import Programs
from tests.e2e.pair import FREE

SERVICES = {"executor": "eventstorming.v1.ExecutorService", "poller": "eventstorming.v1.JobService"}


@pytest.mark.parametrize("program", SERVICES)
def test_health_says_not_serving_before_the_program_ends(programs: Programs, program: str) -> None:
    settings = {"FIREBASE_DATABASE_EMULATOR_HOST": "127.0.0.1:9", "AI_MODEL": "offline:rules"}
    running = programs.start(program, program, **FREE, **settings)
    with grpc.insecure_channel(f"127.0.0.1:{running.ports()['grpc']}") as channel:
        request = health_pb2.HealthCheckRequest(service=SERVICES[program])
        watch = health_pb2_grpc.HealthStub(channel).Watch(request, timeout=60)
        heard = [next(watch).status]
        running.signal(signal.SIGTERM)
        heard.append(next(watch).status)
    assert heard == [health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING]
