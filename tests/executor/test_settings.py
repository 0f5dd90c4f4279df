"""Settings: defaults, names of language models, and one message for all that is wrong."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

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


def test_what_an_endpoint_needs_besides_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("LLM_EXTRA_BODY", '{"chat_template_kwargs": {"enable_thinking": false}}')
    monkeypatch.setenv("LLM_EXTRA_HEADERS", '{"X-Gate": "hush-hush"}')
    settings = load()
    assert settings.llm_extra_body == {"chat_template_kwargs": {"enable_thinking": False}}
    assert settings.llm_extra_headers["X-Gate"].get_secret_value() == "hush-hush"
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"LLM_EXTRA_BODY": "{seed: 7}"}, "LLM_EXTRA_BODY: must be JSON"),
        ({"LLM_EXTRA_BODY": "[1]"}, "LLM_EXTRA_BODY: must be a JSON object"),
        ({"LLM_EXTRA_BODY": '{"stream": true, "model": "x"}'}, "sets itself: model, stream"),
        ({"LLM_EXTRA_HEADERS": "hush-hush"}, "LLM_EXTRA_HEADERS: must be JSON"),
        ({"LLM_EXTRA_HEADERS": '{"X-Gate": ["hush-hush"]}'}, "LLM_EXTRA_HEADERS: Input should be"),
        ({"LLM_EXTRA_HEADERS": '{"X Gate": "hush-hush"}'}, "LLM_EXTRA_HEADERS: String should match"),
        ({"LLM_EXTRA_HEADERS": '{"X-Gate": "hush\\nhush"}'}, "LLM_EXTRA_HEADERS: holds a line break"),
        ({"LLM_EXTRA_BODY": '{"seed": 7}', "AI_MODEL": "offline:rules"}, "OpenAI-compatible endpoints"),
        ({"OPENAI_API_KEY": "sk-hush\nhush"}, "OPENAI_API_KEY: holds a line break"),
        ({"OPENAI_API_KEY": "sk-비밀"}, "OPENAI_API_KEY: holds a line break or a letter"),
    ],
)
def test_what_cannot_be_sent_is_said_without_the_secret(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], words: str
) -> None:
    for name, value in ({"OPENAI_API_KEY": "sk-1"} | wrong).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings, match=re.escape(words)) as stopped:
        load()
    assert "hush" not in str(stopped.value)


def test_what_editors_leave_at_the_ends_of_secrets_and_addresses_is_taken_off_and_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = {
        "AI_MODEL": "openai:gpt-4o\n",
        "OPENAI_API_KEY": "\ufeffsk-1\r\n",
        "OPENAI_BASE_URL": " http://127.0.0.1:1/v1\n",
        "ANTHROPIC_API_KEY": "sk-ant\n",
        "GRPC_TOKEN": "token \t",
        "GRPC_ALLOW_PLAINTEXT_TOKEN": "true\n",
        "MY_OWN": " as it is ",
    }
    for name, value in left.items():
        monkeypatch.setenv(name, value)
    settings = load()
    with capture_logs() as logs:
        settings.tell()
        load().tell()
    assert (str(settings.ai_model), settings.token) == ("openai:gpt-4o", "token")
    assert settings.openai_api_key
    assert settings.openai_api_key.get_secret_value() == "sk-1"
    assert settings.openai_base_url == "http://127.0.0.1:1/v1"
    assert (os.environ["ANTHROPIC_API_KEY"], os.environ["MY_OWN"]) == ("sk-ant", " as it is ")
    told = [line["settings"] for line in logs if line["event"] == "settings.trimmed"]
    assert told == [sorted(left.keys() - {"MY_OWN"})]
