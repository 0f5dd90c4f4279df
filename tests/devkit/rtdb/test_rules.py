"""Security rules: the expression language, and how permission and validity are asked for along a path."""

from __future__ import annotations

from typing import Any

import pytest

from devkit.rtdb import tree
from devkit.rtdb.expressions import RuleSyntax, compile_rule
from devkit.rtdb.rule_values import Snapshot, number_text
from devkit.rtdb.rules import Rules, RulesRejected, read_rules
from devkit.rtdb.window import NO_QUERY

TREE = tree.from_json(
    {
        "users": {"ann": {"age": 30, "ok": True, "name": "Ann", ".priority": 7}},
        "list": ["x", "y"],
        "emoji": "🙂",
        "minus": -7,
    }
)
SCOPE: dict[str, Any] = {
    "auth": {"uid": "ann", "token": {"email": "ann@example.com"}},
    "now": 1000,
    "root": Snapshot(TREE, ()),
    "data": Snapshot(TREE, ("users", "ann")),
    "newData": Snapshot(TREE, ("list",)),
    "query": NO_QUERY,
    "$uid": "ann",
}


@pytest.mark.parametrize(
    "rule",
    [
        "true",
        "auth != null && auth.uid === $uid",
        "auth.uid == 'ann' || false",
        "auth.token.email.endsWith('@example.com')",
        "auth['uid'] === \"ann\"",
        "auth[$uid] === null",
        "auth['uid'].contains('nn') && root['child']('list')['exists']()",
        "auth.missing === null",
        "auth.uid.foo.bar === null",
        "data.child('age').val() === 30",
        "data.child('age').val() > 29.5 && data.child('age').val() <= 30",
        "root.child('users/' + auth.uid).exists()",
        "root.child('users').child($uid).hasChildren(['age', 'name'])",
        "!root.child('nobody').exists()",
        "!root.child('nobody').hasChildren()",
        "!root.child('a.b').exists() && root.child('banned/a@b.c').val() != true",
        "data.hasChild('ok') && data.child('ok').isBoolean() && data.child('ok').val() == true",
        "data.child('name').isString() && data.child('name').val().length === 3",
        "root.child('emoji').val().length === 2",
        "data.child('age').isNumber() && !data.child('name').isNumber()",
        "data.parent().parent().child('list/0').val() === 'x'",
        "data.getPriority() === 7 && newData.getPriority() === null",
        "newData.hasChildren()",
        "data.child('name').val().matches(/^a.n$/i)",
        "!data.child('name').val().matches(/^a/)",
        "data.child('name').val().contains('nn')",
        "'Ann'.toLowerCase() === auth.uid",
        "'a-b'.replace('-', '/') === 'a/b'",
        "'aa'.endsWith('a')",
        "'line\\n\\u0041\\x42'.length === 7",
        "now - 1 < now && now === 1000",
        "1 + 2 * 3 === 7 && (1 + 2) * 3 === 9 && 7 % 4 === 3 && 8 / 2 === 4",
        "root.child('minus').val() % 4 === -3 && 7 % -4 === 3",
        "'n' + 1 === 'n1' && 8 / 2 + '' === '4' && '' + 0.5 === '0.5'",
        "1 / 0 + '' == 'NaN' && !(1 / 0 > 2) && !(1 / 0 < 2) && 5 % 0 + '' == 'NaN'",
        "-1 < 0",
        "false ? false : true",
        "true ? true : auth.uid > 5",
        "true || auth.uid > 5",
        "false || true && true",
        "!(false && true)",
        "data.val() !== null",
        "query.orderByKey == true && query.orderByValue == false && query.orderByChild == null",
        "query.startAt == null && query.limitToFirst == null",
    ],
)
def test_a_rule_that_holds(rule: str) -> None:
    assert compile_rule(rule, {"$uid"}).holds(SCOPE)


@pytest.mark.parametrize(
    "rule",
    [
        "false",
        "auth == null",
        "auth.uid > 5",
        "auth.uid > 5 && true",
        "auth.uid > 5 || true",
        "data.child('missing').val().length > 0",
        "data.child('missing').val().contains('x')",
        "data.child('name').val() === 30",
        "data.child('age').val() === '30'",
        "true === 1",
        "1 - auth.uid === 0",
        "-auth.uid < 0",
        "data.child(auth.missing).exists()",
        "data.child(auth.missing).exists() == false",
        "data.hasChildren([auth.missing])",
        "data.child('').exists()",
        "root.parent().exists()",
        "root.child('a.b').parent().exists()",
        "'foo' > auth.missing",
        "auth.missing + 1 == 1",
        "auth.uid.matches(auth.uid)",
        "(true ? data : null) == null",
        "!((false ? 1 : ['a']) == 1)",
    ],
)
def test_a_rule_that_does_not_hold(rule: str) -> None:
    assert not compile_rule(rule, {"$uid"}).holds(SCOPE)


@pytest.mark.parametrize("rule", ["auth.uid == null", "auth.token.email == null", "!(auth.uid == 'ann')"])
def test_a_member_of_null_is_null_for_nobody(rule: str) -> None:
    assert compile_rule(rule).holds(SCOPE | {"auth": None})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "auth.",
        "auth &&",
        "(true",
        "$other === 1",
        "data.exit()",
        "true true",
        "'open",
        "a ^ b",
        "--1 < 2",
        "1 ++ 2 == 3",
        "(" * 2000,
    ],
)
def test_a_rule_with_an_error_in_its_text_is_refused(text: str) -> None:
    with pytest.raises(RuleSyntax):
        compile_rule(text)


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "'true'",
        "auth",
        "data.val()",
        "auth.uid && true",
        "!data.val()",
        "auth.uid == 'x' ? 7 : true",
        "data ? true : false",
        "1 - 'a' === 0",
        "1 + true == 2",
        "data.val() > true",
        "1 < 'a'",
        "root.child('a') != null",
        "root == null",
        "[] == null",
        "data.child(5).exists()",
        "data.child().exists()",
        "data.val(1) == 1",
        "data.hasChildren('x')",
        "data.hasChildren([])",
        "data.hasChildren(['x', 7])",
        "data.hasChildren(['x'], ['y'])",
        "data.val().notFound == null",
        "auth.uid.contains(7)",
        "auth.uid.notFound() == null",
        "auth.uid.matches('/a/')",
        "now.length > 1",
        "root[$uid]() == null",
        "auth[['a']] == null",
        "query.unknown == null",
    ],
)
def test_types_that_do_not_fit_are_found_when_the_rule_is_stored(text: str) -> None:
    with pytest.raises(RuleSyntax):
        compile_rule(text, {"$uid"})


@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        ("^(19|20)[0-9]{2}[-\\/. ](0[1-9]|1[012])$", "2026-11", "2026-13"),
        ("^[A-Z0-9._%+-]+@[A-Z0-9.-]+\\.[A-Z]{2,4}$", "A@B.CO", "a@b.co"),
        ("^a?b*c+d{1,}$", "bbcd", "ab"),
        ("^\\w\\d\\s$", "x1 ", "가1 "),
        ("a$", "a", "a\n"),
        ("^[[^]$", "[", "a"),
        ("^.\\{}$", "x{}", "x"),
        ("^[^\\w.-]$", "!", "-"),
    ],
)
def test_a_regular_expression_means_what_the_documentation_says(pattern: str, taken: str, left: str) -> None:
    rule = compile_rule(f"$text.matches(/{pattern}/)", {"$text"})
    assert rule.holds({"$text": taken})
    assert not rule.holds({"$text": left})


@pytest.mark.parametrize(
    "pattern",
    [
        "/(/",
        "/a/g",
        "/a/ig",
        "/(?=a)/",
        "/(?i)a/",
        "/a^b/",
        "/a$b/",
        "/*a/",
        "/a**/",
        "/a{/",
        "/[]/",
        "/[z-a]/",
    ],
)
def test_what_the_documentation_does_not_name_is_no_regular_expression(pattern: str) -> None:
    with pytest.raises(RuleSyntax):
        compile_rule(f"'x'.matches({pattern})")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.0, "4"),
        (-0.5, "-0.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (0.00001, "0.00001"),
        (1.5e-7, "1.5e-7"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_a_number_is_written_as_javascript_writes_it(value: float, text: str) -> None:
    assert number_text(value) == text


def test_a_chain_may_be_as_long_as_somebody_likes() -> None:
    assert compile_rule(" || ".join(["false"] * 5000 + ["true"])).holds({})


def rules(**source: Any) -> Rules:
    return Rules({"rules": source})


def may_write(checked: Rules, path: str, value: Any, auth: Any = None, before: Any = None) -> bool:
    old = tree.from_json(before)
    places = tree.parse_path(path)
    new = tree.put(old, places, tree.from_json(value))
    return checked.may_write([places], old, new, auth, 0)


def test_reading_sees_no_new_data() -> None:
    with pytest.raises(RulesRejected, match=r"/a/\.read: unknown variable 'newData'"):
        rules(a={".read": "newData.exists()"})
    rules(a={".write": "newData.exists()", ".validate": "newData.exists()"})


def test_deleting_what_is_not_there_touches_no_validation() -> None:
    checked = rules(**{".write": True}, job={".validate": "newData.hasChildren(['at'])"})
    assert may_write(checked, "job/other", None, before={"job": {"x": 1}})
    assert not may_write(checked, "job/x", None, before={"job": {"x": 1, "y": 1}})


def test_a_priority_is_written_by_whoever_may_write_its_node() -> None:
    checked = rules(own={".write": True, ".validate": "newData.getPriority() != 3"})
    before = {"own": 1, "other": 1}
    assert may_write(checked, "own/.priority", 2, before=before)
    assert not may_write(checked, "own/.priority", 3, before=before)
    assert not may_write(checked, "other/.priority", 2, before=before)


def test_only_what_asks_data_or_time_may_change_who_reads() -> None:
    asked = rules(
        a={".read": "auth.uid === 'ann'", "b": {".read": "data.child('x').exists()"}},
        c={"$d": {".read": "$d === auth.uid"}, "e": {".read": "now > 5"}},
    )
    assert [
        asked.reading_may_change(tree.parse_path(path)) for path in ("a", "a/b/c", "c/d", "c/e", "z")
    ] == [
        False,
        True,
        False,
        True,
        False,
    ]


COMMENTED = b"""{
  // who may
  "rules": { /* all
    of them */ ".read": "auth.uid == '//no comment' || true", "a": {".validate": "newData.isString()"}
  }
}"""


def test_a_rules_file_may_have_comments_and_is_given_back_as_it_came() -> None:
    commented = read_rules(COMMENTED)
    assert commented.may_read((), None, None, 0)
    assert commented.source == COMMENTED.decode()
    assert read_rules(b'{"rules": {}}').source == {"rules": {}}


@pytest.mark.parametrize("body", [b"", b"{", b'{"rules": {} /* open', b"\xff", b"[" * 100_000, b"// nothing"])
def test_what_is_no_rules_file_is_refused(body: bytes) -> None:
    with pytest.raises(RulesRejected):
        read_rules(body)


def test_permission_cascades_and_nothing_below_takes_it_back() -> None:
    open_above = rules(a={".read": True, "b": {".read": False}})
    assert open_above.may_read(("a", "b", "c"), None, None, 0)
    assert not open_above.may_read((), None, None, 0)
    assert not open_above.may_read(("z",), None, None, 0)


def test_a_wildcard_is_what_the_path_says() -> None:
    own = rules(users={"$uid": {".write": "auth.uid === $uid"}, "shared": {".write": True}})
    assert may_write(own, "users/ann/x", 1, {"uid": "ann"})
    assert not may_write(own, "users/bob/x", 1, {"uid": "ann"})
    assert may_write(own, "users/shared", 1)


def test_validation_is_asked_above_and_below_the_write_but_not_of_what_is_deleted() -> None:
    checked = rules(
        **{".write": True},
        job={".validate": "newData.hasChildren(['at'])", "at": {".validate": "newData.isNumber()"}},
    )
    assert may_write(checked, "job", {"at": 1})
    assert not may_write(checked, "job", {"at": "soon"})
    assert not may_write(checked, "job/other", 1)
    assert not may_write(checked, "job/at", None, before={"job": {"at": 1, "x": 1}})
    assert may_write(checked, "job", None, before={"job": {"at": 1}})


def test_every_path_of_an_update_is_judged_by_the_tree_it_leaves() -> None:
    guarded = rules(lock={".write": True}, data={".write": "newData.parent().child('lock').val() === 'mine'"})
    new = tree.from_json({"lock": "mine", "data": 1})
    assert guarded.may_write([("lock",), ("data",)], None, new, None, 0)
    assert not guarded.may_write([("data",)], None, tree.from_json({"data": 1}), None, 0)


def test_rules_can_fence_by_a_lease_token() -> None:
    lease = "root.child('requestedJobs/ns/' + $job + '/lease/token').val() === auth.lease"
    fenced = rules(jobs={"ns": {"$job": {".write": f"auth.uid === 'eventstorming' && {lease}"}}})
    held = {"requestedJobs": {"ns": {"j1": {"lease": {"token": "t1"}}}}}
    assert may_write(fenced, "jobs/ns/j1/x", 1, {"uid": "eventstorming", "lease": "t1"}, held)
    assert not may_write(fenced, "jobs/ns/j1/x", 1, {"uid": "eventstorming", "lease": "t0"}, held)
    assert not may_write(fenced, "jobs/ns/j2/x", 1, {"uid": "eventstorming", "lease": "t1"}, held)


def test_indexes_are_known_by_place() -> None:
    indexed = rules(jobs={"$ns": {".indexOn": ["createdAt", "/a/b/"]}, ".indexOn": ".value"})
    assert indexed.indexed(("jobs", "x"), "createdAt")
    assert indexed.indexed(("jobs", "x"), "a/b")
    assert indexed.indexed(("jobs",), ".value")
    assert not indexed.indexed(("jobs", "x", "y"), "createdAt")
    assert not indexed.indexed(("other",), ".value")


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"rules": 1},
        {"rules": {"a": 5}},
        {"rules": {".read": 5}},
        {"rules": {".read": "auth.uid ==="}},
        {"rules": {".unknown": True}},
        {"rules": {".indexOn": 3}},
        {"rules": {"$a": {}, "$b": {}}},
        {"rules": {"$a": {"b": {"$a": {}}}}},
        {"rules": {}, "more": 1},
        {"rules": {"a": {".read": "$other === 'x'"}}},
    ],
)
def test_rules_with_an_error_are_refused(source: Any) -> None:
    with pytest.raises(RulesRejected):
        Rules(source)
