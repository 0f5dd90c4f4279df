"""A language model outside of the containers, and who was asked twice for what the database had.

The model keeps a log of what it was asked; the journals of the jobs say which answers the database acknowledged, and in which
run (epoch). A question is repeated when two runs of one job each stored an answer to it: a run that knows an answer does not
store it again. A question that was open when a run was stopped has no answer, is asked again, and is counted apart.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.containers.engine import ROOT

Journals = Mapping[str, Mapping[str, Sequence[str]]]
"""Keys by epoch by job."""

READ_JOURNALS = """
import json, urllib.request
def get(path):
    return json.load(urllib.request.urlopen(f"http://127.0.0.1:9000/{path}.json?ns=eventstorming&shallow=true")) or {}
jobs = "jobs/eventstorming_generator"
print(json.dumps({job: {epoch: list(get(f"{jobs}/{job}/run/journal/{epoch}")) for epoch in get(f"{jobs}/{job}/run/journal")}
                  for job in get(jobs)}))
"""
"""To be run beside the embedded database, which listens to nobody else."""


@contextmanager
def language_model(
    host: str,
    log: Path,
    *,
    wrapper: Sequence[str] = (),
    p50: float = 0.4,
    p95: float = 1.2,
    port: int = 0,
    module: str = "workbench.openai_server",
    settings: Mapping[str, str] | None = None,
) -> Iterator[dict[str, str]]:
    """Answers as the embedded one does, but over HTTP and slowly. The value: settings of an executor that asks it.
    `module` and `settings` are the server's own: an older executor asks what only its own tree can answer."""
    command = [*wrapper, sys.executable, "-m", module, f"--host={host}", f"--log={log}"]
    given = [f"--port={port}", f"--p50={p50}", f"--p95={p95}", "--seed=5"]
    environment = {**os.environ, **(settings or {})}
    server = subprocess.Popen(
        [*command, *given], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        ready = re.search(r"port=(\d+)", server.stdout.readline())
        if ready is None:
            raise SystemExit("the language model's server did not start")
        yield {"AI_MODEL": "openai:local", "OPENAI_BASE_URL": f"http://{host}:{ready[1]}/v1"}
    finally:
        server.terminate()
        server.wait()


def events(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []


def until_asked(log: Path, more: int, *, than: int, until: Callable[[bool, str], None]) -> None:
    """Waits until so many more questions have been asked than `than`."""
    end = time.monotonic() + 60
    while len(_asked(log)) < than + more:
        until(time.monotonic() < end, "the jobs ask nothing")
        time.sleep(0.1)


def _asked(log: Path) -> list[str]:
    return [str(it["hash"]) for it in events(log) if it["event"] == "ask"]


def count_asked(log: Path) -> int:
    return len(_asked(log))


def asked_again(log: Path) -> list[str]:
    """Questions that were asked once more after their answer had been sent; no two jobs of the log may have one text."""
    answered, again = set[str](), list[str]()
    for it in events(log):
        if it["event"] == "answer":
            answered.add(it["hash"])
        elif it["event"] == "ask" and it["hash"] in answered:
            again.append(it["hash"])
    return again


def broken_off(log: Path) -> int:
    """Questions whose asker left before the answer."""
    return sum(it["event"] == "gone" for it in events(log))


def unanswered(log: Path, journals: Journals, jobs: Sequence[str]) -> int:
    """Questions that brought the database no answer: open when their run was stopped. `jobs` are all that asked this log."""
    stored = sum(len(keys) for job in jobs for keys in journals[job].values())
    return count_asked(log) - stored


def repeated(journals: Journals) -> list[str]:
    """Questions to which two runs of one job stored an answer."""
    found = []
    for job, epochs in sorted(journals.items()):
        times = Counter(key for keys in epochs.values() for key in set(keys))
        found += [f"{job} {key}" for key, count in sorted(times.items()) if count > 1]
    return found


def continued(journals: Journals) -> int:
    """Jobs that more than one run stored answers of: what the check is about."""
    return sum(len([keys for keys in epochs.values() if keys]) > 1 for epochs in journals.values())
