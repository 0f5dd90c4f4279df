"""The build before: the tree that a figure is held against, run from an archive of its commit by this tree's interpreter."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path

from workbench.bench.measure import Skipped
from workbench.bench.record import ROOT

BEFORE = "ef01d00"
"""The last build in which each viewer opened five event streams, and in which a text took six dependent questions."""


def unpacked(folder: Path) -> Mapping[str, str]:
    """The old build's tree, as the settings that run its programs."""
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", BEFORE], capture_output=True, check=False)
    if archive.returncode:
        raise Skipped(f"commit {BEFORE} is not in this clone")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as tree:
        tree.extractall(folder, filter="data")
    packages = folder / "packages"
    _install(_lacking((folder / "requirements" / "local.txt").read_text("utf-8")), packages)
    return {"PYTHONPATH": f"{folder}:{folder / 'proto'}:{packages}", "PYTHONSAFEPATH": "1"}


def _lacking(lock: str) -> str:
    """Of a hashed lock: the packages that this environment does not have in any version."""
    entries = re.split(r"\n(?=\w)", lock)
    return "\n".join(entry for entry in entries if not _is_here(re.split(r"[=;\s]", entry, maxsplit=1)[0]))


def _is_here(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _install(lock: str, packages: Path) -> None:
    """What the old build needs and this one no longer does."""
    packages.mkdir()
    (packages / "lock.txt").write_text(lock, "utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    given = ["--no-deps", "--require-hashes", "--target", str(packages), "-r", str(packages / "lock.txt")]
    subprocess.run([*pip, *given], check=True)
