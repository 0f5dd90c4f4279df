"""What a program answers over HTTP."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette

from process import health
from process.errors import PortTaken


async def ask(app: Starlette, path: str) -> httpx.Response:
    async with (
        health.serving(app, 0, name="HTTP_PORT") as port,
        httpx.AsyncClient(trust_env=False, verify=False) as http,
    ):
        return await http.get(f"http://127.0.0.1:{port}{path}")


async def test_ok_is_exactly_what_the_operators_expect() -> None:
    answer = await ask(health.public(lambda: ""), "/ok")
    assert answer.status_code == 200
    assert (
        answer.content.decode()
        == '{"status":"ok","message":"EventStorming Generator 서버가 정상 작동 중입니다."}'
    )


async def test_ok_says_why_when_the_work_loop_is_lost() -> None:
    answer = await ask(health.public(lambda: "the work loop has ended"), "/ok")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "message": "the work loop has ended"}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/"])
async def test_the_public_port_has_nothing_else(path: str) -> None:
    assert (await ask(health.public(lambda: ""), path)).status_code == 404


async def test_readiness_says_why_not_and_liveness_does_not_care() -> None:
    app = health.admin(lambda: "", lambda: "no executor is ready")
    ready, live = await ask(app, "/readyz"), await ask(app, "/livez")
    assert (ready.status_code, ready.text) == (503, "no executor is ready")
    assert (live.status_code, live.text) == (200, "ok")


async def test_a_port_in_use_is_named_by_its_setting() -> None:
    async with health.serving(health.public(lambda: ""), 0, name="HTTP_PORT") as port:
        with pytest.raises(PortTaken, match=f"HTTP_PORT: cannot listen on 127.0.0.1:{port}"):
            async with health.serving(health.public(lambda: ""), port, name="HTTP_PORT"):
                pass


async def test_it_listens_where_it_is_told() -> None:
    app = health.public(lambda: "")
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        async with health.serving(app, 0, name="HTTP_PORT") as port:
            with pytest.raises(httpx.ConnectError):
                await http.get(f"http://127.0.0.2:{port}/ok")
        async with health.serving(app, 0, name="HTTP_PORT", host="::") as port:
            assert (await http.get(f"http://127.0.0.2:{port}/ok")).status_code == 200
    with pytest.raises(PortTaken, match=r"HTTP_PORT: cannot listen on 192\.0\.2\.1:0"):
        async with health.serving(app, 0, name="HTTP_PORT", host="192.0.2.1"):
            pass
