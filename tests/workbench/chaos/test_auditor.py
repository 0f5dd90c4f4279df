"""The auditor on crafted logs: a clean run passes, and each broken promise is caught. A net that catches nothing is no net."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workbench.chaos.auditor import Verdict, audit, models, read_calls, replay
from workbench.chaos.report import quantile, table

JOB, MARK = "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "Zqbdfg"
NS = "eventstorming_generator"
ENTRY, NODE, REMOVAL = f"requestedJobs/{NS}/{JOB}", f"jobs/{NS}/{JOB}", f"jobStates/{NS}/{JOB}"
OUTPUTS = f"{NODE}/state/outputs"
STICKERS = {"a": {"id": "a"}, "b": {"id": "b"}}


class Logs:
    """Writes the three logs; times are seconds from 0."""

    def __init__(self) -> None:
        self.commits: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self._asked: dict[str, int] = {}
        self.agent = ""

    def put(self, at: float, path: str, value: Any) -> None:
        self._commit(at, "PUT", path, value)

    def patch(self, at: float, path: str, value: Any) -> None:
        self._commit(at, "PATCH", path, value)

    def delete(self, at: float, path: str) -> None:
        self._commit(at, "DELETE", path, None)

    def _commit(self, at: float, method: str, path: str, value: Any) -> None:
        line = {"time": at * 1000, "method": method, "path": path, "value": value, "agent": self.agent}
        self.commits.append(line)

    def submit(self, at: float = 0) -> None:
        self.history.append({"time": at, "event": "submitted", "job": JOB, "mark": MARK})
        self.put(at, NODE, {"state": {"inputs": {"requirements": MARK}}})
        self.put(at, ENTRY, {"createdAt": 1})

    def claim(self, at: float, epoch: int, owner: str = "poller-0") -> None:
        lease = {"token": f"token-{epoch}", "epoch": epoch, "owner": owner, "renewedAt": {".sv": "timestamp"}}
        self.put(at, ENTRY, {"createdAt": 1, "lease": lease})

    def call(
        self,
        question: str,
        asked: float,
        answered: float | None,
        *,
        serial: int = 0,
        by: str = "executor-0.1",
        clean: bool = True,
        mark: str = MARK,
        schema: str = "",
    ) -> None:
        self._asked[question] = nth = self._asked.get(question, 0) + 1
        name = {"hash": question, "nth": nth}
        self.calls.append(
            {"time": asked, "event": "ask", "caller": by, "mark": mark, "schema": schema, **name}
        )
        if answered is not None:
            self.calls.append({"time": answered, "event": "answer", **name})
            self.calls.append({"time": answered, "event": "sent", "serial": serial, "clean": clean, **name})

    def store(self, at: float, epoch: int, key: str, serial: int) -> None:
        text = json.dumps({"value": "{}", "tokens": serial})
        self.patch(at, NODE, {f"run/journal/{epoch}/{key}": text})

    def forget(self, at: float, epoch: int, key: str) -> None:
        self.patch(at, NODE, {f"run/journal/{epoch}/{key}": None})

    def complete(self, at: float) -> None:
        self.patch(at, OUTPUTS, {f"esValue/elements/{key}": value for key, value in STICKERS.items()})
        self.put(at, f"{OUTPUTS}/isCompleted", True)
        self.delete(at + 0.1, ENTRY)

    def fault(self, at: float, kind: str, *, lives: str = "", targets: str = "", seconds: float = 0) -> None:
        line = {"time": at, "event": "fault", "kind": kind, "seconds": seconds}
        self.history.append({**line, "lives": [lives], "targets": [targets]})

    def verdict(self, **invalid: str) -> Verdict:
        return audit(self.commits, self.calls, self.history, invalid=invalid)


@pytest.fixture
def logs() -> Logs:
    """One job, submitted and claimed, one answer stored."""
    logs = Logs()
    logs.submit()
    logs.claim(1, 1)
    logs.call("q1", 1.1, 2, serial=7)
    logs.store(2.1, 1, "k1", 7)
    return logs


def test_a_job_that_ends_well_passes(logs: Logs) -> None:
    logs.complete(3)
    verdict = logs.verdict()

    assert verdict.good
    assert (verdict.counts["completed"], verdict.counts["calls"]) == (1, 1)
    assert models(logs.commits) == {JOB: {"elements": STICKERS}}


def test_a_run_lost_to_a_kill_and_done_again_passes(logs: Logs) -> None:
    logs.call("q2", 2, None)
    logs.call("q3", 2, 2.5, serial=8)
    logs.fault(3, "kill executor", lives="executor-0.1")
    logs.claim(4, 2)
    logs.call("q2", 5, 6, serial=9, by="executor-1.1")
    logs.call("q3", 5, 6, serial=10, by="executor-1.1")
    logs.store(6.1, 2, "k2", 9)
    logs.store(6.1, 2, "k3", 10)
    logs.complete(7)
    verdict = logs.verdict()

    assert verdict.good
    assert (verdict.counts["in flight at kills"], verdict.counts["unacknowledged at kills"]) == (1, 1)
    assert verdict.recovery == {"kill executor": [1.0]}


def _broken(verdict: Verdict) -> set[str]:
    return {text.split(":")[0] for text in verdict.wrong}


def test_a_job_without_an_end_is_lost(logs: Logs) -> None:
    assert _broken(logs.verdict()) == {"lost"}


def test_a_submitted_job_that_the_database_never_held_is_lost() -> None:
    logs = Logs()
    logs.history.append({"time": 0, "event": "submitted", "job": JOB, "mark": MARK})

    assert _broken(logs.verdict()) == {"lost"}


def test_a_flag_without_the_entry_gone_is_lost(logs: Logs) -> None:
    logs.put(3, f"{OUTPUTS}/isCompleted", True)

    assert _broken(logs.verdict()) == {"lost"}


def test_both_flags_are_two_ends(logs: Logs) -> None:
    logs.put(2.5, f"{OUTPUTS}/isFailed", True)
    logs.complete(3)

    assert "ended twice" in _broken(logs.verdict())


def test_a_write_after_completion_is_a_second_end(logs: Logs) -> None:
    logs.complete(3)
    logs.patch(4, OUTPUTS, {"currentProgressCount": 3})

    assert _broken(logs.verdict()) == {"ended twice"}


def test_the_flag_written_again_after_a_lost_reply_is_one_end(logs: Logs) -> None:
    logs.put(2.9, f"{OUTPUTS}/isCompleted", True)
    logs.put(2.95, f"{OUTPUTS}/isCompleted", True)
    logs.delete(3, ENTRY)

    assert logs.verdict().good


def test_the_flag_written_by_a_second_run_is_a_second_end(logs: Logs) -> None:
    logs.put(2.9, f"{OUTPUTS}/isCompleted", True)
    logs.claim(3, 2, "poller-1")
    logs.put(3.1, f"{OUTPUTS}/isCompleted", True)
    logs.delete(3.2, ENTRY)

    assert _broken(logs.verdict()) == {"ended twice"}


def test_a_failed_job_tried_again_may_end_again(logs: Logs) -> None:
    logs.put(3, f"{OUTPUTS}/isFailed", True)
    logs.delete(3.1, ENTRY)
    logs.put(4, f"{OUTPUTS}/isFailed", False)
    logs.put(4.1, ENTRY, {"createdAt": 2})
    logs.claim(4.2, 2)
    logs.complete(5)

    assert logs.verdict().good


def test_an_epoch_given_out_again_is_caught(logs: Logs) -> None:
    logs.put(3, ENTRY, {"createdAt": 1, "lease": {"epoch": 1}})
    logs.claim(4, 1, "poller-1")
    logs.complete(5)

    assert _broken(logs.verdict()) == {"ended twice"}


def test_an_epoch_that_holds_answers_is_known_to_an_entry_made_anew(logs: Logs) -> None:
    logs.put(3, f"{OUTPUTS}/isFailed", True)
    logs.delete(3.1, ENTRY)
    logs.put(4, f"{OUTPUTS}/isFailed", False)
    logs.claim(4.2, 1)
    logs.complete(5)

    assert _broken(logs.verdict()) == {"ended twice"}


def _remove(logs: Logs) -> None:
    logs.put(3, REMOVAL, {"isRemoveRequested": True})
    logs.delete(3.1, ENTRY)
    logs.delete(3.2, NODE)
    logs.delete(3.3, REMOVAL)


def test_a_removed_job_passes(logs: Logs) -> None:
    _remove(logs)

    assert logs.verdict().good
    assert logs.verdict().counts["removed"] == 1


def test_a_write_after_the_removal_is_caught(logs: Logs) -> None:
    _remove(logs)
    logs.store(3.4, 1, "k2", 8)

    assert _broken(logs.verdict()) == {"writes after removal"}


def test_a_revived_entry_is_caught(logs: Logs) -> None:
    _remove(logs)
    logs.put(3.4, f"{ENTRY}/waitingJobCount", 3)

    assert "writes after removal" in _broken(logs.verdict())


def test_a_removal_that_leaves_something_is_caught(logs: Logs) -> None:
    logs.put(3, REMOVAL, {"isRemoveRequested": True})
    logs.delete(3.1, ENTRY)
    logs.delete(3.3, REMOVAL)

    assert _broken(logs.verdict()) == {"writes after removal"}


def test_a_removal_that_is_never_done_is_lost(logs: Logs) -> None:
    logs.put(3, REMOVAL, {"isRemoveRequested": True})
    logs.complete(4)

    assert _broken(logs.verdict()) == {"lost"}


def test_an_invalid_model_is_caught(logs: Logs) -> None:
    logs.complete(3)

    assert _broken(logs.verdict(**{JOB: "a policy without a command"})) == {"invalid models"}


@pytest.mark.parametrize("kind", ["elements", "relations"])
def test_what_was_shown_and_is_gone_is_caught(logs: Logs, kind: str) -> None:
    logs.patch(2.5, OUTPUTS, {f"esValue/{kind}/c": {"id": "c"}})
    logs.patch(2.6, OUTPUTS, {f"esValue/{kind}/c": None})
    logs.complete(3)

    assert _broken(logs.verdict()) == {"stickers that vanished"}


def test_a_canvas_replaced_as_a_whole_is_caught(logs: Logs) -> None:
    logs.patch(2.5, OUTPUTS, {"esValue/elements/c": {"id": "c"}})
    logs.put(2.6, f"{OUTPUTS}/esValue", {"elements": STICKERS})
    logs.complete(3)

    assert _broken(logs.verdict()) == {"stickers that vanished"}


def test_a_stored_answer_asked_for_again_after_a_kill_is_caught(logs: Logs) -> None:
    logs.claim(4, 2)
    logs.call("q1", 5, None)
    logs.complete(6)

    assert _broken(logs.verdict()) == {"calls repeated"}


def test_a_stored_answer_asked_for_again_in_the_same_run_is_caught(logs: Logs) -> None:
    logs.call("q1", 3, 4, serial=8)
    logs.complete(6)

    assert _broken(logs.verdict()) == {"calls repeated"}


def test_an_answer_stored_only_after_the_next_run_began_was_in_flight(logs: Logs) -> None:
    logs.call("q2", 2, 3, serial=8)
    logs.claim(4, 2)
    logs.store(4.1, 1, "k2", 8)
    logs.call("q2", 4.2, 5, serial=9)
    logs.store(5.1, 2, "k2", 9)
    logs.complete(6)

    assert logs.verdict().good


def test_the_same_words_from_scratch_after_an_unreadable_answer_are_another_question(logs: Logs) -> None:
    logs.call("q2", 2, 3, serial=8, clean=False)
    logs.store(3.1, 1, "first", 8)
    logs.call("q2", 4, 5, serial=9, clean=False)
    logs.store(5.1, 1, "from scratch", 9)
    logs.complete(6)

    assert logs.verdict().good


@pytest.mark.parametrize("key", ["first", "from scratch"])
def test_an_unreadable_answer_paid_for_again_is_caught(logs: Logs, key: str) -> None:
    logs.call("q2", 2, 3, serial=8, clean=False)
    logs.store(3.1, 1, "first", 8)
    logs.call("q2", 4, 5, serial=9, clean=False)
    logs.store(5.1, 1, "from scratch", 9)
    logs.claim(6, 2)
    logs.call("q2", 7, 8, serial=10, clean=False)
    logs.store(8.1, 2, key, 10)
    logs.complete(9)

    assert _broken(logs.verdict()) == {"calls repeated"}


def test_an_answer_forgotten_for_a_new_try_may_be_asked_for_again(logs: Logs) -> None:
    logs.forget(3, 1, "k1")
    logs.claim(4, 2)
    logs.call("q1", 5, 6, serial=8)
    logs.store(6.1, 2, "k1", 8)
    logs.complete(7)

    assert logs.verdict().good


def test_an_answer_used_before_it_is_stored_is_caught(logs: Logs) -> None:
    logs.call("q2", 2.05, 2.5, serial=8, schema="LineMap")
    logs.complete(3)

    assert _broken(logs.verdict()) == {"used before stored"}


def _overtaken(logs: Logs, *, asks_at: float) -> Logs:
    """A run that another overtook at 10 and that asks once more."""
    logs.claim(10, 2, "poller-1")
    logs.call("q2", 11, 12, serial=8, by="executor-1.1")
    logs.store(12.1, 2, "k2", 8)
    logs.call("q3", asks_at, asks_at + 1, by="executor-0.1")
    logs.complete(30)
    return logs


def test_an_overtaken_run_that_goes_on_spending_is_caught(logs: Logs) -> None:
    assert _broken(_overtaken(logs, asks_at=26).verdict()) == {"two runs spending"}


def test_an_overtaken_run_may_need_the_detection_time(logs: Logs) -> None:
    assert _overtaken(logs, asks_at=20).verdict().good


def test_an_overtaken_run_that_goes_on_writing_is_caught(logs: Logs) -> None:
    logs.call("q2", 2.5, 9, serial=8)
    logs.claim(10, 2, "poller-1")
    logs.store(26, 1, "k2", 8)
    logs.complete(30)

    assert _broken(logs.verdict()) == {"two runs spending"}


def test_a_write_of_an_overtaken_poller_is_caught(logs: Logs) -> None:
    logs.claim(10, 2, "poller-1")
    logs.agent = "eventstorming (poller-0)"
    logs.patch(10.2, OUTPUTS, {"currentProgressCount": 3})
    logs.agent = "eventstorming (poller-1)"
    logs.patch(10.3, OUTPUTS, {"currentProgressCount": 4})
    logs.complete(12)

    verdict = logs.verdict()
    assert _broken(verdict) == {"writes of the overtaken"}
    assert verdict.counts["writes of the overtaken"] == 1


def test_a_write_of_an_overtaken_poller_is_caught_after_the_end_too(logs: Logs) -> None:
    logs.claim(10, 2, "poller-1")
    logs.complete(12)
    logs.agent = "eventstorming (poller-0)"
    logs.patch(13, NODE, {"run/journal/1/k9": "{}"})

    assert _broken(logs.verdict()) == {"writes of the overtaken"}


@pytest.mark.parametrize(("seconds", "kept"), [(0.5, True), (1.5, False)])
def test_a_cancelled_run_may_need_a_second_to_hear_of_it(logs: Logs, seconds: float, kept: bool) -> None:
    logs.claim(10, 2, "poller-1/cancel")
    logs.agent = "eventstorming (poller-0)"
    logs.patch(10 + seconds, NODE, {"run/journal/1/k9": "{}"})
    logs.agent = "eventstorming (poller-1)"
    logs.put(12, f"{OUTPUTS}/isFailed", True)
    logs.delete(12.1, ENTRY)

    assert logs.verdict().good is kept


def test_any_poller_may_begin_a_new_try(logs: Logs) -> None:
    logs.put(3, f"{OUTPUTS}/isFailed", True)
    logs.delete(3.1, ENTRY)
    logs.agent = "eventstorming (poller-1)"
    logs.patch(4, NODE, {"state/outputs/isFailed": False})
    logs.put(4.1, ENTRY, {"createdAt": 1})
    logs.claim(5, 2, "poller-1")
    logs.complete(6)

    assert logs.verdict().good


def test_recoveries_with_other_faults_about_are_told_apart(logs: Logs) -> None:
    logs.fault(3, "kill executor", lives="executor-0.1")
    logs.claim(4, 2)
    logs.complete(7)
    assert logs.verdict().undisturbed == {"kill executor": [1.0]}

    logs.fault(2, "rtdb frozen", seconds=1)
    assert logs.verdict().undisturbed["kill executor"] == []


def test_an_epoch_with_answers_of_two_executors_is_caught(logs: Logs) -> None:
    logs.call("q2", 3, 4, serial=8, by="executor-1.1")
    logs.store(4.1, 1, "k2", 8)
    logs.complete(5)

    assert _broken(logs.verdict()) == {"two runs spending"}


def test_questions_after_the_end_are_caught(logs: Logs) -> None:
    logs.complete(3)
    logs.call("q2", 40, None)

    assert _broken(logs.verdict()) == {"calls after the end"}


def test_questions_after_a_removal_are_caught(logs: Logs) -> None:
    _remove(logs)
    logs.call("q2", 40, None)

    assert _broken(logs.verdict()) == {"calls after the end"}


def test_a_process_that_does_not_end_in_time_is_caught(logs: Logs) -> None:
    logs.complete(3)
    logs.history.append({"time": 2, "event": "too slow", "target": "poller-0"})

    assert _broken(logs.verdict()) == {"drains beyond the grace"}


def test_a_call_of_no_job_is_caught(logs: Logs) -> None:
    logs.complete(3)
    logs.call("q2", 2, None, mark="")

    assert _broken(logs.verdict()) == {"calls of no job"}


def test_a_log_that_left_a_value_out_is_refused(logs: Logs) -> None:
    del logs.commits[-1]["value"]

    with pytest.raises(ValueError, match="too large"):
        replay(logs.commits)


def test_recovery_from_a_stop_is_the_first_sign_of_work(logs: Logs) -> None:
    logs.fault(3, "stop poller", targets="poller-0", seconds=2)
    logs.fault(3, "rtdb frozen", seconds=2)
    logs.call("q2", 2, 6, serial=8)
    logs.store(6.5, 1, "k2", 8)
    logs.complete(7)

    assert logs.verdict().recovery == {"stop poller": [3.5], "rtdb frozen": [1.5]}


def test_an_answer_sent_twice_keeps_the_first_time() -> None:
    logs = Logs()
    logs.call("q", 1, 2, serial=5)

    (call,) = read_calls(logs.calls)
    assert (call.asked, call.ended, call.serial) == (1, 2, 5)


def test_the_table_names_what_is_broken(logs: Logs) -> None:
    printed = table(logs.verdict())

    assert "must be 0" in printed
    assert f"lost: job {JOB}: it never ended" in printed
    assert "1 promises broken" in printed
    assert "every promise kept" not in printed


def test_quantiles_are_values_that_occurred() -> None:
    assert (quantile([3, 1, 2], 0.5), quantile([3, 1, 2], 0.99), quantile([1], 0.99)) == (2, 3, 1)


def test_a_row_of_the_index_that_outlives_its_job_is_caught(logs: Logs) -> None:
    row = f"jobIndex/{NS}/0000000000001-{JOB}"
    logs.patch(2.9, "", {row: {"state": "completed"}})
    _remove(logs)
    assert _broken(logs.verdict()) == {"writes after removal"}


def test_a_row_of_the_index_that_goes_with_its_job_passes(logs: Logs) -> None:
    row = f"jobIndex/{NS}/0000000000001-{JOB}"
    logs.patch(2.9, "", {row: {"state": "completed"}})
    logs.put(3, REMOVAL, {"isRemoveRequested": True})
    logs.delete(3.1, ENTRY)
    logs.patch(3.2, "", {NODE: None, row: None})
    logs.delete(3.3, REMOVAL)
    assert logs.verdict().good
