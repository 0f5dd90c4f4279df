"""The WebSocket transport: a session of its own, or the take-over of one that long polling began."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Send

from devkit.rtdb.backlog import Backlog
from devkit.rtdb.request import Request
from devkit.rtdb.wire.frames import Frames, Malformed
from devkit.rtdb.wire.session import Session, Sessions, Succession, control, parsed

SOCKET_TARGET = ".ws"


async def serve_socket(sessions: Sessions, request: Request, receive: Receive, send: Send) -> None:
    await receive()
    if request.target != SOCKET_TARGET:
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    if "s" in request.params:
        await _take_over(sessions, request, receive, send)
        return
    session = sessions.open(request, lambda: sessions.shared.abort(request.client))
    session.greet(request.headers.get("host", ""))
    try:
        await _both_ways(session, session.out, receive, send)
    finally:
        sessions.close(session)


async def _take_over(sessions: Sessions, request: Request, receive: Receive, send: Send) -> None:
    """The SDK proves this way with pings, then says on both ways that it goes over. Until then data waits here."""
    session = sessions.find(request.params["s"])
    out = Backlog(lambda: sessions.shared.abort(request.client))
    if session is None:
        out.add(control("r", request.headers.get("host", "")))
        out.close()
        await _write(out, None, send)
        return
    session.succession = succession = Succession(out)
    out.add(control("a", {}))
    try:
        await _both_ways(session, out, receive, send, succession.done)
    finally:
        if session.out is out:
            sessions.close(session)


async def _both_ways(
    session: Session, out: Backlog, receive: Receive, send: Send, taken_over: asyncio.Event | None = None
) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_write(out, session, send))
        try:
            await _read(session, out, receive, taken_over)
        except Malformed as error:
            out.add(control("e", str(error)))
        out.close()


async def _read(session: Session, out: Backlog, receive: Receive, taken_over: asyncio.Event | None) -> None:
    frames = Frames()
    while (message := await _message(frames, receive, session.shared.patience)) is not None:
        if session.out is out or taken_over is None:
            await session.received(message)
        elif parsed(message) == {"t": "c", "d": {"t": "p", "d": {}}}:
            out.add(control("o", {}))
        elif parsed(message) != {"t": "c", "d": {"t": "a", "d": {}}}:
            await taken_over.wait()
            await session.received(message)


async def _message(frames: Frames, receive: Receive, patience: float) -> str | None:
    """The next whole one; None when the client has gone. What has begun must go on."""
    while (event := await _event(receive, patience if frames.is_waiting else None)) is not None:
        if event.get("text") is None:
            raise Malformed("A frame is text.")
        if (message := frames.message(event["text"])) is not None:
            return message
    return None


async def _event(receive: Receive, seconds: float | None) -> Message | None:
    try:
        event = await (receive() if seconds is None else asyncio.wait_for(receive(), seconds))
    except TimeoutError as error:
        raise Malformed(f"The rest of a message did not come within {seconds:g} s.") from error
    return None if event["type"] == "websocket.disconnect" else event


async def _write(out: Backlog, session: Session | None, send: Send) -> None:
    try:
        while (message := await out.next(None)) is not None:
            if session is not None:
                await session.thawed()
                session.shared.stats.session_bytes_out += len(message)
            await send({"type": "websocket.send", "text": message.decode()})
        await send({"type": "websocket.close"})
    except (OSError, RuntimeError):
        return
