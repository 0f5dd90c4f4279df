"""The graph's shape on the running system: the chain of questions, the time it has to take, and what a draft costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from workbench.bench.calls import calls_of, longest_chain, longest_path
from workbench.bench.figures import Baseline, Figure
from workbench.bench.measure import measure
from workbench.bench.record import ROOT
from workbench.bench.stand import LanguageModel, Rtdb, Stand
from workbench.bench.texts import from_draft, from_requirements, mark

DRAFT = ROOT / "tests" / "contracts" / "examples" / "inputs.fromDraft.json"


@measure("chain", "the longest chain of dependent questions, every answer taking equally long")
def chain(stand: Stand) -> Iterator[Figure]:
    rtdb, language_model = _system(stand, **dict.fromkeys(("p50", "p95"), 0.5 if stand.quick else 1.0))
    sizes = (1, 3, 8) if not stand.quick else (1, 3)
    for name, make, limit, old in (
        ("requirements", from_requirements, 6, 11.0),
        ("draft", from_draft, 3, 8.0),
    ):
        jobs = {number: make(size, number + limit * 100) for number, size in enumerate(sizes)}
        for inputs in jobs.values():
            rtdb.ended([rtdb.job(inputs)[0]])
        chains = [
            longest_chain(calls_of(language_model.calls.all(), mark(number + limit * 100))) for number in jobs
        ]
        yield Figure(
            name=f"chain.{name}",
            what=f"longest chain of dependent questions from {name}, for {', '.join(map(str, sizes))} contexts",
            unit="calls",
            samples=chains,
            limits={"most": limit},
            baseline=Baseline(name="the old worker at 2 contexts", fixed=old),
            noise=0,
        )


@measure("path", "wall time ÷ longest dependent path, latencies log-normal", seconds=400)
def path(stand: Stand) -> Iterator[Figure]:
    scale = 0.1 if stand.quick else 1.0
    rtdb, language_model = _system(stand, p50=1.0 * scale, p95=4.0 * scale)
    rtdb.ended([rtdb.job(from_requirements(1, 999))[0]])  # warms up
    for contexts in (1, 3, 8) if not stand.quick else (1,):
        ratios, walls = [], []
        for number in range(contexts * 10, contexts * 10 + stand.many(3, 1)):
            job_id, acked = rtdb.job(from_requirements(contexts, number))
            wall = rtdb.ended([job_id])[job_id] - acked
            walls.append(wall)
            ratios.append(wall / longest_path(calls_of(language_model.calls.all(), mark(number))))
        yield Figure(
            name=f"path.{contexts}",
            what=f"entry acknowledged → completed ÷ longest dependent path, {contexts} contexts, p50 1 s, p95 4 s",
            unit="×",
            samples=ratios,
            limits={} if stand.quick else {"median": 1.10},
            baseline=Baseline(name="the old worker", fixed=1.2),
            noise=0.05,
            note=f"{min(walls):.1f} to {max(walls):.1f} s",
        )
        if contexts == 3:
            yield Figure(
                name="path.seconds",
                what="entry acknowledged → completed, 3 contexts, p50 1 s, p95 4 s",
                unit="s",
                samples=walls,
                noise=0.1,
            )


@measure("asked", "language-model calls and prompt characters of one draft")
def asked(stand: Stand) -> Iterator[Figure]:
    rtdb, language_model = _system(stand)
    rtdb.ended([rtdb.job(json.loads(DRAFT.read_text("utf-8")))[0]])
    lines = [line for line in language_model.calls.all() if line["event"] == "ask"]
    chars = sum(line["prompt_chars"] for line in lines)
    for name, unit, value, old in (
        ("calls", "calls", len(lines), 37.0),
        ("chars", "chars", chars, 844_000.0),
    ):
        yield Figure(
            name=f"asked.{name}",
            what=f"{unit} of the language model for the town library's draft (2 contexts)",
            unit=unit,
            samples=[value],
            baseline=Baseline(name="the old worker, same draft", fixed=old),
            limits={"ratio": 0.6},
            noise=0,
        )


def _system(stand: Stand, **latency: Any) -> tuple[Rtdb, LanguageModel]:
    """Everything up, at rest."""
    rtdb, language_model = stand.rtdb(), stand.language_model(**latency)
    stand.poller(rtdb, stand.executor(language_model))
    return rtdb, language_model
