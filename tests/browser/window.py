"""A real Chromium over our pages: what it complains about, what it fetches, and pictures to look at in out/browser."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from scripts.picture import BROWSERS
from tests.fakes import eventually

PICTURES = Path(__file__).parents[2] / "out" / "browser"
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)


@dataclass
class Window:
    page: Page
    complaints: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    async def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=PICTURES / f"{name}.png")

    async def js(self, expression: str, argument: Any = None) -> Any:
        return await self.page.evaluate(expression, argument)

    async def until(self, condition: str) -> None:
        """Asked again and again from here: the page's own policy forbids to evaluate text in it."""
        await eventually(lambda: self.page.evaluate(condition), seconds=90)

    async def texts(self, selector: str) -> list[str]:
        return await self.page.locator(selector).all_inner_texts()


@asynccontextmanager
async def window(
    *, width: int = 1500, height: int = 950, offline: bool = False, locale: str = "en-US"
) -> AsyncIterator[Window]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            context = await chromium.new_context(
                viewport={"width": width, "height": height}, offline=offline, locale=locale
            )
            context.set_default_timeout(90_000)  # a loaded machine needs its time
            shown = Window(await context.new_page())
            shown.page.on("pageerror", lambda error: shown.complaints.append(str(error)))
            shown.page.on(
                "console",
                lambda said: (
                    shown.complaints.append(said.text) if said.type in ("error", "warning") else None
                ),
            )
            shown.page.on("request", lambda request: shown.fetched.append(request.url))
            shown.page.on("dialog", lambda dialog: shown.complaints.append(f"dialog {dialog.message}"))
            yield shown
        finally:
            await chromium.close()
