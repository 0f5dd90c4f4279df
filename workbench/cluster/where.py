"""Which cluster is meant: KUBECONFIG's, or one made by kind. Never the one that kubectl would take by itself: it may be somebody's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import images
from scripts.kube_tools import ROOT, kubectl

KIND = "eventstorming-check"


class Nowhere(Exception):
    """There is no cluster to be had; the message says what is missing."""


@contextmanager
def cluster(registry: str, tag: str) -> Iterator[Path]:
    """The kubeconfig of one that answers."""
    if given := os.environ.get("KUBECONFIG"):
        _answers(Path(given))
        if not registry:
            raise Nowhere(
                "KUBECONFIG is set: say where its nodes find both images, by REGISTRY and TAG (make build push)."
            )
        yield Path(given)
        return
    if missing := _missing():
        raise Nowhere(
            f"No cluster: KUBECONFIG is not set, and kind cannot make one here ({missing}). Debian's packages have kubectl, but neither "
            "a kubelet nor an API server of 1.27 or newer, and the Python and npm registries have none at all. "
            "Either will do: kind on the PATH, or `make cluster KUBECONFIG=… REGISTRY=… TAG=…` with a cluster of your own. "
            "`make containers` runs what the chart renders without one."
        )
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config"
        _run("kind", "create", "cluster", "--name", KIND, "--kubeconfig", str(config), "--wait", "120s")
        try:
            _load(registry, tag)
            yield config
        finally:
            subprocess.run(["kind", "delete", "cluster", "--name", KIND], check=False)


def _missing() -> str:
    lacking = [] if shutil.which("kind") else ["kind is not on the PATH"]
    if not any(map(shutil.which, ("docker", "podman"))):
        lacking.append("neither docker nor podman is")
    return ", ".join(lacking)


def _answers(config: Path) -> None:
    asked = [
        str(kubectl()),
        f"--kubeconfig={config}",
        "--request-timeout=20s",
        "get",
        "nodes",
        "--output=name",
    ]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Nowhere(f"The cluster of KUBECONFIG ({config}) does not answer: {why}")


def _load(registry: str, tag: str) -> None:
    """Built here, and put on the node by hand: nothing is pulled."""
    build = [sys.executable, "-m", "scripts.images", "build", f"--registry={registry}", f"--tag={tag}"]
    _run(*build, f"--only={','.join(images.PROGRAMS)}")
    for program in images.PROGRAMS:
        name = images.Build(tool="", registry=registry, tag=tag).image(program)
        _run("kind", "load", "docker-image", name, "--name", KIND)


def _run(*command: str) -> None:
    try:
        subprocess.run(command, cwd=ROOT, check=True)
    except subprocess.CalledProcessError as error:
        raise Nowhere(f"{' '.join(command)} failed ({error.returncode})") from error
