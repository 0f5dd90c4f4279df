"""Who gets past the wall around the pages, and who may write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from poller.admin import COOKIE, WRITE_HEADER, guarded, session
from process import health

TOKEN = "s3cret"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
OURS = {WRITE_HEADER: "1"}
HTML = {"Accept": "text/html"}


@asynccontextmanager
async def pages(token: str = "") -> AsyncIterator[httpx.AsyncClient]:
    written: list[str] = []

    async def page(_: Request) -> Response:
        return PlainTextResponse(f"{len(written)} jobs")

    async def write(_: Request) -> Response:
        written.append("job")
        return PlainTextResponse("done")

    routes = [Route("/jobs", page), Route("/jobs", write, methods=["POST", "DELETE"])]
    app = health.admin(lambda: "", lambda: "", guarded(routes, token))
    async with (
        health.serving(app, 0, name="ADMIN_PORT") as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False) as http,
    ):
        yield http


async def entered(http: httpx.AsyncClient, token: str = TOKEN, target: str = "/jobs") -> httpx.Response:
    """The answer to the login form; the client keeps the cookie."""
    return await http.post("/login", data={"token": token, "next": target})


async def test_with_a_token_pages_need_it_and_the_probes_do_not() -> None:
    async with pages(TOKEN) as http:
        nobody = await http.get("/jobs")
        wrong = await http.get("/jobs", headers={"Authorization": "Bearer s3cres"})
        bare = await http.get("/jobs", headers={"Authorization": TOKEN})
        right = await http.get("/jobs", headers=BEARER)
        write = await http.post("/jobs", headers=BEARER)
        probes = [(await http.get(path)).status_code for path in ("/livez", "/readyz")]
    assert [nobody.status_code, wrong.status_code, bare.status_code] == [401, 401, 401]
    assert nobody.headers["WWW-Authenticate"] == "Bearer"
    assert "GRPC_TOKEN" in nobody.text
    assert (right.text, write.text) == ("0 jobs", "done")
    assert probes == [200, 200]


async def test_a_browser_is_led_to_the_login_page_and_back() -> None:
    async with pages(TOKEN) as http:
        away = await http.get("/jobs?page=2", headers=HTML)
        form = await http.get(away.headers["Location"])
        wrong = await entered(http, "guess")
        right = await entered(http, target="/jobs?page=2")
        seen = await http.get("/jobs", headers=HTML)
        await http.get("/logout")
        after = await http.get("/jobs", headers=HTML)
    assert away.headers["Location"] == "/login?next=/jobs%3Fpage%3D2"
    assert "value='/jobs?page=2'" in form.text
    assert wrong.status_code == 401
    assert "guess" not in wrong.text
    assert COOKIE not in wrong.headers.get("set-cookie", "")
    assert right.headers["Location"] == "/jobs?page=2"
    cookie = right.headers["set-cookie"]
    assert TOKEN not in cookie
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict"))
    assert seen.text == "0 jobs"
    assert after.status_code == 303


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "jobs", "/a\r\nb"]
)
async def test_the_login_page_leads_nowhere_else(target: str) -> None:
    async with pages(TOKEN) as http:
        assert (await entered(http, target=target)).headers["Location"] == "/"


@pytest.mark.parametrize("token", ["", TOKEN])
@pytest.mark.parametrize(
    "sent",
    [
        {},  # a form on any page can send this
        {"Origin": "https://evil.example"},
        {**OURS, "Origin": "https://evil.example"},
        {**OURS, "Sec-Fetch-Site": "cross-site"},
        {**OURS, "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_elsewhere_cannot_write_through_the_browser_of_who_may(
    token: str, sent: dict[str, Any]
) -> None:
    async with pages(token) as http:
        if token:
            await entered(http)
        answers = [await http.post("/jobs", headers=sent), await http.delete("/jobs", headers=sent)]
        after = await http.get("/jobs")
    assert [answer.status_code for answer in answers] == [403, 403]
    assert after.text == "0 jobs"


@pytest.mark.parametrize("token", ["", TOKEN])
async def test_a_page_of_ours_can_write(token: str) -> None:
    async with pages(token) as http:
        if token:
            await entered(http)
        origin = {"Origin": str(http.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
        answer = await http.post("/jobs", headers={**OURS, **origin})
        after = await http.get("/jobs")
    assert (answer.text, after.text) == ("done", "1 jobs")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:2025", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:2025", 200),
        ("eventstorming-generator:2025", 200),
        ("eventstorming-generator.default.svc:2025", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
    ],
)
async def test_without_a_token_no_site_can_read_by_pointing_its_name_here(host: str, status: int) -> None:
    async with pages() as http:
        assert (await http.get("/jobs", headers={"Host": host})).status_code == status


def test_the_cookie_ends_with_the_token() -> None:
    assert session("one") != session("two")
