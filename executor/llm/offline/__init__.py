"""The embedded language model `offline:rules`: answers every step from the text by rules, without a network."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel


def chat_model() -> BaseChatModel:
    """A chat model that answers by rules. Imported only when `offline:` is named."""
    from executor.llm.offline.chat_model import RulesChatModel

    return RulesChatModel()
