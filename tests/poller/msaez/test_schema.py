import copy
import json
import random
from functools import cache

import jsonschema
import pytest

from poller.msaez.esvalue import project
from poller.msaez.schema import violations
from tests.poller.msaez.examples import JOB, example
from tests.poller.msaez.models import sized
from tests.poller.msaez.schemas import esvalue_schema

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


@cache
def one_of_each(written):
    """An element of each kind and a line: the more of them, the longer the independent validator takes."""
    drawn = project(sized(1, 2, 2), job_id=JOB, user_id="u", project_id="p").as_json()
    value = example("esvalue") if written else drawn
    kinds = {element["_type"]: key for key, element in value["elements"].items()}
    lines = list(value["relations"])[:2]
    return {
        "elements": {key: value["elements"][key] for key in kinds.values()},
        "relations": {key: value["relations"][key] for key in lines},
    }


@pytest.fixture(scope="module")
def independent():
    return jsonschema.Draft202012Validator(esvalue_schema())


@pytest.mark.parametrize("seed", range(150))
def test_damage_is_found_exactly_when_an_independent_validator_finds_it(independent, seed):
    chance = random.Random(seed)
    value = damaged(one_of_each(seed % 2), chance)
    ours = next(violations(value), None) is None
    assert ours == independent.is_valid(value)


def test_a_violation_says_where():
    value = example("esvalue")
    key = next(iter(value["elements"]))
    del value["elements"][key]["elementView"]["x"]
    ((path, sentence),) = violations(value)
    assert (path, sentence) == (("elements", key, "elementView"), "lacks the member x")


@pytest.mark.parametrize(
    ("member", "wrong", "sentence"),
    [
        ("name", "a b", "has characters not allowed here"),
        ("name", "a" * 129, "is longer than 128"),
        ("displayName", 1, "is not of type string"),
        ("description", 1, "is not of type null or string"),
        ("refs", [[[1, 1], [0, 1]]], "is less than 1"),
        ("refs", [[[1, 1, 1], [1, 1]]], "is not allowed here"),
        ("refs", [[[1, 1]]], "has fewer than 2 entries"),
        ("boundedContext", {}, "lacks the member id"),
    ],
)
def test_a_violation_is_told_in_a_sentence_of_ours(member, wrong, sentence):
    value = example("esvalue")
    event = next(element for element in value["elements"].values() if element["_type"].endswith(".Event"))
    event[member] = wrong
    assert [told for _, told in violations(value)] == [sentence]


def test_a_key_that_is_no_id_is_told_with_its_reason():
    value = example("esvalue")
    value["relations"]["{0}"] = next(iter(value["relations"].values()))
    assert list(violations(value)) == [
        (("relations",), "has the key '{0}', which has characters not allowed here")
    ]


@pytest.mark.parametrize("text", ["[" * 500 + "]" * 500, '{"elements": "\\ud800"}', '{"\\udfff": 1}'])
def test_what_is_hardly_json_is_wrong_as_a_whole(text):
    assert [where for where, _ in violations(json.loads(text))] == [()]
