"""Values: every one documented and in the schema, every setting known to its program, every mistake refused with a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from executor.settings import Settings as ExecutorSettings
from poller.settings import Settings as PollerSettings
from scripts import chart_docs
from workbench.chart import CHART, Refused, env, executor, poller, render, value

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
NOT_VALUES = {
    "global",
    "enabled",
    "service.port",
    "service.targetPort",
}  # accepted for a parent chart, or to refuse well
OPEN_MAPS = {"settings", "secrets.app.keys", "secrets.app.values", "executor.resources", "poller.resources"}

# Read by the programs, set by nobody in a cluster: the containers' ports are theirs alone.
PORTS = {
    "HTTP_PORT",
    "ADMIN_PORT",
    "GRPC_PORT",
}
# Read by LangSmith itself.
LANGSMITH = {"LANGSMITH_PROJECT", "LANGSMITH_API_KEY"}


def leaves(values: Any, path: str = "") -> Iterator[str]:
    if isinstance(values, dict) and values and path not in OPEN_MAPS:
        for key, below in values.items():
            yield from leaves(below, f"{path}.{key}".lstrip("."))
    else:
        yield path


def schema_leaves(schema: Any, path: str = "") -> Iterator[str]:
    if "properties" in schema and path not in OPEN_MAPS:
        for key, below in schema["properties"].items():
            yield from schema_leaves(below, f"{path}.{key}".lstrip("."))
    else:
        yield path


def test_schema_and_values_name_the_same() -> None:
    assert set(leaves(VALUES)) == set(schema_leaves(SCHEMA)) - NOT_VALUES


def test_every_value_is_documented() -> None:
    documented = {path for path, _ in chart_docs.comments((CHART / "values.yaml").read_text())}
    missing = {
        leaf
        for leaf in leaves(VALUES)
        if not any(leaf == it or leaf.startswith(f"{it}.") for it in documented)
    }
    assert not missing


def objects_below(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if schema.get("type") == "object":
        yield path, schema
        for key, below in schema.get("properties", {}).items():
            yield from objects_below(below, f"{path}.{key}".lstrip("."))


def test_every_object_of_ours_refuses_unknown_keys() -> None:
    for path, schema in objects_below(SCHEMA):
        assert path == "global" or "additionalProperties" in schema, path


def test_every_value_is_used() -> None:
    templates = "\n".join(path.read_text() for path in CHART.rglob("templates/**/*") if path.is_file())
    whole = {"executor.rollingUpdate"}  # rendered as it is
    unused = {leaf for leaf in leaves(VALUES) if not re.search(rf"\b{leaf.rpartition('.')[2]}\b", templates)}
    assert {leaf for leaf in unused if leaf.rpartition(".")[0] not in whole} == set()


def test_a_parent_chart_may_pass_global_and_enabled() -> None:
    render("global.imageRegistry=x", "enabled=true")


SETTINGS = SCHEMA["properties"]["settings"]["properties"]


def sample(name: str) -> Any:
    rule = SETTINGS[name]
    if "enum" in rule:
        return rule["enum"][0]
    if rule["type"] in ("integer", "number", ["number", "string"]):
        return rule.get("minimum", 0) + 1
    return "http://x:1" if rule.get("pattern", "").startswith("^https?") else "x:1"


def all_settings() -> tuple[str, ...]:
    return tuple(f"settings.{name}={sample(name)}" for name in SETTINGS if "EMULATOR" not in name)


def test_every_variable_the_chart_gives_is_read_by_the_program_that_gets_it() -> None:
    sets = (*all_settings(), "grpc.tlsSecret=tls", "a2a.enabled=true", "mcp.enabled=true")
    known = {name.upper() for name in PollerSettings.model_fields}
    assert env(poller(*sets)).keys() <= known
    known = {name.upper() for name in ExecutorSettings.model_fields}
    assert env(executor(*sets)).keys() <= known | LANGSMITH


def test_every_variable_a_program_reads_can_be_given_by_the_chart() -> None:
    sets = (*all_settings(), "grpc.tlsSecret=tls", "a2a.enabled=true", "mcp.enabled=true")
    given = env(poller(*sets)).keys() | {"FIREBASE_DATABASE_EMULATOR_HOST"} | PORTS
    assert {name.upper() for name in PollerSettings.model_fields} <= given
    own = {"POD_ID"}  # the executor's is its host name, which is the pod's
    assert {name.upper() for name in ExecutorSettings.model_fields} <= env(
        executor(*sets)
    ).keys() | PORTS | own


def test_a_setting_wins_over_the_secret() -> None:
    assert value(executor("settings.AI_MODEL=openai:x"), "AI_MODEL") == "openai:x"
    assert value(executor(), "AI_MODEL") is None


def test_large_numbers_stay_as_written() -> None:
    assert value(poller(example="large"), "JOB_MAX_TOKENS") == "2000000"


def test_extra_variables_reach_their_program_only() -> None:
    assert value(executor("executor.extraEnv.HTTPS_PROXY=http://p:1"), "HTTPS_PROXY") == "http://p:1"
    assert "HTTPS_PROXY" not in env(poller("executor.extraEnv.HTTPS_PROXY=http://p:1"))


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        ("executor.replica=2", "'replica' not allowed"),
        ("settings.LEASE_SECOND=30", "'LEASE_SECOND' not allowed"),
        ("settings.LLM_EXTRA_HEADERS=secret", "'LLM_EXTRA_HEADERS' not allowed"),
        ("settings.LEASE_SECONDS=5", "settings/LEASE_SECONDS"),
        ("autoscaling.mode=keda,executor.replicas=3", "remove executor.replicas"),
        ("autoscaling.mode=hpa,poller.replicas=2", "Set poller.replicas=1"),
        ("autoscaling.mode=keda,autoscaling.minReplicas=11", "lower the first or raise the second"),
        ("executor.resources.requests.cpu=250x", "/resources/requests/cpu"),
        ("poller.resources.limits.memory=256MB", "/resources/limits/memory"),
        ("autoscaling.mode=external,executor.replicas=3", "remove executor.replicas"),
        ("autoscaling.minReplicas=-1", "autoscaling/minReplicas"),
        ("autoscaling.minReplicas=0", "set it to 1, or autoscaling.mode=keda"),
        ("autoscaling.mode=hpa,autoscaling.minReplicas=0", "set it to 1, or autoscaling.mode=keda"),
        ("metrics.alerts.enabled=true", "enable metrics.podMonitoring"),
        (
            "metrics.podMonitoring.enabled=true,metrics.serviceMonitor.enabled=true",
            "both enabled, so everything would be counted twice",
        ),
        ("service.targetPort=50051", "gRPC is never public"),
        ("service.port=50052", "gRPC is never public"),
        ("settings.A2A_ANSWER=links", "/settings/A2A_ANSWER"),
        ("a2a.port=5001", "'port' not allowed"),
        ("mcp.path=/", "'path' not allowed"),
        (f"mcp.enabled=true,poller.image.digest=sha256:{'0' * 64}", "set poller.image.fullDigest"),
        (
            f"poller.image.full=true,poller.image.tag=1,poller.image.fullDigest=sha256:{'0' * 64}",
            "Remove the tag, or set poller.image.fullDigest to an empty string",
        ),
        ("service.type=NodePort", "/service/type"),
        ("image.tag=not/a/tag", "/image/tag"),
        ("poller.image.digest=sha256:12", "/poller/image/digest"),
        (f"image.tag=1.0,poller.image.digest=sha256:{'0' * 64}", "the tag would be a lie"),
        ("secrets.app.create=true", "secrets.app.values.FIREBASE_DATABASE_URL is missing"),
        (
            "secrets.app.create=true,secrets.app.values.FIREBASE_DATABASE_URL=https://x",
            "secrets.app.values.OPENAI_API_KEY is missing",
        ),
        ("secrets.firebaseKey.create=true", "--set-file secrets.firebaseKey.value"),
        ("secrets.app.values.OPENAI_KEY=x", "'OPENAI_KEY' not allowed"),
        ("poller.workloadIdentity.googleServiceAccount=a@b", "enable it"),
        ("executor.extraEnv.AI_MODEL=x", "use settings.AI_MODEL"),
        ("executor.extraEnv.OPENAI_API_KEY=x", "or the secret instead"),
    ],
)
def test_a_mistake_is_refused_with_the_sentence_that_repairs_it(sets: str, said: str) -> None:
    with pytest.raises(Refused, match=re.escape(said)):
        render(sets)
