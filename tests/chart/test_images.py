"""Build commands, and a package that carries the digests of what was pushed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scripts import chart_package, images, kube_tools
from scripts.images import Build
from workbench.chart import container, of, render, value

ROOT = Path(__file__).parents[2]
DIGESTS = {
    "poller": "sha256:" + "a" * 64,
    "executor": "sha256:" + "b" * 64,
    "poller-full": "sha256:" + "c" * 64,
}
NEEDS_FULL = [
    "a2a.enabled=true",
    "mcp.enabled=true",
    "settings.OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318",
]


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


def test_the_full_image_is_the_pollers_with_more_packages() -> None:
    full, plain = (" ".join(build("docker").build(name)) for name in ("poller-full", "poller"))
    assert "--file docker/poller.Dockerfile" in full
    assert "--tag registry.example/repo/eventstorming-poller:1.2-full" in full
    assert "--build-arg REQUIREMENTS=poller-full" in full
    assert "--build-arg VERSION=1.2 " in full
    assert "REQUIREMENTS" not in plain


def test_some_images_alone_can_be_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "podman").write_text('#!/bin/sh\necho "$@" >> "$0.called"\n')
    (tmp_path / "podman").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    command = ["build", "--registry", "r", "--tag", "1", "--tool", "podman", "--only"]
    assert images.main([*command, "poller-full"]) == 0
    [called] = (tmp_path / "podman.called").read_text().splitlines()
    assert "--tag r/eventstorming-poller:1-full" in called
    assert images.main([*command, ""]) == 0
    assert len((tmp_path / "podman.called").read_text().splitlines()) == 1 + len(images.IMAGES)
    with pytest.raises(SystemExit):
        images.main([*command, "poler"])


@pytest.mark.parametrize("needs", [*NEEDS_FULL, "poller.image.full=true"])
@pytest.mark.parametrize("helm", [3, 4])
def test_what_needs_the_full_image_takes_it(needs: str, helm: int) -> None:
    def image(*sets: str, program: str = "") -> str:
        it = of(render(*sets, helm=helm), "Deployment", f"eventstorming-generator{program}")
        return str(container(it)["image"]).rpartition("/")[2]

    assert image("image.tag=2") == "eventstorming-poller:2"
    assert image("image.tag=2", needs) == "eventstorming-poller:2-full"
    assert image("image.tag=2", needs, program="-executor") == "eventstorming-executor:2"
    by_digest = [
        f"poller.image.{name}={DIGESTS[it]}"
        for name, it in (("digest", "poller"), ("fullDigest", "poller-full"))
    ]
    assert image(*by_digest, needs) == f"eventstorming-poller@{DIGESTS['poller-full']}"
    assert image(*by_digest) == f"eventstorming-poller@{DIGESTS['poller']}"


def test_the_lock_of_the_full_image_has_every_package_that_its_settings_need() -> None:
    def names(lock: str) -> set[str]:
        return {
            line.partition("==")[0]
            for line in (ROOT / "requirements" / f"{lock}.txt").read_text().splitlines()
            if "==" in line
        }

    more = {
        "a2a-sdk",
        "sse-starlette",
        "mcp",
        "opentelemetry-exporter-otlp-proto-http",
        "pypdf",
        "python-docx",
    }
    assert more <= names("poller-full")
    assert not more & names("poller")
    assert names("poller") < names("poller-full")


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


@pytest.mark.parametrize("helm", [3, 4])
def test_what_an_upgrade_keeps_does_not_hide_what_was_pushed_but_a_tag_does(
    tmp_path: Path, helm: int
) -> None:
    package = chart_package.package("registry.example/repo", "1.2", DIGESTS, tmp_path)
    kept = [
        f"{at}={it or ''}"
        for at, it in _leaves(yaml.safe_load((ROOT / "make" / "own-images.yaml").read_text()))
    ]

    def image(*sets: str) -> str:
        it = of(render(*kept, *sets, chart=package, helm=helm), "Deployment", "eventstorming-generator")
        return str(container(it)["image"])

    assert image() == f"registry.example/repo/eventstorming-poller@{DIGESTS['poller']}"
    assert image(NEEDS_FULL[0]).endswith(DIGESTS["poller-full"])
    assert image("image.tag=2").endswith("eventstorming-poller:2")


def _leaves(values: dict[str, object], at: str = "") -> Iterator[tuple[str, object]]:
    for name, it in values.items():
        if isinstance(it, dict):
            yield from _leaves(it, f"{at}{name}.")
        else:
            yield f"{at}{name}", it


def test_the_package_names_what_was_pushed(tmp_path: Path) -> None:
    package = chart_package.package("registry.example/repo", "1.2", DIGESTS, tmp_path)
    objects = render(chart=package)
    for program, name in (("poller", ""), ("executor", "-executor")):
        it = of(objects, "Deployment", f"eventstorming-generator{name}")
        assert container(it)["image"] == f"registry.example/repo/eventstorming-{program}@{DIGESTS[program]}"
        assert it["metadata"]["labels"]["app.kubernetes.io/version"] == "1.2"
    full = of(render("mcp.enabled=true", chart=package), "Deployment", "eventstorming-generator")
    assert container(full)["image"].endswith(DIGESTS["poller-full"])


def test_the_package_without_digests_names_the_tag(tmp_path: Path) -> None:
    package = chart_package.package("registry.example/repo", "1.2", {}, tmp_path)
    image = container(of(render(chart=package), "Deployment", "eventstorming-generator"))["image"]
    assert image == "registry.example/repo/eventstorming-poller:1.2"


def test_digests_of_another_tag_are_not_stamped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "DIGESTS", tmp_path / "digests.json")
    (tmp_path / "digests.json").write_text(json.dumps({"registry": "r", "tag": "1", **DIGESTS}))
    assert chart_package.pushed("r", "1") == DIGESTS
    assert chart_package.pushed("r", "2") == {}
    (tmp_path / "digests.json").write_text(json.dumps({"registry": "r", "tag": "1", "executor": "sha256:e"}))
    assert chart_package.pushed("r", "1") == {"executor": "sha256:e"}


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
