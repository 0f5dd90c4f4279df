"""A network that is cut and whole again later, in a namespace of its own: what was given up meanwhile, or its sender sleeps, never comes."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from poller.rtdb.http import UNTAKEN_SECONDS, Http

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).parents[3]


def possible() -> bool:
    if not shutil.which("ip") or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not possible(), reason="needs root, ip and unshare")
@pytest.mark.parametrize("sender", ["gives up", "sleeps", "is killed"])
def test_a_write_into_a_cut_network_never_comes(sender: str) -> None:
    command = ["unshare", "-n", sys.executable, __file__, sender]
    told = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.stdout.split() == ["b'first'"], told.stderr


# ── inside the namespace ─────────────────────────────────────────────────────────────────────────────────────────


async def main(sender: str) -> None:
    """Prints the bodies that arrive. The sender is a process of its own."""
    network("up")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.partition(b"Content-Length: ")[2].split()[0])
            print(await reader.readexactly(length), flush=True)
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        "sends",
        str(server.sockets[0].getsockname()[1]),
        env={**os.environ, "PATIENCE": "0.5" if sender == "gives up" else "60"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    await child.stdout.readline()
    network("down")
    child.stdin.write(b"now\n")
    await child.stdout.readline()
    await asyncio.sleep(0.5)
    if sender != "gives up":
        child.send_signal(signal.SIGSTOP if sender == "sleeps" else signal.SIGKILL)
    await asyncio.sleep(UNTAKEN_SECONDS + 1)
    network("up")
    await asyncio.sleep(4)
    if child.returncode is None:
        child.kill()


async def send(port: str) -> None:
    http, url = Http(agent="a test"), f"http://127.0.0.1:{port}/a.json"
    await http.send("PUT", url, content=b"first", headers={})
    print("first", flush=True)
    sys.stdin.readline()
    print("second", flush=True)
    try:
        async with asyncio.timeout(float(os.environ["PATIENCE"])):
            await http.send("PUT", url, content=b"second", headers={})
    except (TimeoutError, OSError):
        await asyncio.sleep(60)


def network(state: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


if __name__ == "__main__":
    asyncio.run(send(sys.argv[2]) if sys.argv[1] == "sends" else main(sys.argv[1]))
