"""Settings: defaults, names of language models, and one message for all that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.settings import ModelName, Settings, load
from process.errors import WrongSettings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("openai:gpt-4.1-2025-04-14", ("openai", "gpt-4.1-2025-04-14", "")),
        ("gpt-4o", ("openai", "gpt-4o", "")),
        ("ft:gpt-4o:org::id", ("openai", "ft:gpt-4o:org::id", "")),
        ("openai:qwen2.5:7b", ("openai", "qwen2.5:7b", "")),
        ("anthropic:claude-sonnet:thinking", ("anthropic", "claude-sonnet", "thinking")),
        ("offline:rules", ("offline", "rules", "")),
    ],
)
def test_a_language_model_is_named_by_provider_model_and_variant(
    text: str, parts: tuple[str, str, str]
) -> None:
    named = ModelName.parse(text)
    assert (named.provider, named.model, named.variant) == parts


@pytest.mark.parametrize("text", ["opneai:gpt-4o", "openai:", "offline:magic", "anthropic::thinking"])
def test_a_wrong_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        ModelName.parse(text)


def test_unset_and_empty_mean_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_MODEL", "offline:rules")
    monkeypatch.setenv("GRPC_PORT", "")
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("MAX_ATTEMPTS", "not mine")
    settings = load()
    assert (settings.grpc_port, settings.http_port, settings.admin_port) == (50051, 2024, 2025)
    assert (settings.max_concurrent_jobs, settings.llm_max_concurrency, settings.llm_timeout_seconds) == (
        8,
        64,
        120,
    )
    assert (settings.job_timeout_seconds, settings.step_timeout_seconds, settings.job_max_tokens) == (
        3600,
        300,
        0,
    )
    assert settings.light_model == settings.ai_model
    assert not settings.grpc_reflection


def test_every_wrong_variable_is_named_in_one_message_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    present = tmp_path / "cert.pem"
    present.write_text("x")
    wrong = {
        "AI_MODEL_LIGHT": "bogus:x",
        "MAX_CONCURRENT_JOBS": "0",
        "LLM_TIMEOUT_SECONDS": "soon",
        "OPENAI_BASE_URL": "sk-secret",
        "GRPC_TLS_CA": "/nowhere/ca.pem",
        "LOG_LEVEL": "LOUD",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GRPC_TLS_CERT", str(present))
    monkeypatch.setenv("GRPC_TOKEN", "hush")
    with pytest.raises(WrongSettings) as stopped:
        load()
    message = str(stopped.value)
    assert all(f"  {name}" in message for name in wrong)
    assert "  GRPC_TLS_KEY: GRPC_TLS_CERT and GRPC_TLS_KEY belong together" in message
    assert "OPENAI_API_KEY: missing" in message
    assert "secret" not in message
    assert "hush" not in message


def test_an_endpoint_of_ones_own_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:11434/v1")
    assert load().openai_api_key is None


def test_secrets_do_not_show_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "secret" not in repr(load())
