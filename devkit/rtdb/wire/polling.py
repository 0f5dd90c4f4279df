"""Long polling: how a browser begins whose last WebSocket failed. Answers are scripts that run in a hidden frame."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
import secrets
from collections.abc import Callable, Mapping

from devkit.rtdb.backlog import Backlog
from devkit.rtdb.request import Refused, Request
from devkit.rtdb.wire.frames import MAX_MESSAGE_CHARACTERS, Malformed
from devkit.rtdb.wire.session import Session, Sessions, control

POLL_TARGET = ".lp"
HOLD_SECONDS = 25.0
GONE_SECONDS = 45.0
"""A browser that has not asked for this long has left."""
MAX_PIECES = 10_000
_SCRIPT = "application/javascript"
_START = """\
function pLPCommand(c, a, b) {{ var f = parent.window["pLPCommand{id}"]; f && f(c, a, b); }}
function pRTLPCB(n, data) {{ var f = parent.window["pRTLPCB{id}"]; f && f(n, data); }}
"""
_LEAVING = """\
<html><body><script>
addEventListener("pagehide", function () {{ navigator.sendBeacon({there}); }});
</script></body></html>
"""


class Polling:
    """`answer` gives the content type and the text for one request to `/.lp`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._polls: dict[str, _Poll] = {}

    async def answer(self, request: Request) -> tuple[str, str]:
        if "start" in request.params:
            return _SCRIPT, self._start(request)
        poll = self._polls.get(request.params.get("id", ""))
        if poll is None or not secrets.compare_digest(poll.password, request.params.get("pw", "")):
            return _SCRIPT, "pLPCommand('close');"
        if "dframe" in request.params:
            there = f"/.lp?disconn=t&id={poll.session.id}&pw={poll.password}"
            return "text/html", _LEAVING.format(there=json.dumps(there))
        if "disconn" in request.params:
            self._leave(poll)
            return _SCRIPT, ""
        return _SCRIPT, await self._polled(poll, request.params)

    def _start(self, request: Request) -> str:
        callback = request.params.get("cb", "")
        if not re.fullmatch(r"[0-9A-Za-z]+", callback):
            raise Refused(400, "cb names a callback.")
        session = self._sessions.open(request, lambda: asyncio.get_running_loop().call_soon(gone))
        poll = _Poll(session)

        def gone() -> None:
            self._leave(poll)

        self._polls[session.id] = poll
        poll.expect(self._leave)
        session.greet(request.headers.get("host", ""))
        start = f"pLPCommand('start', {json.dumps(session.id)}, {json.dumps(poll.password)});\n"
        return _START.format(id=callback) + start + poll.script()

    async def _polled(self, poll: _Poll, params: Mapping[str, str]) -> str:
        poll.expect(None)
        try:
            await poll.take(params)
            return await poll.hold()
        except Malformed as error:
            poll.out.add(control("e", str(error)))
            poll.out.close()
            return poll.script()
        finally:
            poll.expect(self._leave)

    def _leave(self, poll: _Poll) -> None:
        """The session goes with it, unless it has a WebSocket by now."""
        poll.expect(None)
        self._polls.pop(poll.session.id, None)
        poll.out.close()
        if poll.session.out is poll.out:
            self._sessions.close(poll.session)


class _Poll:
    """The state of one browser's polls: pieces on the way in, messages on the way out, the request that is held."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.out: Backlog = session.out
        self.password = secrets.token_urlsafe(24)
        self._answers = 0
        self._held = asyncio.Event()
        self._next_piece = 0
        self._pieces: dict[int, tuple[int, str]] = {}
        self._taking = asyncio.Lock()
        self._expiry: asyncio.TimerHandle | None = None

    def expect(self, leave: Callable[[_Poll], None] | None) -> None:
        """From now on it has 45 seconds to ask again; None: it is asking."""
        if self._expiry is not None:
            self._expiry.cancel()
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(GONE_SECONDS, leave, self) if leave is not None else None

    async def take(self, params: Mapping[str, str]) -> None:
        """Pieces may come in any order over two requests; messages are handled in theirs."""
        for number in range(len(params)):
            if f"seg{number}" not in params:
                break
            self._pieces[_number(params, f"seg{number}")] = (
                _number(params, f"ts{number}"),
                params.get(f"d{number}", ""),
            )
        size = sum(len(data) for _, data in self._pieces.values())
        if size > MAX_MESSAGE_CHARACTERS or len(self._pieces) > MAX_PIECES:
            raise Malformed(
                f"A message has at most {MAX_MESSAGE_CHARACTERS} characters in {MAX_PIECES} pieces."
            )
        async with self._taking:
            while (message := self._message()) is not None:
                await self.session.received(message)

    def _message(self) -> str | None:
        """The next message, if all its pieces are here."""
        count, _ = self._pieces.get(self._next_piece, (0, ""))
        numbers = range(self._next_piece, self._next_piece + count)
        if count < 1 or not all(number in self._pieces for number in numbers):
            return None
        self._next_piece += count
        return _decoded("".join(self._pieces.pop(number)[1] for number in numbers))

    async def hold(self) -> str:
        """Answered when there is something to say, at once when the browser asks again, after 25 s in any case."""
        mine = asyncio.Event()
        self._held.set()
        self._held = mine
        self.out.stir()
        deadline = asyncio.get_running_loop().time() + HOLD_SECONDS
        while self.out.is_empty and not self.out.ended and not mine.is_set():
            if not await self.out.stirred(deadline - asyncio.get_running_loop().time()):
                break
        await self.session.thawed()
        return self.script()

    def script(self) -> str:
        messages = self.out.take_all()
        if not messages and self.out.ended:
            return f"pLPCommand('close', {self._answers - 1});"
        number, self._answers = self._answers, self._answers + 1
        self.session.shared.stats.session_bytes_out += sum(map(len, messages))
        return f"pRTLPCB({number}, [{','.join(message.decode() for message in messages)}]);"


def _number(params: Mapping[str, str], name: str) -> int:
    text = params.get(name, "")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Malformed(f"{name} is a number.")
    return int(text)


def _decoded(text: str) -> str:
    try:
        padded = text.rstrip(".=") + "=" * (-len(text.rstrip(".=")) % 4)
        return base64.urlsafe_b64decode(padded).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Malformed("A message is Base64 of UTF-8.") from error
