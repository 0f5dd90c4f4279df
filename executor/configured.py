"""From the settings' names to language models: which provider a name means, with which key and address."""

from __future__ import annotations

import json

from executor.llm import providers
from executor.llm.language_model import LanguageModel
from executor.llm.language_models import ProcessLanguageModels
from executor.metrics import Metrics
from executor.settings import ModelName, Settings
from process.traces import OFF, Traces


def language_models(settings: Settings, metrics: Metrics, traces: Traces = OFF) -> ProcessLanguageModels:
    """Those of a process. Raises providers.MissingProvider when a package or a key is missing."""
    main = language_model(settings.ai_model, settings)
    light = (
        main if settings.light_model == settings.ai_model else language_model(settings.light_model, settings)
    )
    timeout = settings.llm_timeout_seconds
    extra = json.dumps(settings.llm_extra_body, sort_keys=True) if settings.llm_extra_body else ""
    return ProcessLanguageModels(
        main,
        light,
        concurrency=settings.llm_max_concurrency,
        timeout=timeout,
        metrics=metrics,
        extra=extra,
        traces=traces,
        langsmith=settings.langsmith_tracing,
    )


def language_model(name: ModelName, settings: Settings) -> LanguageModel:
    """The language model that a name means."""
    timeout = settings.llm_timeout_seconds
    if name.provider == "offline":
        return providers.offline(str(name))
    if name.provider == "openai":
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
        return providers.openai(
            str(name),
            name.model,
            api_key=key,
            base_url=settings.openai_base_url,
            timeout=timeout,
            extra_body=settings.llm_extra_body,
            extra_headers={
                name: value.get_secret_value() for name, value in settings.llm_extra_headers.items()
            },
        )
    return providers.other(str(name), name.provider, name.model, name.variant, timeout=timeout)
