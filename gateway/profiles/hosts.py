"""What servers of models accept, whatever model they serve: a row a provider or host with its source."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gateway.profiles.media import SPEECH_FORMATS, SUBTITLED

_UNKNOWN_TO_OPENAI = frozenset(("top_k", "enable_thinking", "chat_template_kwargs"))
_OPENAI = ("openai", "azure", "api.openai.com", "openai.azure.com")
_STRICT = frozenset(("top_k", "verbosity", "prompt_cache_key", "safety_identifier", "service_tier", "metadata"))
"""Members that servers with strict schemas refuse as unknown."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A row."""

    names: tuple[str, ...]
    """Providers of the configuration, and hosts with all below them."""
    families: tuple[str | None, ...] | None
    """Only of models of these families, None among them is a name that says nothing; None = of all."""
    changes: Mapping[str, Any]
    source: str


def _row(source: str, *names: str, families: tuple[str | None, ...] | None = None, **changes: Any) -> Host:
    return Host(names=names, families=families, changes=changes, source=source)


HOSTS: tuple[Host, ...] = (
    _row(
        "platform.openai.com/docs/api-reference/chat; learn.microsoft.com/azure/foundry/openai",
        *_OPENAI,
        families=("gpt", "o", None),
        refused=_UNKNOWN_TO_OPENAI,
        thinking_member=None,
        max_tokens_member="max_completion_tokens",
        cache_marks=False,
        tool_call_id_pattern=r"[a-zA-Z0-9_-]{1,40}",
        most_tools=128,
        most_stops=4,
    ),
    _row(
        "platform.openai.com/docs/api-reference/audio/createTranscription",
        *_OPENAI,
        families=("whisper",),
        choices={"transcriptions": {"response_format": SUBTITLED}},
    ),
    _row(
        "platform.openai.com/docs/api-reference/audio/createSpeech: stream_format is not for tts-1",
        *_OPENAI,
        families=("tts",),
        choices={"speech": {"response_format": SPEECH_FORMATS, "stream_format": ("audio",)}},
    ),
    _row(
        "docs.vllm.ai: OpenAI-compatible server, reasoning outputs",
        "vllm",
        thinking_member="reasoning",
        developer_role=False,
        efforts=("low", "medium", "high"),
    ),
    _row("llama.cpp tools/server/README.md", "llama.cpp", developer_role=False),
    _row(
        "docs.ollama.com: OpenAI compatibility, thinking",
        "ollama",
        "ollama.com",
        thinking_member="reasoning",
        developer_role=False,
    ),
    _row("docs.sglang.io: separate reasoning", "sglang", developer_role=False),
    _row("huggingface.co/docs/text-generation-inference: API reference", "tgi", developer_role=False, most_stops=4),
    _row(
        "docs.mistral.ai/api: unknown members are refused with 422",
        "mistral",
        "api.mistral.ai",
        refused=_STRICT | {"seed", "logprobs", "top_logprobs"},
        thinking_member="content",
        max_tokens_member="max_tokens",
    ),
    _row(
        "console.groq.com/docs/openai: members that are not supported",
        "api.groq.com",
        refused=_STRICT | {"logprobs", "top_logprobs"},
        thinking_member="reasoning",
    ),
    _row(
        "api-docs.deepseek.com: thinking mode",
        "deepseek",
        "api.deepseek.com",
        thinking_switch="type",
        thinking_member="reasoning_content",
        developer_role=False,
    ),
    _row("platform.moonshot.ai/docs", "api.moonshot.ai", "api.moonshot.cn", thinking_switch="type"),
    _row("docs.z.ai", "api.z.ai", "open.bigmodel.cn", thinking_switch="type"),
    _row("alibabacloud.com/help/model-studio: deep thinking", "aliyuncs.com", thinking_switch="flag"),
    _row(
        "openrouter.ai/docs: reasoning tokens, prompt caching",
        "openrouter.ai",
        cache_marks=True,
        thinking_switch=None,
        thinking_member="reasoning",
        inline_thinking=(),
    ),
    _row(
        "ai.google.dev/gemini-api/docs/openai: unknown members are refused",
        "generativelanguage.googleapis.com",
        "aiplatform.googleapis.com",
        refused=_STRICT,
        thinking_member=None,
        most_stops=5,
    ),
    _row("docs.cohere.com/docs/compatibility-api", "api.cohere.ai", "api.cohere.com", refused=_STRICT),
    _row(
        "docs.cohere.com/reference/chat: content blocks, documents",
        "cohere",
        families=("command", None),
        media=frozenset(("image", "document")),
        structured_output_with_tools=False,
    ),
    _row("docs.aws.amazon.com/bedrock", "bedrock", "bedrock-mantle", "amazonaws.com", "api.aws", cache_marks=False),
    _row(
        "docs.aws.amazon.com/bedrock: OpenAI models, the APIs of OpenAI",
        "bedrock",
        "bedrock-mantle",
        families=("gpt",),
        refused=_UNKNOWN_TO_OPENAI,
        thinking_member=None,
        max_tokens_member="max_completion_tokens",
        tool_call_id_pattern=r"[a-zA-Z0-9_-]{1,40}",
        most_tools=128,
        most_stops=4,
    ),
    _row(
        "docs.aws.amazon.com/bedrock: ToolChoice is for Claude, Nova and Mistral Large",
        "bedrock",
        families=("llama", "command"),
        forced_tools=False,
    ),
    _row(
        "docs.aws.amazon.com/bedrock: structured outputs, models",
        "bedrock",
        families=("llama", "command", "nova"),
        structured_output=False,
    ),
    _row(
        "docs.aws.amazon.com/bedrock: OpenAI models; LiteLLM issues",
        "bedrock",
        "bedrock-mantle",
        "amazonaws.com",
        "api.aws",
        families=("gpt-oss", "grok"),
        refused=frozenset(("logit_bias", "presence_penalty", "frequency_penalty", "top_k")),
    ),
)


def host_of(base_url: str | None) -> str:
    """Return the host of an address, in lower case; empty where it has none."""
    try:
        return (urlsplit(base_url or "").hostname or "").lower()
    except ValueError:
        return ""


def rows_of(provider: str, host: str, family: str | None) -> list[Host]:
    """Return the rows of a provider and of the host where it is, as far as they are of a family of models."""
    rows = (row for row in HOSTS if row.families is None or family in row.families)
    return [row for row in rows if any(name == provider or _is_below(host, name) for name in row.names)]


def _is_below(host: str, name: str) -> bool:
    return "." in name and (host == name or host.endswith(f".{name}"))
