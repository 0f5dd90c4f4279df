"""Carries out the plan's faults on the system, each at its time, and undoes them at theirs."""

from __future__ import annotations

import contextlib
import heapq
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import httpx

from workbench.chaos.plan import Fault, Plan
from workbench.chaos.system import Process, System
from workbench.chaos.users import History

Action = Callable[[], None]
_GRACE, _LOOK = 24.0, 0.25
_BETWEEN_SIGNALS, _AT_ONCE = 0.1, 5.0


@dataclass
class Director:
    system: System
    history: History
    _agenda: list[tuple[float, int, Action]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _busy: set[str] = field(default_factory=set)

    def perform(self, plan: Plan) -> None:
        """Returns when the last fault is undone: everything runs again."""
        self._began = time.monotonic()
        for fault in plan.faults:
            self._at(fault.at, lambda fault=fault: self._strike(fault))  # type: ignore[misc]
        while self._agenda:
            at, _, action = heapq.heappop(self._agenda)
            time.sleep(max(0.0, at - self._now()))
            with contextlib.suppress(httpx.HTTPError):  # the database was busy with another fault
                action()

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _at(self, at: float, action: Action) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), action))

    def _strike(self, fault: Fault) -> None:
        verb, _, what = fault.kind.partition(" ")
        if verb == "rtdb":
            self._strike_database(fault, what)
            return
        kinds = ["executor", "poller"] if what == "both" else [what]
        victims = [process for kind in kinds for process in self._victims(kind, fault)]
        if victims:
            actions = {
                "kill": self._kill,
                "lose": self._kill,
                "stop": self._stop,
                "drain": self._drain,
                "hurry": self._hurry,
                "deafen": self._deafen,
            }
            actions[verb](fault, victims)

    def _victims(self, kind: str, fault: Fault) -> list[Process]:
        """One that no other fault has in its hands."""
        free = [process for process in self.system.of_kind(kind) if process.name not in self._busy]
        return [free[fault.target % len(free)]] if free else []

    # ── processes ────────────────────────────────────────────────────────────────────────────────────────────

    def _kill(self, fault: Fault, victims: list[Process]) -> None:
        self._note(fault, victims)
        for process in victims:
            self.system.kill(process)
        self._later(fault.seconds, victims, self.system.start)

    def _drain(self, fault: Fault, victims: list[Process]) -> None:
        self._note(fault, victims)
        for process in victims:
            assert process.program is not None
            process.program.signal(signal.SIGTERM)
        self._later(fault.seconds, victims, self._replace)

    def _hurry(self, fault: Fault, victims: list[Process]) -> None:
        """The second signal ends it at once."""
        self._drain(fault, victims)
        time.sleep(_BETWEEN_SIGNALS)
        for process in victims:
            assert process.program is not None
            process.program.signal(signal.SIGTERM)
            second = time.monotonic()
            process.program.wait()
            if time.monotonic() - second > _AT_ONCE:
                self.history.write("too slow", target=process.name)
            self.system.kill(process)

    def _replace(self, process: Process, waited: float = 0.0) -> None:
        """A clean stop takes its time, up to the grace it was promised."""
        if self.system.ended(process):
            self.system.start(process)
        elif waited >= _GRACE:
            self.history.write("too slow", target=process.name)
            self.system.kill(process)
            self.system.start(process)
        else:
            self._later(_LOOK, [process], lambda one: self._replace(one, waited + _LOOK))

    def _stop(self, fault: Fault, victims: list[Process]) -> None:
        for process in victims:
            assert process.program is not None
            process.program.signal(signal.SIGSTOP)
        self._note(fault, victims)
        self._later(fault.seconds, victims, _wake)

    def _later(self, seconds: float, victims: list[Process], action: Callable[[Process], None]) -> None:
        def undo() -> None:
            for process in victims:
                self._busy.discard(process.name)
                action(process)

        self._busy |= {process.name for process in victims}
        self._at(self._now() + seconds, undo)

    def _deafen(self, fault: Fault, victims: list[Process]) -> None:
        if "rtdb" in self._busy:
            return
        (poller,) = victims
        self._note(fault, victims)

        def undo(_: Process) -> None:
            self.system.rtdb_faults(frozen=False, method="", agent="")
            self.system.deaf.discard(poller.name)

        self.system.deaf.add(poller.name)
        self.system.rtdb_faults(frozen=True, method="GET", agent=f"({poller.name})")
        self._later(fault.seconds, [self.system.rtdb], undo)

    # ── the database ─────────────────────────────────────────────────────────────────────────────────────────

    def _strike_database(self, fault: Fault, what: str) -> None:
        if "rtdb" in self._busy:
            return
        system = self.system
        strikes: dict[str, Action] = {
            "drops replies": lambda: system.rtdb_faults(drop_replies=fault.count),
            "503": lambda: system.rtdb_faults(errors=fault.count, error_status=503),
            "412": lambda: system.rtdb_faults(conflicts=fault.count),
            "cuts streams": lambda: system.end_streams("cut"),
            "revokes streams": lambda: system.end_streams("revoke"),
            "frozen": lambda: self._for_a_while(fault, frozen=True),
            "slow": lambda: self._for_a_while(fault, delay_ms=fault.count),
        }
        if what == "killed":
            self._kill(fault, [system.rtdb])
            return
        self._note(fault, [system.rtdb])
        strikes[what]()

    def _for_a_while(self, fault: Fault, **settings: bool | int) -> None:
        def undo(_: Process) -> None:
            self.system.rtdb_faults(**{name: type(value)() for name, value in settings.items()})

        self.system.rtdb_faults(**settings)
        self._later(fault.seconds, [self.system.rtdb], undo)

    def _note(self, fault: Fault, victims: list[Process]) -> None:
        names = [process.name for process in victims]
        lives = [process.life for process in victims]
        self.history.write("fault", kind=fault.kind, targets=names, lives=lives, seconds=fault.seconds)


def _wake(process: Process) -> None:
    assert process.program is not None
    process.program.signal(signal.SIGCONT)
