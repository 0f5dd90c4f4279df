"""One Korean word for one thing, in every page that is written in Korean and in all that the programs say; the words are those
of README.ko.md's glossary."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOREIGN = ROOT / "workbench/eval/texts"  # requirements as people write them, in their words
PAGES = sorted(
    page
    for page in ROOT.rglob("*.ko.md")
    if not {".venv", "node_modules", "out"} & set(page.parts) and not page.is_relative_to(FOREIGN)
)
CODE = re.compile(r"```.*?```|`[^`\n]*`|\[[^\]]*\]\([^)]*\)|\([a-z, ]+\)|<!--.*?-->", re.DOTALL)

WORDS = {
    "폴러": r"poller|포울러",
    "실행기": r"executor|익스큐터",
    "리드 모델": r"리드모델|읽기 ?모델|조회 ?모델|read model",
    "폴리시": r"정책|policy",
    "답변": r"(?<![가-힣])답(?:[을이은의에만,.]|마다|과)(?![가-힣])",
    "레지스트리": r"이미지 저장소|registry",
    "커맨드": r"command",
    "애그리거트": r"애그리게이트|어그리거트|어그리게이트|집합체|aggregate",
    "바운디드 컨텍스트": r"경계 ?컨텍스트|제한된 컨텍스트|bounded context",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_one_thing_has_one_korean_name(page: Path) -> None:
    prose = CODE.sub(" ", page.read_text("utf-8"))
    others = [
        f"{found[0]!r} for {word}" for word, other in WORDS.items() for found in re.finditer(other, prose)
    ]
    assert others == []


SOURCES = sorted(path for part in ("poller", "executor", "process") for path in (ROOT / part).rglob("*.py"))
HANGUL = re.compile("[가-힣]")


def test_what_the_programs_say_has_the_same_names() -> None:
    said = [
        (path.name, text)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(text := node.value, str) and HANGUL.search(text)
    ]
    assert len(said) > 200
    others = [
        f"{name}: {found[0]!r} for {word} in {text!r}"
        for name, text in said
        for word, other in WORDS.items()
        for found in re.finditer(other, re.sub(r"[A-Za-z]+", " ", text))
    ]
    assert others == []


def test_there_are_korean_pages() -> None:
    assert ROOT / "README.ko.md" in PAGES
