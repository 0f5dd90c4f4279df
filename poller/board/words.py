"""The words of the board's own interface and of the exports, English and Korean. The model's come from the model."""

from collections.abc import Mapping
from typing import Final

from eventstorming.v1.model_pb2 import LANGUAGE_KOREAN, EventStormingModel

_BOARD: Final[Mapping[str, tuple[str, str]]] = {
    "lang": ("en", "ko"),
    "title": ("EventStorming board", "이벤트스토밍 보드"),
    "actor": ("Actor", "액터"),
    "screen": ("Screen", "화면"),
    "command": ("Command", "커맨드"),
    "aggregate": ("Aggregate", "애그리거트"),
    "event": ("Event", "이벤트"),
    "policy": ("Policy", "폴리시"),
    "readmodel": ("Read model", "리드모델"),
    "context": ("Bounded context", "바운디드 컨텍스트"),
    "requirements": ("Requirements", "요구사항"),
    "details": ("Details", "상세"),
    "search": ("Search stickers", "스티커 찾기"),
    "zoomIn": ("Zoom in", "확대"),
    "zoomOut": ("Zoom out", "축소"),
    "fit": ("Show everything", "전체 보기"),
    "theme": ("Light or dark", "밝게 / 어둡게"),
    "help": ("Keyboard", "키보드"),
    "close": ("Close", "닫기"),
    "uncovered": ("no sticker", "스티커 없음"),
    "uncoveredCount": ("{n} of {m} sentences without a sticker", "{m}개 문장 중 {n}개에 스티커 없음"),
    "allCovered": ("Every sentence has a sticker", "모든 문장에 스티커가 있습니다"),
    "noSource": ("This model carries no source text.", "이 모델에는 원문이 들어 있지 않습니다."),
    "fields": ("Fields", "필드"),
    "parameters": ("Parameters", "조회 조건"),
    "valueObjects": ("Value objects", "값 객체"),
    "enumerations": ("Enumerations", "열거형"),
    "rules": ("Rules", "규칙"),
    "scenarios": ("Scenarios", "시나리오"),
    "given": ("Given", "주어진 상황"),
    "when": ("When", "행동"),
    "then": ("Then", "결과"),
    "wireframe": ("Wireframe", "화면 설계"),
    "source": ("From the requirements", "요구사항 원문"),
    "emits": ("Leads to", "발생시키는 이벤트"),
    "emittedBy": ("Comes from", "발생 원인"),
    "trigger": ("Whenever", "다음이 일어나면"),
    "results": ("Then", "이어지는 이벤트"),
    "triggers": ("Sets off", "작동시키는 폴리시"),
    "causedBy": ("Follows from", "앞선 폴리시"),
    "references": ("Refers to", "참조하는 애그리거트"),
    "referredBy": ("Referred to by", "참조되는 애그리거트"),
    "givenBy": ("Given by", "내리는 사람"),
    "askedBy": ("Asked by", "조회하는 사람"),
    "gives": ("Gives", "내리는 명령"),
    "commands": ("Commands", "커맨드"),
    "events": ("Events", "이벤트"),
    "policies": ("Policies", "폴리시"),
    "aggregates": ("Aggregates", "애그리거트"),
    "contexts": ("Bounded contexts", "바운디드 컨텍스트"),
    "key": ("key", "키"),
    "list": ("answers with a list", "목록으로 응답"),
    "kindCreate": ("creates", "생성"),
    "kindUpdate": ("changes", "변경"),
    "kindDelete": ("deletes", "삭제"),
    "showsFor": ("Screen of", "다음의 화면"),
    "nothing": ("Nothing matches.", "찾는 것이 없습니다."),
    "stickersOf": ("{n} stickers from this sentence", "이 문장에서 나온 스티커 {n}개"),
    "helpText": (
        "Arrow keys: next sticker\nEnter: open it\nEsc: close\n/: search, Enter: next match\n+ and -: zoom\n0: show everything\nT: light or dark\nR: requirements",
        "방향키: 다음 스티커\nEnter: 열기\nEsc: 닫기\n/: 찾기, Enter: 다음 결과\n+ / -: 확대, 축소\n0: 전체 보기\nT: 밝게 / 어둡게\nR: 요구사항",
    ),
    "empty": ("Nothing on the board yet.", "아직 보드에 아무것도 없습니다."),
    "jobs": ("Jobs", "작업 목록"),
    "log": ("Log", "기록"),
    "queued": ("Waiting", "대기 중"),
    "queuedAt": ("Waiting, place {n}", "대기 중, {n}번째"),
    "running": ("Generating", "생성 중"),
    "completed": ("Completed", "완료"),
    "failed": ("Failed", "실패"),
    "removed": ("Removed", "삭제됨"),
    "retry": ("Try again", "다시 시도"),
    "refused": ("That did not work: {m}", "처리하지 못했습니다: {m}"),
    "lost": ("Connection lost, trying again …", "연결이 끊겨 다시 시도합니다 …"),
}
_EXPORTS: Final[Mapping[str, tuple[str, str]]] = {
    "specification": ("Specification", "명세서"),
    "contextMap": ("Context map", "컨텍스트 맵"),
    "what": ("Element", "요소"),
    "howMany": ("Count", "개수"),
    "valueObject": ("Value object", "값 객체"),
    "enumeration": ("Enumeration", "열거형"),
    "scenario": ("Scenario", "시나리오"),
    "name": ("Name", "이름"),
    "type": ("Type", "타입"),
    "meaning": ("Meaning", "의미"),
    "references": ("References between aggregates", "애그리거트 사이의 참조"),
    "from": ("From", "참조하는 쪽"),
    "to": ("To", "참조되는 쪽"),
    "why": ("Why", "이유"),
    "actors": ("Actors", "액터"),
    "traceability": ("Traceability", "추적표"),
    "leftOut": ("What was left out", "빠진 것"),
    "uncoveredSentences": ("Sentences that became no element", "어떤 요소도 되지 않은 문장"),
    "incomplete": ("Not worked out", "아직 채워지지 않은 것"),
    "nothingLeftOut": (
        "Nothing: every sentence became an element and every element is worked out.",
        "없음: 모든 문장이 요소가 되었고 모든 요소가 채워졌습니다.",
    ),
    "noAggregates": ("no aggregates", "애그리거트 없음"),
    "noKey": ("no key", "키 없음"),
    "noEvents": ("leads to no event", "발생시키는 이벤트 없음"),
    "noScenarios": ("no scenario", "시나리오 없음"),
    "notEmitted": ("no command leads to it", "이 이벤트를 일으키는 커맨드 없음"),
}


def words_for(model: EventStormingModel) -> dict[str, str]:
    """Korean for a Korean model, English for any other."""
    return _spoken(_BOARD, model)


def export_words_for(model: EventStormingModel) -> dict[str, str]:
    """The board's words and those of the exports, which win."""
    return _spoken({**_BOARD, **_EXPORTS}, model)


def _spoken(words: Mapping[str, tuple[str, str]], model: EventStormingModel) -> dict[str, str]:
    korean = model.language == LANGUAGE_KOREAN
    return {key: both[korean] for key, both in words.items()}
