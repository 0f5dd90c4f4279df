"""What Helm makes is what Kubernetes accepts, for every example, with Helm 4 and the last Helm 3."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from scripts import chart_docs, kube_tools
from tests.chart import custom_resources
from workbench.chart import EXAMPLES, Object, containers, lint, pods, render


@pytest.mark.parametrize("helm", [4, 3])
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_lints(example: str, helm: int) -> None:
    done = lint(example=example, helm=helm)
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_helms_render_the_same() -> None:
    for example in EXAMPLES:
        assert render(example=example, helm=3) == render(example=example, helm=4)


def test_readme_and_rendered_examples_are_up_to_date() -> None:
    stale = [path.name for path, text in chart_docs.derived() if path.read_text() != text]
    assert not stale, "run make chart-docs"


def distinct() -> list[Object]:
    """Every object of every example; those that several examples share, once."""
    return list(
        {json.dumps(it, sort_keys=True): it for name in EXAMPLES for it in render(example=name)}.values()
    )


@pytest.mark.parametrize("version", kube_tools.KUBERNETES)
def test_kubernetes_accepts_every_object(version: str) -> None:
    for it in distinct():
        errors = [error.message for error in validator(it["apiVersion"], it["kind"], version).iter_errors(it)]
        assert not errors, (it["kind"], it["metadata"]["name"])


def test_the_validation_sees_a_wrong_field() -> None:
    wrong: Object = json.loads(json.dumps(render()[0]))
    wrong["metadata"]["lables"] = {}
    assert list(validator(wrong["apiVersion"], wrong["kind"], "1.34").iter_errors(wrong))


def validator(api_version: str, kind: str, version: str) -> Any:
    if (api_version, kind) in custom_resources.SCHEMAS:
        return Draft202012Validator(custom_resources.SCHEMAS[api_version, kind])
    return _validator(api_version, kind, version)


@functools.cache
def _validator(api_version: str, kind: str, version: str) -> Any:
    folder = kube_tools.schemas() / version
    group, _, number = api_version.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.split(".")[0], number) if part)
    return Draft202012Validator(
        json.loads((folder / f"{name}.json").read_text()), registry=_definitions(version)
    )


@functools.cache
def _definitions(version: str) -> Any:
    path = kube_tools.schemas() / version / "_definitions.json"
    contents = Resource.from_contents(json.loads(path.read_text()))
    return Registry().with_resources([("_definitions.json", contents), (path.as_uri(), contents)])


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_variable_appears_twice(example: str) -> None:
    for pod in pods(render(example=example)).values():
        for it in containers(pod):
            names = [entry["name"] for entry in it.get("env", [])]
            assert len(names) == len(set(names))


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_object_names_its_namespace_and_the_operators_label(example: str) -> None:
    for it in render(example=example):
        assert it["metadata"]["namespace"] == "ns"
        assert it["metadata"]["labels"]["app"] == "eventstorming-generator"


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_two_objects_have_one_name(example: str) -> None:
    names = [(it["apiVersion"], it["kind"], it["metadata"]["name"]) for it in render(example=example)]
    assert len(names) == len(set(names))
