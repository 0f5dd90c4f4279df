"""The guide in both languages: the same commands, and names that the chart and the Makefile really have."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from scripts import kube_tools
from workbench.chart import named, render

DOCS = kube_tools.ROOT / "docs"
GUIDES = ("gke.md", "gke.ko.md")
MAKEFILES = ("Makefile", "make/deploy.mk")


def commands(name: str) -> list[str]:
    """The lines of all shell blocks, without comments."""
    blocks = re.findall(r"```sh\n(.*?)```", (DOCS / name).read_text(), re.DOTALL)
    lines = (re.sub(r"(^|\s+)# .*", "", line).rstrip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line]


def test_both_languages_give_the_same_commands() -> None:
    assert commands("gke.md") == commands("gke.ko.md")
    assert len(commands("gke.md")) > 40


@pytest.mark.parametrize("name", GUIDES)
def test_every_make_target_exists(name: str) -> None:
    makefiles = "\n".join((kube_tools.ROOT / file).read_text() for file in MAKEFILES)
    known = set(re.findall(r"(?m)^([a-z-]+):", makefiles))
    text = (DOCS / name).read_text()
    calls = re.findall(r"(?:^|`|&& )make ((?:[a-z-]+ ?)+)", text, re.MULTILINE)
    used = {target for call in calls for target in call.split()}
    assert {"build", "push", "preflight", "install", "uninstall", "status"} <= used <= known


@pytest.mark.parametrize("name", GUIDES)
def test_every_name_the_guide_types_is_rendered(name: str) -> None:
    text = (DOCS / name).read_text()
    assert set(re.findall(r"deployment/([a-z-]+)", text)) <= named(render(), "Deployment").keys()
    assert set(re.findall(r"service/([a-z-]+)|get service ([a-z-]+)", text)) <= {
        pair for it in named(render("mcp.enabled=true"), "Service") for pair in ((it, ""), ("", it))
    }


@pytest.mark.parametrize("name", GUIDES)
def test_every_value_the_guide_sets_is_accepted(name: str) -> None:
    lines = (DOCS / name).read_text().replace("\\\n", " ").splitlines()
    commands = [re.findall(r"--set ([\w.]+=[^\s`')]+)", line) for line in lines]
    together = [[it for it in sets if "$" not in it] for sets in commands if sets]
    assert len(together) > 5
    for sets in together:
        render(*sets)


def test_make_goes_where_kubectl_and_helm_go(tmp_path: Path) -> None:
    config = tmp_path / "config"
    asked = ["make", "--no-print-directory", "--dry-run", "status", f"KUBECONFIG={config}"]
    kubectl = [str(kube_tools.kubectl()), f"--kubeconfig={config}", "config"]

    def told() -> str:
        environment = {**os.environ, "KUBECONFIG": str(config)}
        done = subprocess.run(
            asked, cwd=kube_tools.ROOT, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert "--namespace default " in told()
    subprocess.run([*kubectl, "set-context", "one", "--namespace=elsewhere"], check=True)
    subprocess.run([*kubectl, "use-context", "one"], check=True)
    assert "--namespace elsewhere " in told()


@pytest.mark.parametrize("name", GUIDES)
def test_the_table_of_the_node_adds_up(name: str) -> None:
    rows = (DOCS / name).read_text().partition("| kube-dns |")[2].partition("| **")[0]
    system = [int(it) for it in re.findall(r"(\d+)m \|", rows)]
    assert len(system) == 5
    assert 940 - sum(system) == 227


def test_the_comparison_names_tests_that_exist() -> None:
    rows = (kube_tools.ROOT / "charts" / "eventstorming" / "COMPARISON.md").read_text()
    sources = {it.name: it.read_text() for it in (kube_tools.ROOT / "tests" / "chart").glob("test_*.py")}
    known = set(re.findall(r"def (test_\w+)", "\n".join(sources.values()))) | sources.keys()
    named_there = set(re.findall(r"`(test_[\w.]+)`", rows))
    assert len(named_there) > 30
    assert named_there <= known
    for row in re.findall(r"(?m)^\| .* \|$", rows)[1:]:
        cells = [it.strip() for it in row.strip("|").split(" | ")]
        assert len(cells) == 4, row
        assert cells[3] != "–" or len(cells[2]) > 20, f"neither a test nor a reason: {row}"
