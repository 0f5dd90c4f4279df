"""The life of a release, against a Kubernetes API without nodes; and what is said where no cluster is to be had."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.kube_tools import ROOT
from tests.chart.api_server import serving
from workbench.cluster import where
from workbench.cluster.jobs import database
from workbench.cluster.life import Release, life
from workbench.cluster.tools import Failed, Tools

pytestmark = pytest.mark.heavy


class Idle:
    """`Load` of a cluster where nothing runs."""

    def some(self, count: int) -> float:
        return 0.0

    @contextmanager
    def coming(self) -> Iterator[list[str]]:
        yield ["job"]


@pytest.mark.parametrize("major", [4, 3])
def test_the_whole_life_is_lived_by_both_helms(tmp_path: Path, major: int) -> None:
    with serving(tmp_path) as (_, config):
        tools = Tools(config, major)
        tools.namespace = "ns"
        release = Release(tools, "r", "1", waits=(), flags=("--disable-openapi-validation",))
        rows = dict(life(release, Idle()))
    assert rows["scaled by values to 2, then the setting of before"] == "DEBUG"
    assert rows["scaled by hand to 3, kept by an upgrade"] == "3"
    assert rows["rollback to revision 1 under load"].endswith("1 of 1 jobs completed")
    assert rows["uninstall, objects left behind"] == "0"


def test_a_step_that_fails_says_so_in_the_tools_words(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, config):
        tools = Tools(config, 4)
        with pytest.raises(Failed, match="release: not found"):
            tools.helm("history", "nobody")


def test_without_a_cluster_it_is_said_what_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "workbench.cluster"]
    for flags, code in (([], 1), (["--skip-where-impossible"], 0)):
        done = subprocess.run(
            [*command, *flags],
            cwd=ROOT,
            env={"PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert "KUBECONFIG is not set, and kind cannot make one here (kind is not on the PATH" in done.stdout
        assert "make cluster KUBECONFIG=" in done.stdout


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing"))
    with pytest.raises(where.Nowhere, match="does not answer"), where.cluster("r", "1"):
        pass


def test_the_database_passes_pod_security() -> None:
    deployment, _ = database("image")["items"]
    spec = deployment["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
