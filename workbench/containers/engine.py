"""Podman, and what it needs here: a configuration, a base image to build on, a network. Nothing of the product."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.images import PROGRAMS

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / ".tools" / "containers.conf"
NETWORK = "eventstorming-check"
FOLDERS = "eventstorming-check-"  # of what is mounted
REGISTRY, TAG = "localhost", "check"

# runc also works where crun does not: inside another container, with hybrid control groups.
_RUNC = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


def require_tools() -> None:
    missing = [name for name in ("podman", "runc") if shutil.which(name) is None]
    if "BASE_IMAGE" not in os.environ and shutil.which("mmdebstrap") is None:
        missing.append("mmdebstrap")
    if missing:
        raise SystemExit(f"{', '.join(missing)} missing: apt-get install -y podman runc mmdebstrap")
    CONFIGURATION.parent.mkdir(exist_ok=True)
    CONFIGURATION.write_text(_RUNC)
    os.environ["CONTAINERS_CONF"] = str(CONFIGURATION)


def why_not() -> str:
    """Why this machine runs no container at all, nothing if it does; tried with the host's own `true`, none of our files."""
    name = "localhost/eventstorming-trial:1"
    try:
        with tempfile.TemporaryDirectory() as scratch:
            archive = Path(scratch) / "true.tar"
            linked = subprocess.run(["ldd", "/bin/true"], capture_output=True, text=True, check=True).stdout
            files = ["/bin/true", *(word for word in linked.split() if word.startswith("/"))]
            subprocess.run(
                ["tar", "--create", "--dereference", "--absolute-names", "--file", archive, *files],
                check=True,
            )
            _tried("import", "--quiet", str(archive), name)
        _tried("network", "create", NETWORK)
        limits = (
            "--cpus",
            "0.3",
            "--memory",
            "64m",
            "--cap-drop",
            "ALL",
            "--user",
            "10001:10001",
            "--read-only",
        )
        _tried("run", "--rm", "--network", NETWORK, *limits, name, "/bin/true")
    except subprocess.CalledProcessError as error:
        return f"{' '.join(map(str, error.cmd))}: {error.stderr}".strip()
    finally:
        remove_all()
    return ""


def _tried(*arguments: str) -> None:
    subprocess.run(["podman", *arguments], capture_output=True, text=True, check=True)


def expect(holds: bool, otherwise: str) -> None:
    """Ends the check with a sentence where something is not as it should be."""
    if not holds:
        raise SystemExit(otherwise)


def podman(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise SystemExit(f"podman {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def logs(container: str) -> str:
    done = subprocess.run(["podman", "logs", container], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def build_images(tree: Path = ROOT, tag: str = TAG) -> None:
    """Both images of a tree, on BASE_IMAGE and UV_IMAGE if given, else on ones made here out of packages."""
    base = os.environ.get("BASE_IMAGE") or _own_base()
    uv = os.environ.get("UV_IMAGE") or _own_uv()
    flags = "--quiet --network host"
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():
        flags += f" --secret id=ca,src={certificates}"
    command = [sys.executable, "-m", "scripts.images", "build", f"--registry={REGISTRY}", f"--tag={tag}"]
    if tree == ROOT:  # an older one knows these two alone
        command.append(f"--only={','.join(PROGRAMS)}")
    command += ["--tool=podman", f"--base-image={base}", f"--uv-image={uv}", f"--flags={flags}"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def _own_base() -> str:
    name = "localhost/eventstorming-base:trixie"
    if not exists(name):
        subprocess.run([ROOT / "scripts" / "minimal_base.sh", name], check=True, stdout=subprocess.DEVNULL)
    return name


def _own_uv() -> str:
    """The uv of this environment, which its wheel brought, in an otherwise empty image."""
    name, folder = "localhost/eventstorming-uv:local", ROOT / ".tools" / "uv-image"
    if not exists(name):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(sys.executable).with_name("uv"), folder / "uv")
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY uv /uv\n")
        podman("build", "--quiet", "--tag", name, str(folder))
    return name


def exists(image: str) -> bool:
    return subprocess.run(["podman", "image", "exists", image], check=False).returncode == 0


def megabytes(image: str) -> float:
    """Uncompressed."""
    return int(podman("image", "inspect", "--format", "{{.Size}}", image)) / 1e6


def python(image: str, code: str) -> str:
    """Runs code inside an image the way the cluster would: read-only, without a network, as nobody."""
    flags = ("--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--user", "10001:10001")
    return podman("run", *flags, "--entrypoint", json.dumps(["python3", "-c", code]), image)


def address(container: str) -> str:
    return podman(
        "inspect", "--format", f'{{{{(index .NetworkSettings.Networks "{NETWORK}").IPAddress}}}}', container
    )


def gateway() -> str:
    """The host as the containers see it; there only while a container is in the network."""
    return str(json.loads(podman("network", "inspect", NETWORK))[0]["subnets"][0]["gateway"])


def inside(container: str, *command: str) -> str:
    """Runs a command in a running container, as `kubectl exec` does; a failing one ends the check."""
    return podman("exec", container, *command)


def exit_code(container: str) -> int:
    return int(podman("inspect", "--format", "{{.State.ExitCode}}", container))


def memory(container: str) -> tuple[float, float]:
    """Resident memory of the main process now and at most, MiB."""
    status = Path(f"/proc/{podman('inspect', '--format', '{{.State.Pid}}', container)}/status").read_text()
    found = dict(line.split(":", 1) for line in status.splitlines())
    now, most = (int(found[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def remove_all() -> None:
    names = podman("ps", "--all", "--quiet", "--filter", f"network={NETWORK}", check=False).split()
    shared = podman("ps", "--all", "--quiet", "--filter", "label=check=eventstorming", check=False).split()
    if found := sorted({*names, *shared}):
        podman("rm", "--force", "--time", "0", *found, check=False)
    podman("network", "rm", "--force", NETWORK, check=False)
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDERS}*"):
        shutil.rmtree(folder)
