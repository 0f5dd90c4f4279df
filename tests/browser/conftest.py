"""Skips what needs a browser where there is none."""

import pytest

from tests.browser.window import CHROMIUM


@pytest.fixture(autouse=True)
def _a_browser() -> None:
    if CHROMIUM is None:
        pytest.skip("no Chromium on the PATH: install the package chromium")
