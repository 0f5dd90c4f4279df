"""`python -m poller.rtdb.emulator`: an embedded Realtime Database until SIGTERM or Ctrl-C.

One port for REST and event streams (/PATH.json) and for Firebase's SDKs (/.ws, /.lp). Tokens are believed, not verified:
"Bearer owner" may everything, a mock user token is that user. docs/embedded-database.md says what is like the real one.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import structlog

from devkit.rtdb.log import LogUnusable
from devkit.rtdb.rules import RulesRejected, read_rules
from devkit.rtdb.server import Emulator


def main() -> int:
    options = _options()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        return asyncio.run(_run(options))
    except (LogUnusable, RulesRejected, OSError) as error:
        print(f"embedded RTDB cannot start: {error}", file=sys.stderr)
        return 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m poller.rtdb.emulator",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine only)"
    )
    parser.add_argument("--port", type=int, default=9000, help="0 picks a free one (default: 9000)")
    parser.add_argument("--data", type=Path, metavar="FILE", help="keep the data in this file")
    parser.add_argument(
        "--rules",
        type=Path,
        metavar="FILE",
        help="security rules of every namespace that gets none by PUT to /.settings/rules.json (default: all may everything)",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="write one JSON line per committed write")
    parser.add_argument(
        "--faults",
        action="store_true",
        help="allow fault injection under /.emulator/ (delays, frost, cuts, errors)",
    )
    parser.add_argument(
        "--keep-alive", type=float, default=30.0, metavar="SECONDS", help="of event streams (30)"
    )
    return parser.parse_args()


async def _run(options: argparse.Namespace) -> int:
    emulator = Emulator(
        host=options.host,
        port=options.port,
        data=options.data,
        audit=options.log,
        rules=read_rules(options.rules.read_bytes()) if options.rules else None,
        faults=options.faults,
        keep_alive=options.keep_alive,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, emulator.stop)
    print(f"embedded RTDB listening on {emulator.address}", flush=True)
    await emulator.serve()
    return 0
