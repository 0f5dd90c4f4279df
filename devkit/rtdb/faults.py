"""Faults on demand: what a network, a proxy or an overloaded database does to its clients. Off unless asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from devkit.rtdb.tree import Json


class UnknownFault(ValueError):
    """No such fault, or not with this value."""


@dataclass(slots=True)
class Settings:
    """What goes wrong at present. Counters run down to 0; everything else stays until it is changed.

    `path`, `method` and `agent`, when set, limit the faults to requests below that path, with that method (or one of
    several: `GET,PUT`), or from a client whose User-Agent contains that text.
    """

    delay_ms: int = 0
    """Every request waits this long before it is looked at."""
    frozen: bool = False
    """Connections stay open, nothing is answered, streams are silent, keep-alives included."""
    errors: int = 0
    """This many requests are answered with `error_status` (-1: all)."""
    error_status: int = 503
    retry_after: int = 0
    """`Retry-After` seconds sent with errors, 0 = none."""
    conflicts: int = 0
    """This many conditional writes are answered 412 although their ETag is right."""
    drop_replies: int = 0
    """This many writes are committed, and the connection closed without an answer."""
    mute_streams: bool = False
    """Streams stay open and are kept alive, but tell nothing of what is committed meanwhile."""
    redirect_to: str = ""
    """`http://host:port`: every request is answered 307 to the same path there."""
    path: str = ""
    method: str = ""
    agent: str = ""


@dataclass(slots=True)
class Faults:
    settings: Settings = field(default_factory=Settings)
    _thawed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._thawed.set()

    def change(self, changes: Mapping[str, Json]) -> None:
        known = asdict(self.settings)
        for name, value in changes.items():
            if name not in known or type(value) is not type(known[name]):
                raise UnknownFault(f"{name}={value!r}: known are {', '.join(known)}.")
        for name, value in changes.items():
            setattr(self.settings, name, value)
        if self.settings.frozen:
            self._thawed.clear()
        else:
            self._thawed.set()

    def reset(self) -> None:
        self.settings = Settings()
        self._thawed.set()

    def concerns(self, method: str, path: str, agent: str) -> bool:
        wanted = self.settings.path.strip("/")
        return (
            (not self.settings.method or method in self.settings.method.split(","))
            and self.settings.agent in agent
            and (not wanted or path == wanted or path.startswith(wanted + "/"))
        )

    async def hold(self) -> None:
        """Wait out delay and frost."""
        if self.settings.delay_ms:
            await asyncio.sleep(self.settings.delay_ms / 1000)
        await self.thawed()

    async def thawed(self) -> None:
        await self._thawed.wait()

    def take(self, counter: str) -> bool:
        """Is this one to go wrong? Counts down."""
        left: int = getattr(self.settings, counter)
        if left > 0:
            setattr(self.settings, counter, left - 1)
        return left != 0

    def state(self) -> Json:
        return asdict(self.settings)
