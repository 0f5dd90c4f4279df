"""Builds and pushes the images with docker, podman or buildah, and remembers the digests that were pushed.

python -m scripts.images build|push --registry R --tag T [--only poller-full,...] [--tool docker] [--flags='...']
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIGESTS = ROOT / "dist" / "digests.json"
PROGRAMS = ("poller", "executor")
IMAGES = (*PROGRAMS, "poller-full")
"""The last is the poller with A2A, MCP, traces and the readers of docx and pdf. It is a tag of the poller's repository."""

TOOLS = ("docker", "podman", "buildah")


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What is built, how it is named, and from what."""

    tool: str
    registry: str
    tag: str
    revision: str = "unknown"
    epoch: str = "0"  # the commit's time, so that the same commit makes the same image
    platform: str = "linux/amd64"  # what the nodes are, also when the machine is not
    base_image: str = ""
    uv_image: str = ""
    flags: tuple[str, ...] = ()

    def image(self, name: str) -> str:
        """Its whole name, with registry and tag."""
        program, dash, variant = name.partition("-")
        tag = f"{self.tag}{dash}{variant}"
        return f"{self.registry.rstrip('/')}/eventstorming-{program}:{tag}".removeprefix("/")

    def build(self, name: str) -> list[str]:
        """The command; every tool reads the same Dockerfile and sends only what its ignore file lets through."""
        file = f"docker/{name.partition('-')[0]}.Dockerfile"
        if self.tool == "docker":
            own = ["--build-arg", f"SOURCE_DATE_EPOCH={self.epoch}"]
        else:
            own = ["--timestamp", self.epoch, "--ignorefile", f"{file}.dockerignore"]
        common = ["--file", file, "--tag", self.image(name), "--platform", self.platform]
        return [self.tool, "build", *own, *common, *self._arguments(name), *self.flags, "."]

    def _arguments(self, name: str) -> list[str]:
        given = {"VERSION": self.tag, "REVISION": self.revision}
        given |= {} if name in PROGRAMS else {"REQUIREMENTS": name}
        given |= {"BASE_IMAGE": self.base_image, "UV_IMAGE": self.uv_image}
        return [part for name, value in given.items() if value for part in ("--build-arg", f"{name}={value}")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds or pushes them; the exit code of the tool that failed."""
    given = _parser().parse_args(arguments)
    build = Build(
        tool=given.tool or detected(),
        registry=given.registry,
        tag=given.tag,
        revision=_git("rev-parse", "HEAD") or "unknown",
        epoch=_git("log", "-1", "--format=%ct") or "0",
        platform=given.platform,
        base_image=given.base_image,
        uv_image=given.uv_image,
        flags=tuple(shlex.split(given.flags)),
    )
    return (_build if given.what == "build" else _push)(build, given.only)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("build", "push"))
    parser.add_argument("--registry", required=True)
    parser.add_argument("--tag", required=True)
    parser.add_argument(
        "--only", type=_names, default=IMAGES, metavar=",".join(IMAGES), help="these alone; empty: all"
    )
    parser.add_argument("--tool", choices=(*TOOLS, ""), default="")
    parser.add_argument("--platform", default="linux/amd64")
    parser.add_argument("--base-image", default="")
    parser.add_argument("--uv-image", default="")
    parser.add_argument("--flags", default="", help="handed to the tool as they are")
    return parser


def _names(given: str) -> tuple[str, ...]:
    names = tuple(given.split(",")) if given else IMAGES
    if unknown := [name for name in names if name not in IMAGES]:
        raise argparse.ArgumentTypeError(f"no image {unknown[0]!r}: name some of {', '.join(IMAGES)}")
    return names


def detected() -> str:
    """docker if its daemon answers, else podman, else buildah."""
    for tool in TOOLS:
        if shutil.which(tool) and (tool != "docker" or _succeeds("docker", "info")):
            return tool
    raise SystemExit(
        "No container tool: install docker, podman or buildah (docker needs its daemon running)."
    )


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _build(build: Build, names: Sequence[str]) -> int:
    for name in names:
        environment = os.environ | {"DOCKER_BUILDKIT": "1", "BUILDAH_FORMAT": "oci"}
        if code := subprocess.run(build.build(name), cwd=ROOT, env=environment, check=False).returncode:
            return code
    return 0


def _push(build: Build, names: Sequence[str]) -> int:
    if build.registry.split("/")[0].endswith("gcr.io"):
        print("gcr.io is shut down and a push hangs: use REGISTRY=REGION-docker.pkg.dev/PROJECT/REPOSITORY.")
        return 1
    digests: dict[str, str] = {}
    for name in names:
        image = build.image(name)
        digests[name] = _pushed(build, image)
        if not digests[name]:
            host = build.registry.split("/")[0]
            print(f"The push of {image} failed. Not logged in? gcloud auth configure-docker {host}")
            return 1
    DIGESTS.parent.mkdir(exist_ok=True)
    DIGESTS.write_text(json.dumps({"registry": build.registry, "tag": build.tag, **digests}, indent=2) + "\n")
    print(f"{DIGESTS.relative_to(ROOT)}: {digests}")
    return 0


def _pushed(build: Build, image: str) -> str:
    """Pushes; the registry's digest, or nothing when it failed."""
    if build.tool == "docker":
        if subprocess.run(["docker", "push", image], check=False).returncode:
            return ""
        form = "{{range .RepoDigests}}{{println .}}{{end}}"
        known = subprocess.run(
            ["docker", "inspect", "--format", form, image], capture_output=True, text=True, check=True
        )
        return _digest_of(known.stdout.split(), image)
    with tempfile.NamedTemporaryFile("r") as file:
        command = [build.tool, "push", "--digestfile", file.name, *build.flags, image]
        return "" if subprocess.run(command, check=False).returncode else file.read().strip()


def _digest_of(references: Sequence[str], image: str) -> str:
    repository = image.rpartition(":")[0]
    return next((it.partition("@")[2] for it in references if it.partition("@")[0] == repository), "")


if __name__ == "__main__":
    sys.exit(main())
