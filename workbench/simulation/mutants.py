"""The product with one protection off: what the simulation must find. Replaced in this process only; the product has no such switch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eventstorming.v1 import executor_pb2

from executor import link, slots
from executor.llm import chat
from executor.status import Draining
from poller import attempt, dispatcher, executors
from poller import link as poller_link
from poller.errors import LeaseLost
from poller.job import Job
from poller.rtdb import claims, fence, held_lease, removals, run, settlement, watching, writer
from workbench.chaos.mutant import MUTANTS as CHAOS


def _set(owner: Any, name: str, value: Any) -> None:
    setattr(owner, name, value)


def _without_last_look() -> None:
    """A process that slept after the fence had let its write pass sends it all the same."""
    _set(fence.Fence, "still_open", lambda self: None)


def _without_margin() -> None:
    """The fence stays open until the very end of the lease."""
    _set(fence, "MARGIN_SECONDS", 0.0)


def _without_patience() -> None:
    """A job ends, and is deleted, while writes of its run are on their way."""

    async def settled(_: Any) -> None:
        return None

    _set(writer.InFlight, "settled", settled)


def _without_second_look() -> None:
    """A deletion does not look once more whether a late write has come."""

    async def delete(self: Any, job_id: str, created: list[int]) -> None:
        await self._database.patch("", {f"jobs/{self._nodes.namespace}/{job_id}": None})

    _set(removals.Removals, "_delete_node", delete)


def _without_token_in_renewal() -> None:
    """A renewal takes whatever lease it finds for its own."""
    _set(held_lease.HeldLease, "check_token", lambda self, lease: None)


def _without_may_ask() -> None:
    """An executor asks whatever the echo of its beats says, and however old it is."""
    _set(link.Pulse, "_open", lambda self: True)


def _without_end_of_lost_stream() -> None:
    """A poller says that questions may be asked, whatever it knows of its lease."""
    _set(fence.Fence, "may_ask", property(lambda self: True))


def _with_kept_token() -> None:
    """A token of an earlier, unanswered claim is taken for ours without a write, and its margin counts from now."""
    kept: dict[tuple[int, str], str] = {}

    async def claim(self: Any, job: Job) -> Any:
        token = kept.setdefault((id(self), job.id), self._claimant.new_token())
        own = self._claimant.fence(self._writer.clock, sent_at=self._writer.clock.monotonic())
        stored, claimed = await self._writer.insist(lambda: self._take(job, token), tries=5)
        kept.pop((id(self), job.id), None)
        if claimed is None:
            return None
        try:
            return await self._settled_or_run(claimed, job, stored, own)
        except LeaseLost:
            return None

    _set(claims.Claims, "claim", claim)


def _with_spinning() -> None:
    """A pause that has run out is forgotten only where a slot is free."""
    place = dispatcher.Dispatcher._place

    def without_forgetting(self: Any, work: Any) -> None:
        kept = dict(self._actions.pausing)
        place(self, work)
        if not self._executors.free_slots:
            self._actions.pausing = kept | self._actions.pausing

    def seconds_to_next(self: Any) -> float:
        return max(0.01, min(self._actions.pauses(), default=dispatcher.LONGEST_WAIT_SECONDS))

    _set(dispatcher.Dispatcher, "_place", without_forgetting)
    _set(dispatcher.Dispatcher, "_seconds_to_next", seconds_to_next)


def _with_early_slots() -> None:
    """A slot counts as free once our own run has left it, whatever the executor says of it."""

    def free(self: executors._Pod) -> int:
        if self.state is None or self.refused or not self.named or not self.total:
            return 0
        return max(0, self.total - self.held)

    _set(executors._Pod, "free", property(free))


class _Forgetful(dict[str, Any]):
    """Finds nothing."""

    def get(self, *_: Any) -> None:
        return None


def _with_streams_of_their_own() -> None:
    """Whoever watches a job watches it alone."""
    begin = watching.Watching.__init__

    def forgetful(self: Any, *given: Any) -> None:
        begin(self, *given)
        self._watched = _Forgetful()

    _set(watching.Watching, "__init__", forgetful)


def _without_epoch() -> None:
    """A run that begins again keeps its epoch."""

    async def begin_again(self: Any, job: Job) -> None:
        await self.writes.settled()
        await self.journal.own.flush()

    _set(run.RtdbRun, "begin_again", begin_again)


def _without_durability() -> None:
    """An answer is used before anybody has stored it."""

    async def store(self: Any, entry: Any) -> None:
        await self.outbox.lossless.send(
            executor_pb2.ExecuteResponse(
                answer=executor_pb2.JournalEntry(key=entry.key, value=entry.value, tokens=entry.tokens)
            )
        )

    _set(link.StreamLink, "store", store)


def _without_cancellation() -> None:
    """A run whose stream is lost goes on asking."""

    async def leave(self: Any, *_: Any) -> None:
        self._closed = False

    _set(chat.JournaledChat, "__aexit__", leave)


def _without_order_of_the_end() -> None:
    """The entry goes although it is another's by now."""

    async def end(self: Any) -> None:
        self._lease.ended = True
        await self._lease.change_entry(lambda current: None)

    _set(settlement.Settlement, "end", end)


def _without_deadline_of_silence() -> None:
    """A poller waits for ever for an executor that says nothing."""
    _set(poller_link, "alive", lambda frames, **_: frames)
    _set(executors, "BEATS_MISSED_SECONDS", 1e6)


def _without_doubt() -> None:
    """A job ends although a write that was given up may still come."""
    _set(writer.InFlight, "doubt", lambda self, seconds: None)


def _without_patience_of_executors() -> None:
    """An executor that drains breaks its runs off at once."""

    def drain(self: Any) -> None:
        self.draining = True
        for held in self._runs:
            held.end(Draining("this executor is shutting down"))
        self._tell()

    _set(slots.Slots, "drain", drain)


def _without_patience_of_pollers() -> None:
    """A poller that drains breaks its runs off at once."""
    _set(attempt.Attempt, "leave", lambda self: self.stop(attempt.Stop.DRAINED))


MUTANTS: dict[str, Callable[[], None]] = {
    "none": lambda: None,
    "fence": CHAOS["fence"].apply,
    "token": CHAOS["token"].apply,
    "ack": CHAOS["ack"].apply,
    "journal": CHAOS["journal"].apply,
    "margin": _without_margin,
    "last-look": _without_last_look,
    "in-flight": _without_patience,
    "second-look": _without_second_look,
    "renewal": _without_token_in_renewal,
    "pulse": _without_may_ask,
    "echo": _without_end_of_lost_stream,
    "kept-token": _with_kept_token,
    "spinning": _with_spinning,
    "early-slots": _with_early_slots,
    "own-streams": _with_streams_of_their_own,
    "epoch": _without_epoch,
    "durable": _without_durability,
    "cancel-calls": _without_cancellation,
    "own-entry": _without_order_of_the_end,
    "doubt": _without_doubt,
    "drain-executor": _without_patience_of_executors,
    "drain-poller": _without_patience_of_pollers,
    "silence": _without_deadline_of_silence,
}
"""By name: what takes the protection away."""
