#!/usr/bin/env bash
# langgraph 1.2.22: when one branch raises, an `await` in another branch's clean-up is broken off.
# Expected: a sibling that is cancelled may finish its `finally`, as in an asyncio.TaskGroup (one cancellation, then it is waited for).
# Seen: a sibling in a subgraph is cancelled once more while it cleans up: the first await in its `finally` raises CancelledError,
#   what comes after it never runs. So nothing that must happen (closing a paid call, releasing a slot) may follow an await there.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check langgraph==1.2.22
cat > "$folder/seen.py" <<'PY'
import asyncio
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

done = []


class State(TypedDict):
    unit: int


async def work(state):
    if state["unit"] == 0:
        await asyncio.sleep(0.05)
        raise ValueError("the first unit fails")
    try:
        await asyncio.sleep(30)
    finally:
        done.append("clean-up begun")
        await asyncio.sleep(0.05)
        done.append("clean-up finished")


def graph():
    inner = StateGraph(State)
    inner.add_node("work", work)
    inner.add_edge(START, "work")
    inner.add_edge("work", END)
    outer = StateGraph(State)
    outer.add_node("unit", inner.compile())
    outer.add_conditional_edges(START, lambda _: [Send("unit", {"unit": n}) for n in range(2)], ["unit"])
    return outer.compile()


async def plain():
    async with asyncio.TaskGroup() as group:
        for unit in range(2):
            group.create_task(work({"unit": unit}))


async def run(name, what):
    done.clear()
    try:
        await what
    except Exception:
        pass
    await asyncio.sleep(0.3)
    print(f"{name}: {done}")
    return list(done)


async def main():
    group = await run("asyncio.TaskGroup", plain())
    seen = await run("langgraph", graph().ainvoke({"unit": -1}))
    assert group == ["clean-up begun", "clean-up finished"]
    assert seen == ["clean-up begun"], "changed: " + str(seen)


asyncio.run(main())
PY
"$folder/venv/bin/python" "$folder/seen.py"
echo "as described: langgraph 1.2.22"
