import contextlib
import copy

import jsonschema
import pytest
from eventstorming.v1 import job_pb2, model_pb2
from hypothesis import given
from hypothesis import strategies as st

from poller.errors import InputRejected
from poller.msaez.encoding import encode
from poller.msaez.inputs import read_inputs, spoken, understand, write_inputs
from tests.poller.msaez.examples import DRAFT_JOB, JOB, example
from tests.poller.msaez.schemas import inputs_schema

EXAMPLES = ["inputs.fromDraft", "inputs.fromRequirements", "inputs.fromRequirements.ko"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("@"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
DRAFT_MEMBERS = st.sampled_from(
    [
        "structures",
        "metadatas",
        "additionalRequests",
        "boundedContextName",
        "boundedContextAlias",
        "aggregates",
        "aggregateName",
        "enumerations",
        "valueObjects",
        "name",
        "alias",
        "referencedAggregate",
        "boundedContextRequirements",
        "essentialAggregateAttributes",
        "essentialCommandNames",
        "0",
        "1",
        "A",
        "B",
    ]
)
DRAFTS = st.recursive(
    st.none() | st.sampled_from(["A", "B", "@", "", 7, True, "주문"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(DRAFT_MEMBERS, inner, max_size=4),
    max_leaves=25,
)


def draft_job(**changes):
    return example("inputs.fromDraft") | changes


def draft(**members):
    return draft_job(draft=members)


def read_draft(**members):
    return read_inputs(draft(**members), job_id=DRAFT_JOB).draft


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_contract_examples_are_understood_without_a_warning(name):
    raw = example(name)
    found = understand(raw, job_id=raw["jobId"])
    assert found.warnings == ()
    assert (found.input.user_id, found.input.project_id) == (raw["ids"]["uid"], raw["ids"]["projectId"])
    assert found.input.requirements == raw.get("requirements", "")


@pytest.mark.parametrize("name", EXAMPLES)
def test_encoded_inputs_read_the_same(name):
    raw = example(name)
    assert read_inputs(encode(raw), job_id=raw["jobId"]) == read_inputs(raw, job_id=raw["jobId"])


def test_a_draft_is_read_completely():
    catalog, lending = read_inputs(example("inputs.fromDraft"), job_id=DRAFT_JOB).draft.contexts
    book, loan = catalog.aggregates[0], lending.aggregates[0]
    assert [kind.name for kind in book.enumerations] == ["Genre", "CopyStatus"]
    assert list(book.required_attributes) == ["book_id", "title", "isbn", "author", "genre"]
    assert (list(loan.references), [kind.name for kind in loan.value_objects]) == (
        ["Book", "Member"],
        ["LoanPeriod"],
    )
    assert list(lending.required_commands) == ["LendCopy", "ReturnCopy"]
    assert list(lending.required_read_models) == ["MyLoans"]
    assert catalog.requirements.startswith("# Bounded Context Overview")


def test_attribute_objects_are_read_like_strings():
    raw = example("inputs.fromDraft")
    attributes = raw["draft"]["additionalRequests"]["essentialAggregateAttributes"]
    expected = read_inputs(raw, job_id=DRAFT_JOB)
    attributes["CatalogManagement"]["Book"] = [
        {"fieldName": name, "refs": [[[1, 1], [1, 2]]]} for name in attributes["CatalogManagement"]["Book"]
    ]
    assert read_inputs(raw, job_id=DRAFT_JOB) == expected


def test_lists_that_came_back_as_maps_are_lists_again():
    raw = example("inputs.fromDraft")
    expected = read_inputs(raw, job_id=DRAFT_JOB)
    changed = copy.deepcopy(raw)
    for key in ("structures",):
        changed["draft"][key] = {str(i): v for i, v in reversed(list(enumerate(raw["draft"][key])))}
    changed["draft"]["structures"]["1"]["aggregates"] = [None, *raw["draft"]["structures"][1]["aggregates"]]
    assert read_inputs(changed, job_id=DRAFT_JOB) == expected


def test_sparse_maps_keep_their_numeric_order():
    structures = {
        str(n): {"boundedContextName": f"C{n}", "aggregates": [{"aggregateName": f"A{n}"}]}
        for n in (10, 9, 2)
    }
    assert [context.name for context in read_draft(structures=structures).contexts] == ["C2", "C9", "C10"]


def test_dangling_references_are_ignored_with_a_warning():
    raw = draft(
        structures=[
            {
                "boundedContextName": "Lending",
                "aggregates": [
                    {
                        "aggregateName": "Loan",
                        "valueObjects": [{"name": "X", "referencedAggregate": {"name": "Nowhere"}}],
                    }
                ],
            }
        ]
    )
    found = understand(raw, job_id=DRAFT_JOB)
    assert list(found.input.draft.contexts[0].aggregates[0].references) == []
    assert any("Nowhere" in warning for warning in found.warnings)


def test_missing_containers_are_empty_ones():
    context = read_draft(
        structures=[{"boundedContextName": "Shop", "aggregates": [{"aggregateName": "Order"}]}]
    )
    assert context.contexts[0] == job_pb2.DraftContext(
        name="Shop", alias="Shop", aggregates=[job_pb2.DraftAggregate(name="Order")]
    )


def test_a_thousand_dangling_references_are_not_a_thousand_warnings():
    values = [{"referencedAggregate": {"name": f"Nowhere{n}"}} for n in range(1000)]
    structure = {"boundedContextName": "A", "aggregates": [{"aggregateName": "B", "valueObjects": values}]}
    found = understand(draft(structures=[structure]), job_id=DRAFT_JOB)
    assert len(found.warnings) == 21
    assert "980" in found.warnings[-1]


def test_a_huge_draft_is_read_in_time():
    aggregates = [{"aggregateName": f"A{n}"} for n in range(20_000)]
    found = read_draft(
        structures=[{"boundedContextName": f"C{n}", "aggregates": [a]} for n, a in enumerate(aggregates)]
    )
    assert len(found.contexts) == 20_000


@pytest.mark.parametrize("name", ["A.B", "a/b", "$x", "[0]", "#1", "주문 관리", "100%"])
def test_names_that_cannot_be_keys_keep_their_texts(name):
    asked = job_pb2.JobInput(job_id=JOB, language=model_pb2.LANGUAGE_KOREAN, user_id="u", project_id="p")
    context = asked.draft.contexts.add(
        name=name, alias="별칭", requirements="텍스트", required_commands=["Do"]
    )
    context.aggregates.add(name=name, alias="별칭", required_attributes=["id"])
    assert read_inputs(write_inputs(asked), job_id=JOB) == asked


def test_a_draft_without_structures_takes_its_contexts_from_the_texts():
    found = read_draft(metadatas={"boundedContextRequirements": {"Shop": "sells", "Bank": "pays"}})
    assert [(c.name, c.requirements) for c in found.contexts] == [("Shop", "sells"), ("Bank", "pays")]


def test_an_aggregate_named_twice_is_generated_once():
    order = {"aggregateName": "Order"}
    found = read_draft(
        structures=[
            {"boundedContextName": "A", "aggregates": [order, order]},
            {"boundedContextName": "B", "aggregates": [order]},
        ]
    )
    assert [len(context.aggregates) for context in found.contexts] == [1, 0]


def test_large_texts_with_emoji_stay_exactly_as_they_are():
    text = "주문 😀\r\n\t" * 200_000
    raw = example("inputs.fromRequirements") | {"requirements": text}
    assert read_inputs(raw, job_id=JOB).requirements == text


def test_a_lone_surrogate_does_not_stop_a_job():
    raw = example("inputs.fromRequirements") | {"requirements": "a\ud83db"}
    assert read_inputs(raw, job_id=JOB).requirements == "a\ufffdb"


@pytest.mark.parametrize(
    ("language", "expected"),
    [("Korean", 2), ("English", 1), (None, 1), ("korean", 2), ("Klingon", 1), ("@", 1)],
)
def test_the_language_is_one_of_two(language, expected):
    raw = example("inputs.fromRequirements") | {"preferedLanguage": language}
    assert read_inputs(raw, job_id=JOB).language == expected


def test_missing_ids_get_temporary_values_and_a_warning():
    found = understand(draft_job(ids="@"), job_id=DRAFT_JOB)
    assert found.input.user_id == f"temp-uid-{DRAFT_JOB}"
    assert len(found.warnings) == 2


@pytest.mark.parametrize("job_id", ["AAAAAAAA-BBBB-0000-ffff-1234567890aB", JOB])
def test_ids_of_any_hexadecimal_digits_are_accepted(job_id):
    raw = example("inputs.fromRequirements") | {"jobId": job_id}
    assert read_inputs(raw, job_id=job_id).job_id == job_id


REJECTED = {
    "no inputs": None,
    "inputs are a text": "@",
    "unknown type": draft_job(requestType="fromThinAir"),
    "no type": draft_job(requestType=None),
    "no draft": draft_job(draft="@"),
    "empty draft": draft(),
    "nothing named": draft(structures=[{"aggregates": []}, None, {}]),
    "neither text nor aggregate": draft(structures=[{"boundedContextName": "A"}]),
    "name too long": draft(structures=[{"boundedContextName": "가" * 300}]),
    "no requirements": example("inputs.fromRequirements") | {"requirements": "@"},
    "blank requirements": example("inputs.fromRequirements") | {"requirements": " \n\t"},
    "too long": example("inputs.fromRequirements") | {"requirements": "주문 " * 650_000},
    "requirements are a list": example("inputs.fromRequirements") | {"requirements": ["a"]},
}


@pytest.mark.parametrize("raw", REJECTED.values(), ids=REJECTED.keys())
def test_what_cannot_be_understood_is_rejected_with_a_sentence_that_says_what_to_do(raw):
    with pytest.raises(InputRejected) as rejected:
        read_inputs(raw, job_id=DRAFT_JOB)
    sentence = str(rejected.value)
    assert sentence.endswith(".")
    assert "start" in sentence.lower() or "must be" in sentence


@pytest.mark.parametrize("raw", [raw for raw in REJECTED.values() if isinstance(raw, dict)])
def test_rejections_are_in_the_users_language(raw):
    with pytest.raises(InputRejected, match=r"[가-힣]+.*(주세요|합니다)"):
        read_inputs(raw | {"preferedLanguage": "Korean"}, job_id=DRAFT_JOB)


@given(JSON)
def test_any_json_is_understood_or_rejected(raw):
    with contextlib.suppress(InputRejected):
        assert read_inputs(raw, job_id=JOB).SerializeToString()


@given(DRAFTS)
def test_any_draft_is_understood_or_rejected(value):
    try:
        found = read_inputs(draft_job(draft=value), job_id=DRAFT_JOB)
    except InputRejected:
        return
    assert found.draft.contexts
    assert found.SerializeToString()


@pytest.mark.parametrize("name", EXAMPLES)
def test_inputs_written_by_us_read_the_same_and_fit_the_contract(name):
    raw = example(name)
    found = read_inputs(raw, job_id=raw["jobId"])
    written = write_inputs(found)
    assert read_inputs(written, job_id=raw["jobId"]) == found
    jsonschema.validate(written, inputs_schema())


def test_without_a_language_the_text_decides():
    assert spoken(job_pb2.JobInput(requirements="an order 주문")) == model_pb2.LANGUAGE_KOREAN
    assert spoken(job_pb2.JobInput(requirements="an order")) == model_pb2.LANGUAGE_ENGLISH
    asked = job_pb2.JobInput(job_id=JOB, requirements="고객은 주문한다")
    assert write_inputs(asked)["preferedLanguage"] == "Korean"


def test_submitting_nothing_is_rejected():
    with pytest.raises(InputRejected):
        write_inputs(job_pb2.JobInput(job_id=JOB, language=model_pb2.LANGUAGE_ENGLISH))
