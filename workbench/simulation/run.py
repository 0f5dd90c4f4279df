"""One seed from beginning to end."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import structlog

from poller.msaez import check, esvalue
from workbench.simulation.cast import Stage
from workbench.simulation.generation import drawn
from workbench.simulation.plan import HEALED_AT, Plan
from workbench.simulation.world import World

PATIENCE_SECONDS = 200.0
"""So long after the last fault every job must have ended."""

LATE_SECONDS = 6.0
"""So long after the last job's end, and after the last of the frozen goes on, a late write would still break a promise."""

_past: list[tuple[World, Stage]] = []
"""Worlds that have ended. None is freed, for that costs more than to end the process after some dozens of them, 2 MB each."""

_UNEXPECTED = {"job.trouble", "job.run_raised", "call.broken"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a seed showed. `rule` is empty when every promise was kept; times are simulated seconds."""

    seed: int
    rule: str
    seen: str
    faults: int
    jobs: int
    calls: int
    seconds: float
    hash: int
    hits: Counter[tuple[str, int]] = field(default_factory=Counter)
    timeline: list[tuple[float, str, str]] = field(default_factory=list)


def run_seed(seed: int, *, keep_timeline: bool = False) -> Outcome:
    """Deterministic: the same seed makes the same timeline, whatever the process's hash seed."""
    world = World(seed, keep_timeline=keep_timeline)
    stage = Stage(world)
    _listen(world)
    check.findings = lambda *_, **__: []  # a quarter of a seed's time each, and the same model every time
    esvalue.project = drawn
    asyncio.set_event_loop(world.loop)
    gc.disable()
    try:
        plan = Plan(stage)
        plan.make()
        world.loop.run_until_complete(_until_ended(world, stage, plan.last))
    finally:
        _bury(world, stage)
    broken = world.broken
    return Outcome(
        seed=seed,
        rule=broken.rule if broken else "",
        seen=broken.seen if broken else "",
        faults=world.faults,
        jobs=len(plan.jobs),
        calls=stage.language_model.serial,
        seconds=world.now,
        hash=world.hash,
        hits=world.hits,
        timeline=world.timeline,
    )


async def _until_ended(world: World, stage: Stage, last: float) -> None:
    busy = last
    while world.broken is None and world.now < min(busy + LATE_SECONDS, HEALED_AT + PATIENCE_SECONDS):
        await asyncio.sleep(1.0)
        frozen = any(process.frozen for process in stage.processes.values())
        if frozen or world.now < last or any(stage.rules.unfinished()):
            busy = world.now
    if world.broken is None:
        stage.rules.at_the_end()


def _listen(world: World) -> None:
    """Logs become lines of the timeline; what nobody expected to be logged breaks a promise."""

    def heard(_: Any, level: str, event: MutableMapping[str, Any]) -> NoReturn:
        name = str(event.pop("event", ""))
        error = event.pop("exc_info", None)
        world.say(f"{name} " + " ".join(f"{key}={value}" for key, value in event.items()))
        if name in _UNEXPECTED:
            world.breaks("no unexpected errors", f"{name}: {error!r} {event}")
        raise structlog.DropEvent

    structlog.configure(
        processors=[heard],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )


def _bury(world: World, stage: Stage) -> None:
    """Ends what is left without a word: no seed hears of another."""
    world.loop.ended = True
    for process in [*stage.processes.values(), *world._graveyard]:
        world.loop.kill(process)
    asyncio.set_event_loop(None)
    _past.append((world, stage))
