"""PNG and PDF on the command line: the machine's own browser takes them."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from poller import exports
from poller.cli.pictures import taken
from tests.poller.board.conftest import bikes_model

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_a_board_is_taken_as_a_picture(form: str, tmp_path: Path) -> None:
    model = bikes_model()
    picture = taken(model, form)
    (tmp_path / f"board.{form}").write_bytes(picture)
    if form == "pdf":
        assert picture.startswith(b"%PDF-")
        assert len(re.findall(rb"/Type\s*/Page\b", picture)) >= 2  # the wall, and the requirements
        return
    assert picture.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", picture[16:24])
    drawn = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', exports.export("svg", model).text)
    assert drawn is not None
    assert width / height == pytest.approx(float(drawn[1]) / float(drawn[2]), rel=0.02)
    assert width >= float(drawn[1])
