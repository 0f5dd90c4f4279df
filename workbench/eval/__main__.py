"""`python -m workbench.eval [--missing] [TEXT …]`: recall and precision per kind, and sentence coverage, on committed expectations.

The language model is AI_MODEL, by default `offline:rules`: any that a key or a URL gives. Whatever it answers, each text must
end with a model without findings or with a reason why there is none; exit code 1 when one does not. Nonsense is the share of
stickers that no expectation allows. Of the unseen group only the totals are printed: who looks at more writes rules for it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from executor.configured import language_model
from executor.errors import ExecutorError
from executor.model import EventStormingModel
from executor.settings import load
from tests.executor.invariants import findings
from workbench.eval.running import model_of
from workbench.eval.scoring import (
    GROUPS,
    KINDS,
    TEXTS,
    Score,
    coverage,
    expectations,
    names_of,
    nonsense,
    score,
    scores,
)

_BESIDE = ("nonsense", "coverage", "findings", "seconds")
UNSEEN = GROUPS[-1]
FOLDERS = {"": Path(__file__).parents[2] / "examples", **{group: TEXTS / group for group in GROUPS}}
WIDTH = 26


def main() -> int:
    os.environ.setdefault("AI_MODEL", "offline:rules")
    settings = load()
    asked = language_model(settings.ai_model, settings)
    print(f"{settings.ai_model}: recall / precision\n{_row('', [*KINDS, *_BESIDE])}")
    wrong = 0
    for group, folder in FOLDERS.items():
        total = dict.fromkeys(KINDS, Score())
        for name, expected in _chosen(group).items():
            text = (folder / name).read_text("utf-8")
            began = time.monotonic()
            try:
                model = asyncio.run(model_of(text, asked, settings.step_timeout_seconds))
            except ExecutorError as error:
                print(f"{name:<{WIDTH}}no model: {error}", flush=True)
                continue
            found = scores(expected, model)
            total = {kind: total[kind] + found[kind] for kind in KINDS}
            broken = findings(model)
            wrong += len(broken)
            tail = [f"{coverage(model, text):.0%}", str(len(broken)), f"{time.monotonic() - began:.1f}"]
            if group != UNSEEN:
                print(_row(name, [*_cells(found), *tail]), flush=True)
                if "--missing" in sys.argv:
                    _differences(expected, model)
        if sum(total.values(), Score()) != Score():
            print(_row(f"all {group or 'examples'}", _cells(total)), flush=True)
    return 1 if wrong else 0


def _chosen(group: str) -> dict[str, dict[str, Any]]:
    """The texts named on the command line, else all; of the unseen group always all."""
    named = {argument for argument in sys.argv[1:] if not argument.startswith("-")}
    if group == UNSEEN:
        return {} if named else expectations(group)
    return {name: expected for name, expected in expectations(group).items() if not named or name in named}


def _cells(found: Mapping[str, Score]) -> list[str]:
    return [*map(_figures, found.values()), f"{nonsense(found):.1%}"]


def _figures(one: Score) -> str:
    return f"{one.recall:.2f} / {one.precision:.2f}"


def _row(name: str, cells: list[str]) -> str:
    wide = (max(13, len(kind) + 1) for kind in (*KINDS, *_BESIDE))
    return f"{name:<{WIDTH}}" + "".join(f"{cell:<{width}}" for cell, width in zip(cells, wide, strict=False))


def _differences(expected: Mapping[str, Any], model: EventStormingModel) -> None:
    """What was expected and not found, and found and not expected."""
    for kind in filter(expected.get, KINDS):
        found = names_of(model, kind)
        wanted = expected.get(kind, ())
        missing = [e for e in wanted if not e.startswith("?") and not score([e], found).hits]
        surplus = [name for name in found if not score(wanted, [name]).right]
        if missing or surplus:
            print(f"    {kind}: missing {missing}, surplus {surplus}")


if __name__ == "__main__":
    raise SystemExit(main())
