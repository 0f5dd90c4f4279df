"""What the poller itself has to tell a user, in the language of the job. Everything else the executor says."""

from __future__ import annotations

from eventstorming.v1 import model_pb2

_SENTENCES = {
    "cancelled": ("Cancelled by {by}.", "{by} 님이 취소했습니다."),
    "deadline": (
        "The job reached its time limit of {minutes} minutes and was stopped.",
        "작업이 제한 시간 {minutes}분에 도달하여 중단되었습니다.",
    ),
    "tokens": (
        "The job reached its limit of {limit} tokens and was stopped.",
        "작업이 토큰 한도 {limit}개에 도달하여 중단되었습니다.",
    ),
    "attempts": (
        "Given up after {attempts} attempts. The last one ended with: {reason}",
        "{attempts}번 시도한 뒤 중단되었습니다. 마지막 오류: {reason}",
    ),
    "misconfigured": (
        "The language model cannot be asked; the operator has to correct the settings: {reason}",
        "언어 모델을 사용할 수 없습니다. 운영자가 설정을 고쳐야 합니다: {reason}",
    ),
    "crashes": (
        "Given up: the program that generates was stopped {crashes} times in a row at this job, most likely because it needed more "
        "memory than it may have. A shorter text may help; the operator sees the cause in the executor's log.",
        "이 작업을 처리하던 생성 프로그램이 {crashes}번 연속으로 중단되어 작업을 끝냈습니다. 메모리 부족일 가능성이 큽니다. 글을 줄여 다시 시도해 보세요. "
        "원인은 운영자가 executor 로그에서 확인할 수 있습니다.",
    ),
    "old_worker": (
        "This job was begun by an earlier version of the generator and cannot be continued. Please start it again.",
        "이전 버전의 생성기가 시작한 작업이라 이어서 진행할 수 없습니다. 다시 시작해 주세요.",
    ),
    "no_entry": (
        "The queue entry of this job was damaged, so it could not be run. Please start it again.",
        "작업의 대기열 항목이 손상되어 실행할 수 없습니다. 다시 시작해 주세요.",
    ),
    "invalid_model": (
        "The generated model broke a rule of the canvas and was not published as finished: {finding}",
        "생성된 모델이 캔버스 규칙에 맞지 않아 완료로 처리하지 않았습니다: {finding}",
    ),
    "kept": (
        "{count} stickers shown before the generator was upgraded are not in the finished model. They stay on the canvas until you delete them: {names}",
        "생성기가 업그레이드되기 전에 표시된 스티커 {count}개는 완성된 모델에 없습니다. 직접 삭제할 때까지 캔버스에 남습니다: {names}",
    ),
    "internal": (
        "The generation stopped because of a fault of ours ({kind}).",
        "내부 오류로 생성이 중단되었습니다({kind}).",
    ),
}


def sentence(name: str, language: model_pb2.Language, **values: object) -> str:
    """`values` fill its placeholders; KeyError where one is missing."""
    english, korean = _SENTENCES[name]
    return (korean if language == model_pb2.LANGUAGE_KOREAN else english).format(**values)
