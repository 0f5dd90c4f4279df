"""Settings: what the environment means, and what a wrong one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from poller.settings import Settings, load
from process.errors import WrongSettings

EMULATOR = {"FIREBASE_DATABASE_EMULATOR_HOST": "127.0.0.1:9000"}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with none of our variables in it."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def from_environment(environ: pytest.MonkeyPatch, variables: dict[str, str]) -> Settings:
    for name, value in variables.items():
        environ.setenv(name, value)
    return load()


def test_the_defaults_are_those_of_the_settings_table(environ: pytest.MonkeyPatch) -> None:
    settings = from_environment(environ, EMULATOR)
    assert settings.namespace == "eventstorming_generator"
    assert settings.executor_target == ("127.0.0.1:50051",)
    assert (settings.http_port, settings.admin_port, settings.grpc_port) == (2024, 2025, 50052)
    assert (settings.lease_seconds, settings.max_attempts, settings.shutdown_grace_seconds) == (30, 3, 20)


def test_one_message_names_every_wrong_variable(environ: pytest.MonkeyPatch) -> None:
    wrong = {"LEASE_SECONDS": "10", "HTTP_PORT": "web", "EXECUTOR_TARGET": "nowhere", "NAMESPACE": "a/b"}
    with pytest.raises(WrongSettings) as caught:
        from_environment(environ, EMULATOR | wrong)
    for name in wrong:
        assert name in str(caught.value)


def test_without_a_database_the_message_says_which_variable_to_set(environ: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongSettings, match="FIREBASE_DATABASE_URL"):
        load()


def test_a_secret_never_appears_in_message_or_repr(environ: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongSettings) as caught:
        from_environment(environ, {"GRPC_TOKEN": "s3cret-token", "FIREBASE_DATABASE_URL": "s3cret-token"})
    assert "GRPC_ALLOW_PLAINTEXT_TOKEN" in str(caught.value)
    assert "s3cret-token" not in str(caught.value)
    environ.setenv("GRPC_ALLOW_PLAINTEXT_TOKEN", "true")
    assert "s3cret-token" not in repr(load(firebase_database_emulator_host="h:1", firebase_database_url=None))


def test_an_empty_variable_counts_as_unset(environ: pytest.MonkeyPatch) -> None:
    assert from_environment(environ, EMULATOR | {"NAMESPACE": ""}).namespace == "eventstorming_generator"


@pytest.mark.parametrize(
    "contents",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff\xfe{}",
        b'{"type": "service_account"}',
        b'{"client_email": 1, "private_key": 2}',
    ],
)
def test_a_service_account_that_is_missing_or_none_stops_the_start(
    environ: pytest.MonkeyPatch, tmp_path: Path, contents: bytes | None
) -> None:
    path = tmp_path / "key.json"
    if contents is not None:
        path.write_bytes(contents)
    variables = {
        "FIREBASE_DATABASE_URL": "https://example.firebaseio.com",
        "FIREBASE_SERVICE_ACCOUNT_PATH": str(path),
    }
    with pytest.raises(WrongSettings, match="FIREBASE_SERVICE_ACCOUNT_PATH"):
        from_environment(environ, variables)


def test_a_relative_service_account_path_is_accepted(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text('{"client_email": "a@b", "private_key": "k"}')
    environ.chdir(tmp_path)
    variables = {
        "FIREBASE_DATABASE_URL": "https://x.firebaseio.com",
        "FIREBASE_SERVICE_ACCOUNT_PATH": "./key.json",
    }
    settings = from_environment(environ, variables)
    assert settings.firebase_service_account_path == Path("key.json")


def test_only_an_explicit_pod_id_names_the_pod(environ: pytest.MonkeyPatch) -> None:
    anonymous = from_environment(environ, EMULATOR)
    assert anonymous.pod_id
    assert not anonymous.named_pod
    assert from_environment(environ, {"POD_ID": "poller-0"}).named_pod


def test_several_executor_targets_are_separated_by_commas(environ: pytest.MonkeyPatch) -> None:
    settings = from_environment(environ, EMULATOR | {"EXECUTOR_TARGET": "a:1, b:2"})
    assert settings.executor_target == ("a:1", "b:2")


@pytest.mark.parametrize(
    "url", ["https://db.firebaseio.com/jobs", "https://console.firebase.google.com/u/0/x"]
)
def test_a_path_in_the_databases_address_is_refused_in_words(environ: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(WrongSettings, match="FIREBASE_DATABASE_URL: must end with the host, without a path"):
        from_environment(environ, {"FIREBASE_DATABASE_URL": url})


@pytest.mark.parametrize("url", ["https://db.firebaseio.com/", "https://db.firebaseio.com/?ns=x\n"])
def test_an_address_without_a_path_is_the_databases(environ: pytest.MonkeyPatch, url: str) -> None:
    assert from_environment(environ, {"FIREBASE_DATABASE_URL": url}).firebase_database_url
