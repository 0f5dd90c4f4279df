"""The language model of `make bench ONLY=strong`: answers that were written by hand, each after a fixed time and a time for every character.

What has no recorded answer is refused, logged as `unanswered` with the whole question, and printed. A question asked again for
the sake of its form is answered at once: repairs are counted on neither side.
"""

from __future__ import annotations

import argparse
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from workbench.openai_server import Ask, Behaviour, Fault, OpenAIServer, dumps
from workbench.strong.recorded import Recordings, Unknown, read, said, text_of, unit_of

FIXED_SECONDS, SECONDS_PER_CHARACTER = 0.6, 0.003


@dataclass(slots=True, kw_only=True)
class Replayed(Behaviour):
    """As long as an answer is, so long it takes."""

    recordings: Recordings

    def latency(self, ask: Ask) -> float:
        answer = self.script(ask)
        if is_repair(ask) or not isinstance(answer, str):
            return 0.0
        return FIXED_SECONDS + SECONDS_PER_CHARACTER * len(answer)


def is_repair(ask: Ask) -> bool:
    return len(ask.messages) > 2


class ReplayServer(OpenAIServer):
    def _write(self, event: str, ask: Ask, **more: Any) -> None:
        if event == "ask":
            user = said(ask.messages)
            form = ask.body["response_format"]["json_schema"]["schema"]
            more |= {"text": text_of(user), "unit": unit_of(user), "schema_chars": len(dumps(form))}
            answer = self.behaviour.script(ask)
            more |= {"answer_chars": len(answer)} if isinstance(answer, str) else {"question": user}
        super()._write(event, ask, **more)


def script(recordings: Recordings) -> Any:
    def answer(ask: Ask) -> str | Fault:
        try:
            return recordings.to(ask.body).answer
        except Unknown as question:
            print(f"nobody has answered {question}", file=sys.stderr, flush=True)
            return Fault(kind="400")

    return answer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workbench.strong.replay", description=__doc__)
    parser.add_argument("--recorded", type=Path, required=True, help="folder of one build")
    parser.add_argument("--log", required=True)
    options = parser.parse_args()
    recordings = read(options.recorded)
    behaviour = Replayed(script=script(recordings), recordings=recordings, log=options.log)
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    config = uvicorn.Config(
        ReplayServer(behaviour).application(), log_level="critical", lifespan="off", ws="none"
    )
    print(f"language model ready port={listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
