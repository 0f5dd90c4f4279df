"""The mermaid library itself, and others like it: fetched once with npm into .tools, where there is npm and a network."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

VERSION = "11.17.2"
TOOLS = Path(__file__).parents[2] / ".tools"


def library(scratch: Path) -> Path | None:
    """Its browser bundle; None where it cannot be had."""
    return packed("mermaid", VERSION, "package/dist/mermaid.min.js", scratch)


def packed(name: str, version: str, inside: str, scratch: Path) -> Path | None:
    """One file of an npm package; None where it cannot be had."""
    kept = TOOLS / name / f"{name}-{version}.min.js"
    if not kept.exists() and (npm := shutil.which("npm")):
        command = [npm, "pack", f"{name}@{version}", "--silent", "--pack-destination", str(scratch)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        except (subprocess.SubprocessError, OSError):
            return None
        with tarfile.open(scratch / f"{name}-{version}.tgz") as package:
            bundle = package.extractfile(inside)
            assert bundle is not None
            kept.parent.mkdir(parents=True, exist_ok=True)
            whole = kept.with_suffix(f".{scratch.name}")  # two workers may fetch at once
            whole.write_bytes(bundle.read())
            whole.replace(kept)
    return kept if kept.exists() else None
