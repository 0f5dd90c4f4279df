"""What a chain of installs and upgrades leaves in a cluster, by both Helms: numbers of pods, who owns them, values, test pods."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts import kube_tools
from tests.chart.api_server import Cluster, Object, serving
from workbench.chart import CHART

MAKE = kube_tools.ROOT / "make"
EXECUTOR = "eventstorming-generator-executor"
RELEASE = ("es", str(CHART), "--namespace=ns", "--disable-openapi-validation")


@dataclass
class Operator:
    """A Helm of one major version, and the cluster it works on."""

    cluster: Cluster
    major: int
    config: Path

    def helm(self, *arguments: str, succeeds: bool = True) -> str:
        command = [kube_tools.helm(self.major), f"--kubeconfig={self.config}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode == 0) == succeeds, (done.stdout + done.stderr)[-2000:]
        return done.stdout + done.stderr

    def upgrade(self, *sets: str, keeps: bool = True, succeeds: bool = True) -> str:
        flags = [it if it.startswith("--") else f"--set={it}" for it in sets]
        flags += ["--reset-then-reuse-values"] if keeps else []
        return self.helm("upgrade", "--install", *RELEASE, *flags, succeeds=succeeds)

    @property
    def executors(self) -> int:
        count: int = self.cluster.deployment(EXECUTOR)["spec"]["replicas"]
        return count

    def images(self) -> set[str]:
        return {it["image"] for it in self._containers()}

    def setting(self, name: str) -> str | None:
        given = {it["name"]: it.get("value") for container in self._containers() for it in container["env"]}
        return given.get(name)

    def _containers(self) -> list[Object]:
        found: list[Object] = self.cluster.deployment(EXECUTOR)["spec"]["template"]["spec"]["containers"]
        return found


@pytest.fixture(params=[4, 3], ids=["helm4", "helm3"])
def operator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Operator]:
    with serving(tmp_path) as (cluster, config):
        yield Operator(cluster, request.param, config)


@pytest.mark.parametrize("sets", [(), ("demo.enabled=true",), ("service.type=ClusterIP",)])
def test_what_the_notes_tell_to_type_can_be_typed(operator: Operator, sets: tuple[str, ...]) -> None:
    said = operator.upgrade(*sets).partition("NOTES:")[2]
    typed = re.findall(r"(deployment|service)[/ ]([a-z]+(?:-[a-z]+)+)", said)
    there = {(kind, name) for kind, _, name in operator.cluster.objects}
    assert len(typed) > 1
    assert {(f"{kind}s", name) for kind, name in typed} <= there
    assert set(re.findall(r"^ {5}(\S+)", said, re.MULTILINE)) <= {"kubectl", "helm", "curl"}
    assert "helm test es --namespace ns" in said


@pytest.mark.parametrize("mode", ["external", "hpa", "keda"])
def test_what_others_scale_stays_as_it_is_when_they_take_over_and_afterwards(
    operator: Operator, mode: str
) -> None:
    operator.upgrade("executor.replicas=3")
    assert operator.executors == 3
    operator.upgrade(f"autoscaling.mode={mode}", "executor.replicas=1")
    assert operator.executors == 3
    for count in (5, 2):
        operator.cluster.scale(EXECUTOR, count, by="kube-controller-manager")
        operator.upgrade("rolloutToken=a")
        assert operator.executors == count
    assert "kube-controller-manager" in operator.cluster.owner_of(EXECUTOR, "spec", "replicas")


def test_no_number_in_a_values_file_leaves_it_to_others_too(operator: Operator) -> None:
    operator.upgrade("executor.replicas=3", keeps=False)
    operator.upgrade("executor.replicas=null", keeps=False)
    assert operator.executors == 3


def test_the_first_install_leaves_the_number_to_who_scales(operator: Operator) -> None:
    operator.upgrade("autoscaling.mode=hpa")
    assert operator.cluster.owner_of(EXECUTOR, "spec", "replicas") == set()
    assert operator.executors == 1


def test_a_hand_that_scaled_is_overruled_only_when_told(operator: Operator) -> None:
    """Helm 3 knows no owners: the next upgrade takes the number back."""
    operator.upgrade("executor.replicas=2")
    operator.cluster.scale(EXECUTOR, 5, by="kubectl")
    if operator.major == 4:
        said = operator.upgrade("rolloutToken=a", succeeds=False)
        assert 'conflict with "kubectl": .spec.replicas' in said
        operator.upgrade("rolloutToken=a", "--force-conflicts")
    else:
        operator.upgrade("rolloutToken=a", "executor.replicas=3")
    assert operator.executors == (2 if operator.major == 4 else 3)
    operator.upgrade("executor.replicas=4")
    assert operator.executors == 4


def test_the_way_back_names_a_revision(operator: Operator) -> None:
    operator.upgrade("executor.replicas=2")
    operator.upgrade("executor.replicas=3")
    operator.helm("rollback", "es", "1", "--namespace=ns")
    assert operator.executors == 2
    assert operator.helm("history", "es", "--namespace=ns").count("superseded") == 2


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_upgrade_keeps_what_was_set_and_takes_the_images_of_the_new_chart(operator: Operator) -> None:
    own = f"--values={MAKE / 'own-images.yaml'}"
    operator.upgrade(own, "image.registry=mine", "settings.MAX_CONCURRENT_JOBS=16", "image.tag=1.2.3")
    assert operator.images() == {"mine/eventstorming-executor:1.2.3"}
    operator.upgrade(own, "settings.LOG_LEVEL=DEBUG")
    assert operator.images() == {"mine/eventstorming-executor:0.1.0"}
    assert operator.setting("MAX_CONCURRENT_JOBS") == "16"
    assert operator.setting("LOG_LEVEL") == "DEBUG"


def test_a_value_that_the_chart_does_not_know_stops_an_upgrade_before_anything_changes(
    operator: Operator,
) -> None:
    operator.upgrade("executor.replicas=2")
    said = operator.upgrade("executor.gone=1", "executor.replicas=4", succeeds=False)
    assert "gone" in said
    assert "not allowed" in said
    assert operator.executors == 2


# ── helm test ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_test_that_went_well_leaves_no_pod(operator: Operator) -> None:
    operator.upgrade()
    logs = ["--logs"] if operator.major == 4 else []  # Helm 3 would look for them after the pod is gone
    said = operator.helm("test", "es", "--namespace=ns", *logs)
    assert ("a line of the test" in said) == bool(logs)
    assert operator.cluster.pods() == []
    operator.helm("uninstall", "es", "--namespace=ns")
    assert operator.cluster.objects == {}
