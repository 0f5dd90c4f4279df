"""Security rules: the expression language, and how permission and validity are asked for along a path."""

from __future__ import annotations

from typing import Any

import pytest

from devkit.rtdb import tree
from devkit.rtdb.expressions import RuleSyntax, Snapshot, compile_rule, holds
from devkit.rtdb.rules import Rules, RulesRejected

TREE = tree.from_json({"users": {"ann": {"age": 30, "ok": True, "name": "Ann"}}, "list": ["x", "y"]})
SCOPE: dict[str, Any] = {
    "auth": {"uid": "ann", "token": {"email": "ann@example.com"}},
    "now": 1000,
    "root": Snapshot(TREE, ()),
    "data": Snapshot(TREE, ("users", "ann")),
    "newData": Snapshot(TREE, ("list",)),
    "query": {},
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
        "auth.missing === null",
        "data.child('age').val() === 30",
        "data.child('age').val() > 29.5 && data.child('age').val() <= 30",
        "root.child('users/' + auth.uid).exists()",
        "root.child('users').child($uid).hasChildren(['age', 'name'])",
        "!root.child('nobody').exists()",
        "!root.child('nobody').hasChildren()",
        "data.hasChild('ok') && data.child('ok').isBoolean() && data.child('ok').val()",
        "data.child('name').isString() && data.child('name').val().length === 3",
        "data.child('age').isNumber() && !data.child('name').isNumber()",
        "data.parent().parent().child('list/0').val() === 'x'",
        "newData.hasChildren()",
        "data.child('name').val().matches(/^a.n$/i)",
        "!data.child('name').val().matches(/^a/)",
        "data.child('name').val().contains('nn')",
        "'Ann'.toLowerCase() === auth.uid",
        "'a-b'.replace('-', '/') === 'a/b'",
        "now - 1 < now && now === 1000",
        "1 + 2 * 3 === 7 && (1 + 2) * 3 === 9 && 7 % 4 === 3 && 8 / 2 === 4",
        "'n' + 1 === 'n1'",
        "-1 < 0",
        "false ? false : true",
        "true ? true : auth.uid > 5",
        "auth.uid > 5 || true",
        "true || auth.uid > 5",
        "false || true && true",
        "!(false && true)",
        "data.val() !== null",
    ],
)
def test_a_rule_that_holds(rule: str) -> None:
    assert holds(compile_rule(rule, frozenset({"$uid"})), SCOPE)


@pytest.mark.parametrize(
    "rule",
    [
        "false",
        "auth == null",
        "1",
        "'true'",
        "auth.uid > 5",
        "auth.uid > 5 && true",
        "auth.uid.foo.bar === null",
        "data.child('missing').val().length > 0",
        "data.child('name').val() === 30",
        "data.child('age').val() === '30'",
        "true === 1",
        "1 - 'a' === 0",
        "1 / 0 === 1",
        "data.child(5).exists()",
        "data.child('a.b').exists()",
        "root.parent().exists()",
        "auth",
        "data.hasChildren('x')",
    ],
)
def test_a_rule_that_does_not_hold(rule: str) -> None:
    assert not holds(compile_rule(rule, frozenset({"$uid"})), SCOPE)


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
        "x.matches(/(/)",
    ],
)
def test_a_rule_with_an_error_in_its_text_is_refused(text: str) -> None:
    with pytest.raises(RuleSyntax):
        compile_rule(text, frozenset())


def rules(**source: Any) -> Rules:
    return Rules({"rules": source})


def may_write(checked: Rules, path: str, value: Any, auth: Any = None, before: Any = None) -> bool:
    old = tree.from_json(before)
    places = tree.parse_path(path)
    new = tree.put(old, places, tree.from_json(value))
    return checked.may_write([places], old, new, auth, 0)


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
        {"rules": {"a": {".read": "$other === 'x'"}}},
    ],
)
def test_rules_with_an_error_are_refused(source: Any) -> None:
    with pytest.raises(RulesRejected):
        Rules(source)
