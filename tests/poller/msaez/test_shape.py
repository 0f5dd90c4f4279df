import copy
import random

import jsonschema
import pytest

from poller.msaez.esvalue import project
from poller.msaez.shape import Shape, esvalue_shape
from tests.poller.msaez.examples import JOB, example
from tests.poller.msaez.models import sized
from tests.poller.msaez.schemas import schema

JUNK = [None, 0, -1, 1.5, True, "", "@", "a b", "<script>", [], {}, [[1, 1], [0]], {"id": "x"}]


def damaged(value, chance: random.Random):
    """The value with one member dropped or replaced by something else, anywhere."""
    value = copy.deepcopy(value)
    node = value
    while True:
        key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if not isinstance(node[key], (dict, list)) or not node[key] or chance.random() < 0.2:
            break
        node = node[key]
    if chance.random() < 0.5:
        del node[key]
    else:
        node[key] = chance.choice(JUNK)
    return value


@pytest.fixture(scope="module")
def independent():
    return jsonschema.Draft202012Validator(schema("esvalue"))


@pytest.mark.parametrize("seed", range(150))
def test_damage_is_found_exactly_when_an_independent_validator_finds_it(independent, seed):
    chance = random.Random(seed)
    base = (
        example("esvalue")
        if seed % 2
        else project(sized(1, 2, 2), job_id=JOB, user_id="u", project_id="p").as_json()
    )
    value = damaged(base, chance)
    ours = next(esvalue_shape().violations(value), None) is None
    assert ours == independent.is_valid(value)


def test_an_unknown_keyword_is_an_error_not_a_silence():
    with pytest.raises(ValueError, match="dependentRequired"):
        Shape({"dependentRequired": {}})


def test_a_violation_says_where():
    value = example("esvalue")
    key = next(iter(value["elements"]))
    del value["elements"][key]["elementView"]["x"]
    ((path, sentence),) = esvalue_shape().violations(value)
    assert (path, sentence) == (("elements", key, "elementView"), "lacks the member x")
