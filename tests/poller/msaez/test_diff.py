import copy

from poller.msaez.diff import changes
from poller.msaez.encoding import decode
from poller.msaez.esvalue import project
from tests.poller.msaez.examples import JOB
from tests.poller.msaez.models import growth, sized


def drawn(model):
    return project(model, job_id=JOB, user_id="u", project_id="p")


def kinds(batch, value):
    return {value.elements[path.split("/")[1]]["_type"].rpartition(".")[2] for path in batch.writes}


def test_containers_come_first_and_lines_last():
    value = drawn(sized(3, 2, 3))
    contexts, containers, stickers, lines = changes({}, value)
    assert kinds(contexts, value) == {"BoundedContext"}
    assert kinds(containers, value) == {"Aggregate"}
    assert not kinds(stickers, value) & {"BoundedContext", "Aggregate"}
    assert all(path.startswith("relations/") for path in lines.writes)


def test_all_that_is_written_is_the_value():
    value = drawn(sized(2, 2, 3))
    written = {path: stored for batch in changes({}, value) for path, stored in batch.writes.items()}
    expected = {
        f"{branch}/{key}": thing
        for branch in ("elements", "relations")
        for key, thing in value.as_json()[branch].items()
    }
    assert decode(written) == expected


def test_what_is_published_is_not_written_again():
    value = drawn(sized(3, 2, 3))
    published = {key: digest for batch in changes({}, value) for key, digest in batch.hashes.items()}
    assert changes(published, value) == []


def test_only_what_changed_is_written():
    value = drawn(sized(3, 2, 3))
    published = {key: digest for batch in changes({}, value) for key, digest in batch.hashes.items()}
    changed = copy.deepcopy(value)
    key = next(iter(changed.elements))
    changed.elements[key]["displayName"] = "another"
    (batch,) = changes(published, changed)
    assert list(batch.writes) == [f"elements/{key}"]


def test_nothing_is_ever_deleted():
    assert changes({"gone": "0"}, drawn(sized(1, 1, 1)))[0].writes.keys() & {"elements/gone"} == set()


def test_a_growing_model_published_step_by_step_ends_as_the_model():
    model, published, stored = sized(3, 2, 3, seed=5), {}, {}
    for snapshot in growth(model, 1):
        for batch in changes(published, drawn(snapshot)):
            published |= batch.hashes
            stored |= batch.writes
    final = {path: thing for batch in changes({}, drawn(snapshot)) for path, thing in batch.writes.items()}
    assert stored == final
