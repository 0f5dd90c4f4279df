"""The baseline: the same graph with the same language model in one process, by plain `graph.ainvoke`, nothing stored.

`python -m workbench.bench.bare INPUTS URL` reads `state/inputs`, one a line, from a file or a pipe, and prints per line the seconds
it took and the processor seconds it used, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from executor.graph.build import graph
from executor.graph.state import RunContext
from executor.llm import providers
from executor.llm.language_models import ProcessLanguageModels
from executor.metrics import Metrics
from executor.ports import Allowance, OwnLink
from executor.wire import graph_input
from poller.msaez.inputs import understand


async def _once(models: ProcessLanguageModels, inputs: Any) -> dict[str, float]:
    job = graph_input(understand(inputs, job_id=str(uuid.uuid4())).input)
    began, used = time.perf_counter(), time.process_time()
    allowance = Allowance(step_seconds=300)
    async with models.chat(job_id="bare", link=OwnLink(), recalled=(), allowance=allowance) as chat:
        state = await graph().ainvoke({"input": job, "parts": []}, context=RunContext(chat=chat))
    if state.get("model") is None:
        raise RuntimeError("the graph gave no model")
    return {"wall": time.perf_counter() - began, "cpu": time.process_time() - used}


async def _all(path: Path, url: str) -> None:
    asked = providers.openai("openai:local", "local", api_key="bare", base_url=url, timeout=120)
    models = ProcessLanguageModels(asked, asked, concurrency=64, timeout=120, metrics=Metrics())
    with path.open(encoding="utf-8") as lines:
        for line in lines:  # nothing else runs in this loop that a pipe could hold up
            print(json.dumps(await _once(models, json.loads(line))), flush=True)


def main() -> None:
    asyncio.run(_all(Path(sys.argv[1]), sys.argv[2]))


if __name__ == "__main__":
    main()
