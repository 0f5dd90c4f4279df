"""The build before: the tree that a figure is held against, run from an archive of its commit by this tree's interpreter."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Mapping
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
    return {"PYTHONPATH": f"{folder}:{folder / 'proto'}", "PYTHONSAFEPATH": "1"}
