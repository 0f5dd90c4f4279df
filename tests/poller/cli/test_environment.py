"""What the command line is given by the environment, and what it leaves out of it."""

from __future__ import annotations

import os

import pytest

from poller.cli.main import main


def test_what_stands_at_the_ends_of_a_token_or_an_address_is_left_out_and_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRPC_TOKEN", "token\n")
    monkeypatch.setenv("JOBS_TARGET", "\ufeff127.0.0.1:9 ")
    assert main(["completion", "bash"]) == 0
    assert (os.environ["GRPC_TOKEN"], os.environ["JOBS_TARGET"]) == ("token", "127.0.0.1:9")
    told = capsys.readouterr().err
    assert [line.split(": ")[1] for line in told.splitlines()] == ["GRPC_TOKEN", "JOBS_TARGET"]
    assert "token\n" not in told
