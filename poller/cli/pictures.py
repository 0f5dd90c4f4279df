"""The board as PNG or PDF, taken by a browser of this machine: Chromium, or what is compatible with it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from eventstorming.v1.model_pb2 import EventStormingModel

from poller import exports
from poller.cli.outcome import CliError, Exit

FORMATS: Final = ("pdf", "png")
_BROWSERS: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
)
_SECONDS: Final = 120.0
_LONGEST: Final = 16_000
"""Pixels of a side: browsers draw no larger picture."""
_SIZE: Final = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


def taken(model: EventStormingModel, form: str) -> bytes:
    """PNG of the wall at twice its size as far as a browser can, PDF of the board as it prints."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        raise CliError(
            f"{form} needs a browser: install chromium (looked for {', '.join(_BROWSERS)})", Exit.WRONG_INPUT
        )
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, f"board.{form}")
        page, flags = _page(model, form, Path(scratch), out)
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--no-sandbox",
            f"--user-data-dir={scratch}/profile",
        ]
        try:
            subprocess.run(
                [*command, *flags, page.as_uri()], check=True, capture_output=True, timeout=_SECONDS
            )
            return out.read_bytes()
        except (subprocess.SubprocessError, OSError) as error:
            raise CliError(f"{browser} took no {form}: {error}", Exit.WRONG_INPUT) from error


def _page(model: EventStormingModel, form: str, scratch: Path, out: Path) -> tuple[Path, list[str]]:
    """What the browser opens, and how."""
    page = scratch / ("board.html" if form == "pdf" else "board.svg")
    text = exports.export(page.suffix[1:], model).texts[page.name]
    page.write_text(text, "utf-8", errors="replace")
    if form == "pdf":
        return page, [f"--print-to-pdf={out}", "--no-pdf-header-footer"]
    size = _SIZE.search(text)
    width, height = (float(side) for side in size.groups()) if size else (1600, 900)
    scale = min(2.0, _LONGEST / max(width, height))
    window = f"--window-size={round(width)},{round(height)}"
    return page, [
        f"--screenshot={out}",
        window,
        f"--force-device-scale-factor={scale:.3f}",
        "--hide-scrollbars",
    ]
