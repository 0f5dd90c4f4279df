"""The executor's settings, from the environment. A wrong one stops the start with one message that names every wrong one."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from process.settings import Credential, Port, ProcessSettings, read

PROVIDERS = frozenset(
    {
        *(
            "anthropic",
            "anthropic_bedrock",
            "azure_ai",
            "azure_openai",
            "baseten",
            "bedrock",
            "bedrock_converse",
        ),
        *("cohere", "deepseek", "fireworks", "google_anthropic_vertex", "google_genai", "google_vertexai"),
        *("groq", "huggingface", "ibm", "litellm", "mistralai", "nvidia", "offline", "ollama", "openai"),
        *("openrouter", "perplexity", "together", "upstage", "xai"),
    }
)
_OWN_NAMES = frozenset({"openai", "litellm", "ollama", "openrouter"})  # model names of these may hold a colon

_OURS = frozenset(
    {"model", "messages", "response_format", "tools", "tool_choice", "stream", "n"}
)  # of a request


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """`provider:model[:variant]`."""

    provider: str
    model: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """A bare name is OpenAI's; so is `ft:...`. Providers whose own names hold colons keep them."""
        head, colon, rest = text.strip().partition(":")
        if not colon or head == "ft":
            return cls(provider="openai", model=_named(text))
        if head not in PROVIDERS:
            raise ValueError(
                f"unknown provider before the first colon; known: {', '.join(sorted(PROVIDERS))}"
            )
        if head == "offline" and rest != "rules":
            raise ValueError("the embedded language model is offline:rules")
        if head in _OWN_NAMES:
            return cls(provider=head, model=_named(rest))
        model, _, variant = rest.partition(":")
        return cls(provider=head, model=_named(model), variant=variant)

    def __str__(self) -> str:
        return ":".join(part for part in (self.provider, self.model, self.variant) if part)


def _named(model: str) -> str:
    if not model.strip():
        raise ValueError("the name of the model is missing")
    return model.strip()


def _model_name(value: Any) -> Any:
    return ModelName.parse(value) if isinstance(value, str) else value


def _json_object(value: Any) -> Any:
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("must be JSON") from None
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")
    return value


def _not_ours(body: dict[str, Any]) -> dict[str, Any]:
    if ours := sorted(body.keys() & _OURS):
        raise ValueError(f"sets what the program sets itself: {', '.join(ours)}")
    return body


Model = Annotated[ModelName, NoDecode, BeforeValidator(_model_name)]
Header = Annotated[str, Field(pattern=r"^[\w!#$%&'*+.^`|~-]+$")]


class Settings(ProcessSettings):
    """Those of every program, and the executor's own."""

    ai_model: Model = ModelName(provider="openai", model="gpt-4.1-2025-04-14")
    ai_model_light: Annotated[ModelName | None, NoDecode, BeforeValidator(_model_name)] = None
    openai_base_url: Annotated[str | None, Field(pattern="^https?://")] = None
    openai_api_key: Credential | None = None
    llm_extra_body: Annotated[
        dict[str, Any], NoDecode, BeforeValidator(_json_object), AfterValidator(_not_ours)
    ] = Field(default_factory=dict)
    llm_extra_headers: Annotated[dict[Header, Credential], NoDecode, BeforeValidator(_json_object)] = Field(
        default_factory=dict
    )
    langsmith_tracing: bool = False

    max_concurrent_jobs: Annotated[int, Field(ge=1, le=1000)] = 8
    llm_max_concurrency: Annotated[int, Field(ge=1, le=1_000)] = 64  # what OpenAI's client opens at most
    llm_timeout_seconds: Annotated[float, Field(gt=0)] = 120
    job_timeout_seconds: Annotated[float, Field(gt=0)] = 3600
    step_timeout_seconds: Annotated[float, Field(gt=0)] = 300
    job_max_tokens: Annotated[int, Field(ge=0)] = 0
    shutdown_grace_seconds: Annotated[float, Field(ge=0)] = 20

    grpc_port: Port = 50051
    pod_id: str = Field(default_factory=socket.gethostname)

    @property
    def light_model(self) -> ModelName:
        """For the light steps."""
        return self.ai_model_light or self.ai_model

    @field_validator("openai_api_key")
    @classmethod
    def _key_or_endpoint(cls, key: Credential | None, info: ValidationInfo) -> Credential | None:
        asked = [info.data.get("ai_model"), info.data.get("ai_model_light")]
        keyless = not key and not info.data.get("openai_base_url")
        if keyless and any(name and name.provider == "openai" for name in asked):
            raise ValueError(
                "missing for an OpenAI model (or set OPENAI_BASE_URL, or AI_MODEL=offline:rules)"
            )
        return key

    @field_validator("llm_extra_body", "llm_extra_headers")
    @classmethod
    def _for_somebody(cls, extra: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        asked = [name for name in (info.data.get("ai_model"), info.data.get("ai_model_light")) if name]
        if extra and asked and all(name.provider != "openai" for name in asked):
            raise ValueError("is for OpenAI-compatible endpoints (AI_MODEL=openai:...), and none is asked")
        return extra

    @field_validator("grpc_tls_ca")
    @classmethod
    def _ca_of_a_server(cls, authority: Path | None, info: ValidationInfo) -> Path | None:
        if authority and info.data.get("grpc_tls_cert", True) is None:
            raise ValueError("of no use without GRPC_TLS_CERT and GRPC_TLS_KEY")
        return authority


def load(**given: Any) -> Settings:
    """Reads the environment; raises WrongSettings with one message for all that is wrong."""
    return read(Settings, given)
