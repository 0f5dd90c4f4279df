"""From the start of a process to its being ready, on a whole processor and on a third of one; and the images' sizes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

from workbench.bench.confined import NoGroups, share_of
from workbench.bench.figures import Figure
from workbench.bench.measure import Skipped, measure
from workbench.bench.stand import FREE, Running, Stand

_PROGRAMS = {
    "poller": ({"FIREBASE_DATABASE_EMULATOR_HOST": "127.0.0.1:9", "EXECUTOR_TARGET": "127.0.0.1:9"}, 2.0),
    "executor": ({"AI_MODEL": "openai:gpt-4.1-2025-04-14", "OPENAI_API_KEY": "none"}, 4.0),
}


@measure("start", "start to ready on 1 processor and on 0.3")
def start(stand: Stand) -> Iterator[Figure]:
    for processors in (1.0, 0.3) if not stand.quick else (1.0,):
        for name, (settings, budget) in _PROGRAMS.items():
            try:
                taken = [_started(stand, name, processors, settings) for _ in range(stand.many(5, 1) + 1)]
            except NoGroups as reason:
                raise Skipped(str(reason)) from reason
            yield Figure(
                name=f"start.{name}@{processors:g}",
                what=f"start of the {name} to ready, on {processors:g} processors",
                unit="s",
                samples=[wall for wall, _ in taken[1:]],  # the first may compile
                limits={"median": budget} if processors == 1 else {},
                noise=0.2,
            )
            if processors == 1:
                yield Figure(
                    name=f"start.{name}.cpu",
                    what="processor seconds of that: what the start takes where nothing else runs",
                    unit="s",
                    samples=[used for _, used in taken[1:]],
                    limits={"median": budget},
                    noise=0.2,
                )


def _started(stand: Stand, name: str, processors: float, settings: dict[str, str]) -> tuple[float, float]:
    """Seconds and processor seconds until it says that it is ready."""
    with share_of(processors) as group:
        began = time.monotonic()
        program = stand.start(
            f"start-{name}", "workbench.bench.confined", str(group), name, **FREE, **settings
        )
        ports = program.ports()
        taken = time.monotonic() - began, Running(name, program, ports).cpu()
        program.signal(signal.SIGKILL)
        program.wait()
    return taken


@measure("images", "sizes of the two images, where a container tool has them")
def images(stand: Stand) -> Iterator[Figure]:
    tool = next((tool for tool in ("podman", "docker") if shutil.which(tool)), None)
    if tool is None:
        raise Skipped("neither podman nor docker is here")
    listed = subprocess.run([tool, "images", "--format", "json"], capture_output=True, text=True, check=False)
    if listed.returncode:
        raise Skipped(f"{tool} images: {listed.stderr.strip()[:100]}")
    sizes: dict[str, float] = {}
    for image in _images(listed.stdout):
        for name in image.get("Names") or [f"{image.get('Repository')}:{image.get('Tag')}"]:
            for program in _PROGRAMS:
                if f"eventstorming-{program}:" in name:
                    sizes.setdefault(program, float(image["Size"]) / 1e6)
    if not sizes:
        raise Skipped("no image called eventstorming-poller or eventstorming-executor: make build")
    for program, size in sizes.items():
        yield Figure(
            name=f"images.{program}",
            what=f"size of the {program}'s image",
            unit="MB",
            samples=[size],
            noise=0.05,
        )


def _images(text: str) -> list[dict[str, Any]]:
    """One list, or one object a line: the tools differ."""
    if text.startswith("["):
        return json.loads(text)  # type: ignore[no-any-return]
    found = [json.loads(line) for line in text.splitlines()]
    return [image for image in found if isinstance(image.get("Size"), int | float)]
