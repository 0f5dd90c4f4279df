"""The language model of the bench: the audited test server, with latencies that depend on the seed and the question alone.

Asked twice, a question takes as long again, so that two runs of one job wait equally long. `--hold NAME=SECONDS` gives a
schema a latency of its own. The log tells the unit of each question besides: what it is about.
"""

from __future__ import annotations

import argparse
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import log
from typing import Any

import uvicorn

from executor.graph.prompt import read_blocks
from workbench.chaos.language_model import AuditedServer
from workbench.openai_server import Ask, Behaviour, Script, embedded


@dataclass(slots=True, kw_only=True)
class Steady(Behaviour):
    """`holds`: seconds by the name of a schema."""

    holds: Mapping[str, float] = field(default_factory=dict)

    def latency(self, ask: Ask) -> float:
        if ask.schema in self.holds:
            return self.holds[ask.schema]
        return log_normal(self.p50, self.p95, f"{self.seed}/{ask.hash}")


def log_normal(p50: float, p95: float, seed: str) -> float:
    """Seconds; always p50 when both are the same."""
    if not p50:
        return 0.0
    sigma = log(max(p95, p50) / p50) / 1.645
    return random.Random(seed).lognormvariate(log(p50), sigma)


def remembered(script: Script) -> Script:
    """Thinks about each question once: its processor time is not what is measured."""
    known: dict[str, Any] = {}

    def answer(ask: Ask) -> Any:
        if ask.hash not in known:
            known[ask.hash] = script(ask)
        return known[ask.hash]

    return answer


class UnitServer(AuditedServer):
    def _write(self, event: str, ask: Ask, **more: Any) -> None:
        if event == "ask":
            more |= {"unit": unit_of(str(ask.messages[1]["content"])), "seconds": self.behaviour.latency(ask)}
        super()._write(event, ask, **more)


@cache
def unit_of(user: str) -> str:
    """`context/aggregate`, the first of those to be drafted; an aggregate alone where the question names no context."""
    found = read_blocks(user)
    about = [found[name] for name in ("context", "aggregate") if isinstance(found.get(name), dict)]
    drafted = [a for one in about for a in one.get("aggregates", ())[:1]]
    return "/".join(one["name"] for one in (*about, *drafted))


def main() -> None:
    options = _options()
    holds = {name: float(seconds) for name, _, seconds in (hold.partition("=") for hold in options.hold)}
    behaviour = Steady(
        script=remembered(embedded()),
        seed=options.seed,
        p50=options.p50,
        p95=options.p95,
        holds=holds,
        log=options.log,
    )
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    config = uvicorn.Config(
        UnitServer(behaviour).application(), log_level="critical", lifespan="off", ws="none"
    )
    print(f"language model ready port={listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workbench.bench.language_model", description=__doc__)
    parser.add_argument("--log", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--p50", type=float, default=0.0, help="median latency in seconds")
    parser.add_argument("--p95", type=float, default=0.0)
    parser.add_argument("--hold", action="append", default=[], metavar="SCHEMA=SECONDS")
    return parser.parse_args()


if __name__ == "__main__":
    main()
