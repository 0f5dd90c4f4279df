"""Build commands, and a package that carries the digests of what was pushed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from scripts import chart_package, images, kube_tools
from scripts.images import Build
from workbench.chart import container, of, render, value

ROOT = Path(__file__).parents[2]
DIGESTS = {"poller": "sha256:" + "a" * 64, "executor": "sha256:" + "b" * 64}


def build(tool: str, **given: str) -> Build:
    return Build(tool=tool, registry="registry.example/repo", tag="1.2", **given)  # type: ignore[arg-type]  # flags aside


@pytest.mark.parametrize("tool", images.TOOLS)
def test_every_tool_builds_from_the_same_file_for_the_nodes(tool: str) -> None:
    command = build(tool).build("poller")
    assert command[:2] == [tool, "build"]
    assert command[-1] == "."
    text = " ".join(command)
    assert "--file docker/poller.Dockerfile" in text
    assert "--tag registry.example/repo/eventstorming-poller:1.2" in text
    assert "--platform linux/amd64" in text


@pytest.mark.parametrize("program", ["poller", "executor"])
def test_a_container_is_reached_from_outside(program: str) -> None:
    lines = (ROOT / "docker" / f"{program}.Dockerfile").read_text("utf-8").splitlines()
    assert any(line.strip() == "BIND_HOST=::" for line in lines)
    name = "eventstorming-generator" + ("-executor" if program == "executor" else "")
    assert value(of(render(), "Deployment", name), "BIND_HOST") == "::"


def test_base_images_can_be_replaced() -> None:
    text = " ".join(build("podman", base_image="own/base", uv_image="own/uv").build("executor"))
    assert "--build-arg BASE_IMAGE=own/base" in text
    assert "--build-arg UV_IMAGE=own/uv" in text
    assert "BASE_IMAGE" not in " ".join(build("podman").build("executor"))


def test_a_registry_that_is_shut_down_is_not_pushed_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert images.main(["push", "--registry", "gcr.io/p", "--tag", "1", "--tool", "podman"]) == 1
    assert "pkg.dev" in capsys.readouterr().out


def test_the_package_names_what_was_pushed(tmp_path: Path) -> None:
    package = chart_package.package("registry.example/repo", "1.2", DIGESTS, tmp_path)
    objects = render(chart=package)
    for program, name in (("poller", ""), ("executor", "-executor")):
        it = of(objects, "Deployment", f"eventstorming-generator{name}")
        assert container(it)["image"] == f"registry.example/repo/eventstorming-{program}@{DIGESTS[program]}"
        assert it["metadata"]["labels"]["app.kubernetes.io/version"] == "1.2"


def test_the_package_without_digests_names_the_tag(tmp_path: Path) -> None:
    package = chart_package.package("registry.example/repo", "1.2", {}, tmp_path)
    image = container(of(render(chart=package), "Deployment", "eventstorming-generator"))["image"]
    assert image == "registry.example/repo/eventstorming-poller:1.2"


def test_digests_of_another_tag_are_not_stamped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "DIGESTS", tmp_path / "digests.json")
    (tmp_path / "digests.json").write_text(json.dumps({"registry": "r", "tag": "1", **DIGESTS}))
    assert chart_package.pushed("r", "1") == DIGESTS
    assert chart_package.pushed("r", "2") == {}


def test_the_package_holds_no_examples(tmp_path: Path) -> None:
    package = chart_package.package("r", "1", {}, tmp_path)
    listed = subprocess.run(["tar", "tzf", package], capture_output=True, text=True, check=True).stdout
    assert "templates/poller/deployment.yaml" in listed
    assert "values.schema.json" in listed
    assert "UPGRADING.md" in listed
    assert "examples/" not in listed


def test_pins_of_the_tools_are_hashed() -> None:
    for line in kube_tools.PINS.read_text().splitlines():
        assert "--hash=sha256:" in line
