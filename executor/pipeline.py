"""The graph in the words of the wire: input in, events out. Nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from eventstorming.v1 import executor_pb2 as wire
from eventstorming.v1 import job_pb2

from executor.graph.run import Finished, Progress, RunEvent, Snapshot, generate
from executor.model import Level, Note
from executor.ports import Event, RunChat
from executor.wire import graph_input, model_to_proto

_LEVELS: Final = {
    Level.INFO: job_pb2.LOG_LEVEL_INFO,
    Level.WARNING: job_pb2.LOG_LEVEL_WARNING,
    Level.ERROR: job_pb2.LOG_LEVEL_ERROR,
}


async def run_graph(job: job_pb2.JobInput, chat: RunChat) -> AsyncGenerator[Event, None]:
    """`ports.Pipeline`: closing it ends the graph's run."""
    async with aclosing(generate(graph_input(job), chat)) as events:
        async for event in events:
            yield _to_wire(event)


def _to_wire(event: RunEvent) -> Event:
    match event:
        case Progress():
            return wire.Progress(current=event.current, total=event.total)
        case Note():
            line = job_pb2.LogLine(level=_LEVELS[event.level], message=event.message)
            return wire.Log(line=line, key=event.key)
        case Snapshot():
            return wire.ModelSnapshot(model=model_to_proto(event.model))
        case Finished():
            return wire.Completed(model=model_to_proto(event.model))
