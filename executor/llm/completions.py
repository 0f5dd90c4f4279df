"""A chat completion as a reply, whoever's form it has: the answer wherever it stands, thoughts, why it ended, its tokens."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata

from executor.llm.failures import NoCompletion, keyless
from executor.llm.language_model import Reply

_FILTERED: Final = "stopped by the provider's content filter"
_STOPPED: Final = {
    "refusal": "refused",
    **dict.fromkeys(
        ("content_filter", "safety", "prohibited_content", "blocklist", "spii", "recitation"), _FILTERED
    ),
}
"""Ends of an answer, as providers name them, that mean there is none."""
_CUT: Final = ("length", "max_tokens", "model_length", "model_context_window_exceeded")
_MOST_TOKENS: Final = 2**31


def message_of(body: Any) -> AIMessage:
    """From the body of a chat completion. Raises NoCompletion."""
    with suppress(ValueError):  # JSON by another name
        body = json.loads(body) if isinstance(body, str) else body
    whole = body if isinstance(body, dict) else {}
    choice = next(iter(_dicts(whole.get("choices"))), {})
    message = choice.get("message")
    failed = whole.get("error") or whole.get("object") == "error" or choice.get("error")
    if failed or not isinstance(message, dict) or isinstance(message.get("content"), (int, float)):
        raise NoCompletion(choice.get("error") or body)
    return AIMessage(
        content=_text(message.get("content"), _calls(message), message),
        additional_kwargs={"refusal": message.get("refusal")},
        response_metadata={"finish_reason": choice.get("finish_reason"), "model_name": whole.get("model")},
        usage_metadata=_usage(whole.get("usage")),
    )


def reply_of(message: AIMessage, asked: int) -> Reply:
    """From a message of any provider. `asked`: bytes of the question."""
    used, end = _used(message, asked), message.response_metadata
    if refusal := message.additional_kwargs.get("refusal"):
        return replace(used, declined=f"refused: {keyless(str(refusal))[:300]}")
    reason = str(end.get("finish_reason") or end.get("stop_reason") or end.get("done_reason") or "")
    ended = reason.rsplit(".", 1)[-1].lower()
    if declined := _blocked(end) or _STOPPED.get(ended, ""):
        return replace(used, declined=declined)
    calls = [call["args"] for call in (*message.tool_calls, *message.invalid_tool_calls)]
    return replace(used, text=_text(message.content, calls, message.additional_kwargs), cut=ended in _CUT)


def _blocked(end: Mapping[str, Any]) -> str:
    reason = (end.get("prompt_feedback") or {}).get("block_reason") or ""
    if str(reason).rsplit(".", 1)[-1] in ("", "0", "BLOCK_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED"):
        return ""
    return f"the provider's content filter stopped the question ({reason})"


def _text(content: Any, calls: Sequence[Any], message: Mapping[str, Any]) -> str:
    """What was said, then the arguments of calls; where there is none of these, what was thought."""
    said = "\n".join(part for part in (*_parts(content), *map(_written, calls)) if part.strip())
    thoughts = (message.get(name) for name in ("reasoning_content", "reasoning", "thinking"))
    return said or next((f"<think>{_written(thought)}</think>" for thought in thoughts if thought), "")


def _parts(content: Any) -> Iterator[str]:
    """Thoughts among the parts are marked as such."""
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, dict) and part.get("type") in ("thinking", "reasoning"):
            thought = part.get("thinking") or part.get("reasoning")
            yield f"<think>{''.join(_parts(thought))}</think>"
        elif isinstance(part, dict) and "type" in part:
            yield _written(part.get("text"))
        else:
            yield _written(part)


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _calls(message: Mapping[str, Any]) -> list[Any]:
    """The arguments of a message's calls, whatever their shape; none of a call without any."""
    calls = message.get("tool_calls") or message.get("function_call") or []
    functions = [call.get("function") or call for call in _dicts(calls)]
    names = ("arguments", "parameters", "input")
    return [next((one[name] for name in names if name in one), None) for one in _dicts(functions)]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def _used(message: AIMessage, asked: int) -> Reply:
    """Four bytes a token where the provider says nothing that can be used."""
    if (usage := _usage(message.usage_metadata)) is None:
        answer = len(str(message.content).encode("utf-8", "replace"))
        return Reply(tokens=(asked + answer) // 4 + 1, prompt=asked // 4, estimated=True)
    cached = usage["input_token_details"]["cache_read"]
    return Reply(tokens=usage["total_tokens"], prompt=usage["input_tokens"], cached=cached)


def _usage(usage: Any) -> UsageMetadata | None:
    """Tokens within one another, whatever the provider says, in LangChain's words or in OpenAI's; None if it says nothing."""
    usage = usage if isinstance(usage, Mapping) else {}
    prompt = _count(usage.get("prompt_tokens", usage.get("input_tokens")))
    answer = _count(usage.get("completion_tokens", usage.get("output_tokens")))
    total = max(_count(usage.get("total_tokens")), prompt + answer)
    details = usage.get("prompt_tokens_details") or usage.get("input_token_details")
    cached = details.get("cached_tokens", details.get("cache_read")) if isinstance(details, Mapping) else 0
    read = InputTokenDetails(cache_read=min(_count(cached), prompt))
    counted = UsageMetadata(
        input_tokens=prompt, output_tokens=total - prompt, total_tokens=total, input_token_details=read
    )
    return counted if total else None


def _count(value: Any) -> int:
    """A number of tokens however it is written; 0 for what cannot be one."""
    try:
        number = math.ceil(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0
    return number if 0 <= number < _MOST_TOKENS else 0
