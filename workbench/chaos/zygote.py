"""Starts executors and pollers in a tenth of a second: a process that has imported both and forks. `python -m workbench.chaos.zygote SOCKET`.

One JSON line in (`program`, `log`, `settings`), the new process's number out. What it forks are processes like any
other, to be killed like any other; the pollers among them count their frames (see `frames`).
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import langchain_openai  # noqa: F401  (which the executor imports when it knows its language model)
import openai.resources.chat  # noqa: F401  (which that imports at its first question)

import executor.__main__
import poller.__main__
from workbench.chaos import frames


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    children: list[int] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen()
        print("zygote ready", flush=True)
        connection, _ = listener.accept()
        try:
            with connection, connection.makefile("rw", encoding="utf-8") as lines:
                for line in lines:
                    children.append(_forked(json.loads(line), (listener, connection)))
                    lines.write(f"{children[-1]}\n")
                    lines.flush()
        finally:
            for child in children:
                kill(child)


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _forked(wanted: dict[str, Any], sockets: tuple[socket.socket, ...]) -> int:
    pid = os.fork()
    if pid == 0:
        for one in sockets:
            os.close(one.fileno())
        code = 1
        try:
            code = _become(wanted)
        finally:
            os._exit(code)
    return pid


def _become(wanted: dict[str, Any]) -> int:
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.register(signal.SIGUSR2, all_threads=True)  # where it stands, should it ever stand still
    os.environ.update(wanted["settings"])
    if wanted["program"] == "executor":
        return executor.__main__.main()
    frames.count(Path(wanted["frames"]))
    return poller.__main__.main()


if __name__ == "__main__":
    main()
