"""Builds and pushes the two images with docker, podman or buildah, and remembers the digests that were pushed.

python -m scripts.images build|push --registry R --tag T [--tool docker] [--flags='...']
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

    def image(self, program: str) -> str:
        """Its whole name, with registry and tag."""
        return f"{self.registry.rstrip('/')}/eventstorming-{program}:{self.tag}".removeprefix("/")

    def build(self, program: str) -> list[str]:
        """The command; every tool reads the same Dockerfile and sends only what its ignore file lets through."""
        file = f"docker/{program}.Dockerfile"
        if self.tool == "docker":
            own = ["--build-arg", f"SOURCE_DATE_EPOCH={self.epoch}"]
        else:
            own = ["--timestamp", self.epoch, "--ignorefile", f"{file}.dockerignore"]
        common = ["--file", file, "--tag", self.image(program), "--platform", self.platform]
        return [self.tool, "build", *own, *common, *self._arguments(), *self.flags, "."]

    def _arguments(self) -> list[str]:
        given = {"VERSION": self.tag, "REVISION": self.revision}
        given |= {"BASE_IMAGE": self.base_image, "UV_IMAGE": self.uv_image}
        return [part for name, value in given.items() if value for part in ("--build-arg", f"{name}={value}")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds or pushes both; the exit code of the tool that failed."""
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
    return _build(build) if given.what == "build" else _push(build)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("build", "push"))
    parser.add_argument("--registry", required=True)
    parser.add_argument("--tag", required=True)
    parser.add_argument("--tool", choices=(*TOOLS, ""), default="")
    parser.add_argument("--platform", default="linux/amd64")
    parser.add_argument("--base-image", default="")
    parser.add_argument("--uv-image", default="")
    parser.add_argument("--flags", default="", help="handed to the tool as they are")
    return parser


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


def _build(build: Build) -> int:
    for program in PROGRAMS:
        environment = os.environ | {"DOCKER_BUILDKIT": "1", "BUILDAH_FORMAT": "oci"}
        if code := subprocess.run(build.build(program), cwd=ROOT, env=environment, check=False).returncode:
            return code
    return 0


def _push(build: Build) -> int:
    if build.registry.split("/")[0].endswith("gcr.io"):
        print("gcr.io is shut down and a push hangs: use REGISTRY=REGION-docker.pkg.dev/PROJECT/REPOSITORY.")
        return 1
    digests: dict[str, str] = {}
    for program in PROGRAMS:
        image = build.image(program)
        digests[program] = _pushed(build, image)
        if not digests[program]:
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
