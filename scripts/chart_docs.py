"""Writes what is derived from the chart: the table of values in its README, and examples/*/rendered.yaml.

python -m scripts.chart_docs           write both
python -m scripts.chart_docs --check   say what is stale, and fail
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from scripts import kube_tools

CHART = kube_tools.ROOT / "charts" / "eventstorming"
HEAD = "# yamllint disable-file\n# Made by `make chart-docs`.\n"
BEGIN, END = "<!-- values: made by `make chart-docs` -->\n", "<!-- end of values -->\n"


def main(arguments: list[str]) -> int:
    """Writes what is derived, or says what of it is stale."""
    stale = [path for path, text in derived() if not path.exists() or path.read_text() != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(kube_tools.ROOT)} is stale: run make chart-docs and commit.")
        return 1 if stale else 0
    for path, text in derived():
        path.write_text(text)
    return 0


def derived() -> Iterator[tuple[Path, str]]:
    """Every derived file with the text it should have."""
    readme = CHART / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    yield readme, before + BEGIN + table((CHART / "values.yaml").read_text()) + END + rest.partition(END)[2]
    for values in sorted(CHART.glob("examples/*/values.yaml")):
        yield values.with_name("rendered.yaml"), rendered(values)


def rendered(values: Path, *, helm: int = 4) -> str:
    """What Helm makes of the chart with a values file, without blank lines (Helm 3 and 4 differ in those)."""
    where = ["--namespace", "eventstorming", "--values", str(values)]
    command = [str(kube_tools.helm(helm)), "template", "es", str(CHART), *where]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return HEAD + "".join(line + "\n" for line in text.splitlines() if line.strip())


def table(values: str) -> str:
    """A Markdown table of the values that carry a `# --` comment."""
    lines = ["", "| Value | Default | Meaning |", "|---|---|---|"]
    for path, meaning in comments(values):
        default = yaml.safe_load(values)
        for part in path.split("."):
            default = default[part]
        lines.append(f"| `{path}` | `{_cell(json.dumps(default))}` | {_cell(meaning)} |")
    return "\n".join([*lines, "", ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def comments(values: str) -> Iterator[tuple[str, str]]:
    """Path and comment of each documented value, by indentation; a comment may span lines."""
    path: list[tuple[int, str]] = []
    said = ""
    for line in values.splitlines():
        if comment := re.match(r" *# (-- )?(.*)", line):
            said = comment[2] if comment[1] else f"{said} {comment[2]}" if said else ""
        elif key := re.match(r"( *)([A-Za-z]\w*):", line):
            depth = len(key[1])
            path = [*((at, name) for at, name in path if at < depth), (depth, key[2])]
            if said:
                yield ".".join(name for _, name in path), said
            said = ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
