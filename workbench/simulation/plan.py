"""What happens in one seed: five jobs and more, what their users do, and three faults and more, at times of the seed's choice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import itemgetter

from workbench.simulation.cast import EXECUTORS, LEASE_SECONDS, POLLERS, Stage, job_id
from workbench.simulation.rules import NAMESPACE

CALM_SECONDS = 8.0
"""Before the first fault: more jobs at once than there are slots must not disturb one another."""

RUSH_SECONDS = 30.0
RUSH = 7
"""A poller that is alone gets so many jobs at once, and as long as they take without a fault."""

STRIKES = 3
STRIKES_SECONDS = 37.0
"""So many at least, in so long."""

UPGRADES = 8
"""Of so many seeds one has no fault but drains: in those, nothing that is asked may be wasted."""

LATE_WORDS = 0.2
"""Share of deletions that are followed by a write of somebody whom no lease binds."""

HEALED_AT = 100.0
"""From here on every network is whole and every process up."""


class Plan:
    """Puts everything that will happen on the world's clock."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.world = stage, stage.world
        self.chance = stage.world.chance
        self.last = 0.0
        """Until when something will happen that a seed without an open job waits for."""
        self.alone = stage.rules.alone = self.chance.random() < 0.3
        self.upgrade = stage.rules.upgrade = stage.world.seed % UPGRADES == 0
        self.calm = 1.0 if self.upgrade else RUSH_SECONDS if self.alone else CALM_SECONDS
        many = RUSH if self.alone else 5 + int(self.chance.random() * 4)
        self.jobs = [job_id(number, self.world.seed) for number in range(1, many + 1)]

    def make(self) -> None:
        self.stage.rules.on_deleted = self._removed
        self.world.far = self.chance.choice([1.0, 60.0] if self.alone else [1.0, 1.0, 20.0])
        for name in (*EXECUTORS, *POLLERS[: 1 if self.alone else 2]):
            self.stage.start(name)
        for job in self.jobs:
            at = 0.5 if self.alone else self.chance.choice([0.5, 0.5, self.chance.uniform(0.5, 30)])
            self._at(at, f"submits {job[:4]}", partial(self.stage.submit, job))
            if self.chance.random() < 0.25:
                self._user(job, at)
            for _ in range(int(self.chance.random() * 3)):
                poller, when = self.chance.choice(POLLERS), at + self.chance.uniform(0.2, 20)
                self._at(when, "", partial(self.stage.view, poller, job))
        kinds = [self.chance.choice(self._kinds()) for _ in range(3)]
        if self.upgrade:
            kinds = [self._drain, self._drain_all]
        strikes = [
            (self.calm + STRIKES_SECONDS * self.chance.random(), self.chance.choice(kinds))
            for _ in range(STRIKES + int(self.chance.random() * 5))
        ]
        for number, (at, strike) in enumerate(sorted(strikes, key=itemgetter(0)), start=1):
            self._at(at, "", strike, awaited=number <= STRIKES)
        self._at(self.calm, "", self._unrest)
        self._at(HEALED_AT, "all is healed", self._heal, awaited=False)

    def _unrest(self) -> None:
        self.world.unrest = 0.0 if self.upgrade else self.chance.choice([0.0, 0.0, 0.005, 0.02])
        self.stage.language_model.unwilling = self.chance.choice([0.0, 0.02, 0.1])
        self.stage.language_model.odd = self.chance.choice([0.0, 0.05])
        self.stage.language_model.slow = self.chance.choice([3.0] if self.upgrade else [0.3, 1.0, 3.0])

    def _heal(self) -> None:
        self.world.unrest = 0.0
        self.stage.language_model.unwilling = self.stage.language_model.odd = 0.0
        self.stage.language_model.away = 0.0
        for troubles in (
            self.world.cuts,
            self.world.deaf,
            self.world.bad,
            self.world.halves,
            self.world.ambushes,
            self.world.darkness,
        ):
            troubles.clear()
        self.stage.server.refuses = False

    def _at(self, seconds: float, says: str, act: Callable[[], None], *, awaited: bool = True) -> None:
        """`awaited`: the seed does not end before, whatever has become of its jobs."""
        if awaited:
            self.last = max(self.last, seconds)

        def acting() -> None:
            if says:
                self.world.say(says)
            act()

        self.world.later(max(0.0, seconds - self.world.now), acting)

    def _removed(self, job: str) -> None:
        """What an old worker had still to say of a job arrives when a poller has just deleted it."""
        if self.chance.random() < LATE_WORDS:
            line = {"state/outputs/logs/0": {"message": "[ROOT_GRAPH] generation started"}}
            self.world.later(0.0, self.stage.server.patch, "old worker", f"jobs/{NAMESPACE}/{job}", line)

    # ── users ────────────────────────────────────────────────────────────────────────────────────────────────

    def _user(self, job: str, at: float) -> None:
        when, poller, record = (
            at + self.chance.uniform(0.1, 20),
            self.chance.choice(POLLERS),
            self.stage.rules.jobs[job],
        )
        kind = self.chance.choice(["remove", "cancel", "cancel and retry"])
        if kind == "remove":
            self._at(when, f"wants {job[:4]} removed", partial(self.stage.remove, job))
            return

        def cancel() -> None:
            record.cancelled = True
            self.stage.as_operator(
                poller, lambda jobs: jobs.cancel(job, by="somebody"), says=f"cancels {job[:4]}"
            )

        def retry() -> None:
            record.tried_again = True
            self.stage.as_operator(poller, lambda jobs: jobs.retry(job), says=f"retries {job[:4]}")

        self._at(when, "", cancel)
        if kind == "cancel and retry":
            self._at(when + self.chance.uniform(1, 40), "", retry)

    # ── faults ───────────────────────────────────────────────────────────────────────────────────────────────

    def _kinds(self) -> tuple[Callable[[], None], ...]:
        """A seed has three of them: what needs two faults of a kind is found sooner than with all in each."""
        return (
            self._kill_poller,
            self._kill_poller,
            self._kill_executor,
            self._kill_executor,
            self._lose_machine,
            self._freeze,
            self._freeze,
            self._freeze_at_a_write,
            self._deafen,
            self._deafen,
            self._claim_in_the_dark,
            self._cut_from_database,
            self._cut_from_database,
            self._bad_network,
            self._bad_network,
            self._half_cut,
            self._half_cut,
            self._silence_language_model,
            self._silence_language_model,
            self._cut_from_executor,
            self._database_away,
            self._cut_streams,
            self._silent_streams,
            self._drain,
        )

    def _poller(self) -> str:
        return self.chance.choice([name for name in POLLERS if name in self.stage.processes])

    def _kill_poller(self) -> None:
        self._kill(self._poller())

    def _kill_executor(self) -> None:
        self._kill(self.chance.choice(EXECUTORS))

    def _lose_machine(self) -> None:
        """Behind a proxy that answers for it. What an executor does then is gRPC's to end."""
        self._kill(self.chance.choice(EXECUTORS), silently=True)

    def _kill(self, name: str, *, silently: bool = False) -> None:
        if not self.stage.processes[name].alive:
            return
        self.world.fault("its machine is gone" if silently else "killed", of=name)
        self.stage.kill(name, silently=silently)
        again = self.chance.choice([0.5, 2.0, self.chance.uniform(1, 60)])
        self.world.later(again, self._start, name)

    def _start(self, name: str) -> None:
        if not self.stage.processes[name].alive:
            self.stage.start(name)

    def _freeze(self) -> None:
        name = self.chance.choice([*EXECUTORS, *(name for name in POLLERS if name in self.stage.processes)])
        process = self.stage.processes[name]
        if process.alive and not process.frozen:
            seconds = self.chance.choice([3.0, 12.0, 25.0, 50.0])
            self.world.fault(f"frozen for {seconds:g} s", of=name)
            self.world.freeze(process, seconds)

    def _freeze_at_a_write(self) -> None:
        """Between the last look at the fence and the network: the worst moment there is."""
        name = self._poller()
        self.world.ambushes[name] = self.chance.choice([12.0, 25.0, 50.0])

    def _deafen(self) -> None:
        """It hears nothing of the database any more, but is heard."""
        self.stage.server.darken(self._poller(), self.chance.uniform(10, 60))

    def _bad_network(self) -> None:
        name, seconds = self._poller(), self.chance.uniform(5, 60)
        self.world.fault(f"has a bad network for {seconds:.0f} s", of=name)
        self.world.bad[name] = self.world.now + seconds

    def _claim_in_the_dark(self) -> None:
        """The database takes a claim, and from there on its poller hears nothing until about the end of the lease."""
        name = self._poller()
        self.world.darkness[name] = LEASE_SECONDS + self.chance.uniform(-3, 1)
        for _ in range(2):
            job = job_id(len(self.jobs) + 1, self.world.seed)
            self.jobs.append(job)
            self.world.say(f"submits {job[:4]}")
            self.stage.submit(job)

    def _cut_from_database(self) -> None:
        name, seconds = self._poller(), self.chance.choice([2.0, 8.0, 25.0, 45.0])
        self.world.fault(f"cut from the database for {seconds:g} s", of=name)
        self.world.cut(name, "rtdb", seconds)

    def _half_cut(self) -> None:
        """Of its connections to the database some are dead and the others slow: what renews is lost, what writes comes late."""
        name, seconds = self._poller(), self.chance.uniform(LEASE_SECONDS - 10, LEASE_SECONDS + 20)
        self.world.fault(f"half cut from the database for {seconds:.0f} s", of=name)
        self.world.halves[name] = self.world.now + seconds

    def _silence_language_model(self) -> None:
        seconds = self.chance.choice([10.0, 30.0, 60.0])
        self.world.fault(f"gives no answer for {seconds:g} s", of="model")
        self.stage.language_model.away = self.world.now + seconds

    def _cut_from_executor(self) -> None:
        name, other = self._poller(), self.chance.choice(EXECUTORS)
        seconds = self.chance.choice([2.0, 8.0, 20.0])
        self.world.fault(f"cut from {other} for {seconds:g} s", of=name)
        self.world.cut(name, other, seconds)

    def _database_away(self) -> None:
        seconds = self.chance.choice([2.0, 10.0, 40.0])
        self.world.fault(f"away for {seconds:g} s", of="rtdb")
        self.stage.server.refuses = True
        self.stage.server.cut_streams()
        self.world.later(seconds, self._database_back)

    def _database_back(self) -> None:
        self.stage.server.refuses = False
        self.world.say("back", who="rtdb")

    def _cut_streams(self) -> None:
        self.world.fault("cuts all streams", of="rtdb")
        self.stage.server.cut_streams()

    def _silent_streams(self) -> None:
        self.world.fault("its streams fall silent", of="rtdb")
        for stream in self.stage.server.streams:
            stream.silent = True

    def _drain_all(self) -> None:
        """An upgrade of everything: most are told at once, some later."""
        for name in [name for name in (*EXECUTORS, *POLLERS) if name in self.stage.processes]:
            self.world.later(self.chance.choice([0.0, 0.0, self.chance.uniform(0, 20)]), self._drain, name)

    def _drain(self, name: str = "") -> None:
        name = name or self.chance.choice([*EXECUTORS, self._poller()])
        process = self.stage.processes[name]
        if not process.alive or process.frozen:
            return
        self.world.fault("drains", of=name)
        (self.stage.drain_executor if name in EXECUTORS else self.stage.drain_poller)(name)
