"""Reads a program's metrics as Prometheus does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

PREFIX = "eventstorming_"


@dataclass(frozen=True, slots=True)
class Scrape:
    """One reading: every sample by name without our prefix, and labels."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    @classmethod
    def of(cls, port: int) -> Scrape:
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10, trust_env=False)
        assert answer.status_code == 200
        return cls.read(answer.text)

    @classmethod
    def read(cls, text: str) -> Scrape:
        return cls(
            {
                (sample.name.removeprefix(PREFIX), frozenset(sample.labels.items())): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
        )

    @classmethod
    def counted(cls, registry: CollectorRegistry) -> Scrape:
        """What a registry in this process would show."""
        return cls.read(generate_latest(registry).decode())

    def sum(self, metric: str, **labels: str) -> float:
        """Over all series with these labels; fails when there is none."""
        wanted = set(labels.items())
        found = [value for (name, given), value in self.samples.items() if name == metric and wanted <= given]
        assert found, f"no {metric} {labels}"
        return sum(found)

    def labels(self, name: str) -> set[str]:
        """Every value that a label takes in any series."""
        return {value for _, labels in self.samples for key, value in labels if key == name}


def until(port: int, true: Callable[[Scrape], bool], *, seconds: float = 60) -> Scrape:
    """Scrapes until it is so."""
    deadline = time.monotonic() + seconds
    while not true(scrape := Scrape.of(port)):
        assert time.monotonic() < deadline, scrape.samples
        time.sleep(0.02)
    return scrape
