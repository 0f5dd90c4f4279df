"""Takes docs/board.png anew: out/board.html, which `make demo` left, as a browser shows it (`make picture`)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
BOARD = ROOT / "out" / "board.html"
PICTURE = ROOT / "docs" / "board.png"
SIZE = (1600, 900)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> int:
    """Takes it with the first browser there is."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print(f"No browser found. Install chromium; looked for {', '.join(BROWSERS)}.")
        return 1
    take(browser, BOARD)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size // 1024} kB")
    return 0


def take(browser: str, board: Path) -> None:
    """The first sight of the board, once it stands still."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.goto(board.as_uri())
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(500)
        page.screenshot(path=PICTURE)
        chromium.close()


if __name__ == "__main__":
    sys.exit(main())
