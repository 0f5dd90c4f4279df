"""The mermaid library itself, fetched once with npm into .tools, where there is npm and a network."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

VERSION = "11.17.2"
KEPT = Path(__file__).parents[2] / ".tools" / "mermaid" / f"mermaid-{VERSION}.min.js"
INSIDE = "package/dist/mermaid.min.js"


def library(scratch: Path) -> Path | None:
    """Its browser bundle; None where it cannot be had."""
    if not KEPT.exists() and (npm := shutil.which("npm")):
        command = [npm, "pack", f"mermaid@{VERSION}", "--silent", "--pack-destination", str(scratch)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        except (subprocess.SubprocessError, OSError):
            return None
        with tarfile.open(scratch / f"mermaid-{VERSION}.tgz") as package:
            bundle = package.extractfile(INSIDE)
            assert bundle is not None
            KEPT.parent.mkdir(parents=True, exist_ok=True)
            whole = KEPT.with_suffix(f".{scratch.name}")  # two workers may fetch at once
            whole.write_bytes(bundle.read())
            whole.replace(KEPT)
    return KEPT if KEPT.exists() else None
