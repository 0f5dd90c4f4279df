"""The line round the unit part holds: no process, no sleep that a state or a signal could replace."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartsAProcess, is_heavy

TESTS = Path(__file__).parent
LONGEST_PAUSE = 0.02
"""Between two looks at a state that nobody announces."""


def test_a_unit_test_cannot_start_a_process() -> None:
    with pytest.raises(StartsAProcess, match="test_a_unit_test_cannot_start_a_process"):
        subprocess.run([sys.executable, "-c", ""], check=True)


@pytest.mark.heavy
def test_a_heavy_one_can() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def test_no_unit_test_sleeps() -> None:
    files = [path for path in sorted(TESTS.rglob("*.py")) if not is_heavy(path)]
    assert [sleep for path in files for sleep in _sleeps(path)] == []


def _sleeps(path: Path) -> Iterator[str]:
    source = path.read_text("utf-8")
    if "sleep(" not in source:
        return
    module = ast.parse(source)
    if any(isinstance(node, ast.Assign) and _heavy([node.value]) for node in module.body):
        return
    for node in _unit(module):
        if isinstance(node, ast.Call) and _is_sleep(node.func):
            seconds = node.args[0]
            if isinstance(seconds, ast.Constant) and float(str(seconds.value)) > LONGEST_PAUSE:
                yield f"{path.relative_to(TESTS)}:{node.lineno}"


def _is_sleep(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and ast.unparse(function) in ("time.sleep", "asyncio.sleep")


def _unit(node: ast.AST) -> Iterator[ast.AST]:
    """Everything that stands in no function marked heavy, nor in one on virtual time."""
    yield node
    for inner in ast.iter_child_nodes(node):
        if not (isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and _heavy(inner.decorator_list)):
            yield from _unit(inner)


def _heavy(expressions: list[ast.expr]) -> bool:
    return any(ast.unparse(expression) in ("pytest.mark.heavy", "virtual") for expression in expressions)
