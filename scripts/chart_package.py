"""Packages the chart for a tag, stamped with the digests that were pushed for it: what was tested is what is pulled.

python -m scripts.chart_package --registry R --tag T
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scripts import images, kube_tools

CHART = kube_tools.ROOT / "charts" / "eventstorming"


def main(arguments: Sequence[str] | None = None) -> int:
    """Packages into dist/ and prints the package's path."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--registry", required=True)
    parser.add_argument("--tag", required=True)
    given = parser.parse_args(arguments)
    digests = pushed(given.registry, given.tag)
    if not digests:
        pushed_none = f"No digests of {given.registry} {given.tag} are known (make push)"
        print(f"{pushed_none}: the package names its images by tag.")
    print(package(given.registry, given.tag, digests, kube_tools.ROOT / "dist"))
    return 0


def pushed(registry: str, tag: str) -> dict[str, str]:
    """Digests by image, of exactly this registry and tag; empty when the last push was another."""
    if not images.DIGESTS.exists():
        return {}
    known = json.loads(images.DIGESTS.read_text())
    if (known["registry"], known["tag"]) != (registry, tag):
        return {}
    return {name: known[name] for name in images.IMAGES if name in known}


def package(registry: str, tag: str, digests: Mapping[str, str], out: Path) -> Path:
    """The package's path."""
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "eventstorming"
        shutil.copytree(CHART, copy)
        _edit(
            copy / "values.yaml",
            lambda text: re.sub(r"(?m)^  registry: .*$", f"  registry: {registry}", text, count=1),
        )
        _edit(copy / "Chart.yaml", lambda text: stamped(text, tag, digests))
        command = [str(kube_tools.helm()), "package", str(copy), "--destination", str(out)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Path(said.rpartition(": ")[2].strip())


def _edit(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


def stamped(chart: str, tag: str, digests: Mapping[str, str]) -> str:
    """Chart.yaml with version and digests of the images. Not among the values: what an upgrade keeps of those would hide them."""
    chart = re.sub(r"(?m)^appVersion: .*$", f'appVersion: "{tag}"', chart)
    lines = "".join(f"\n  eventstorming/{name}: {digest}" for name, digest in digests.items())
    stamped, count = re.subn(r"(?m)^annotations:$", rf"\g<0>{lines}", chart)
    assert count == 1, "Chart.yaml has no place for the digests"
    return stamped


if __name__ == "__main__":
    sys.exit(main())
