"""The providers: a row each."""

from gateway.dialects.amazon_frames import AMAZON_EVENT_STREAM
from gateway.providers import azure, bedrock
from gateway.providers.amazon import SignatureV4
from gateway.providers.azure_auth import KeyOrEntra
from gateway.providers.cohere import cohere_url
from gateway.providers.contract import ApiKey, Provider
from gateway.providers.google import (
    gemini_shape,
    gemini_url,
    vertex_dialects,
    vertex_problems,
    vertex_shape,
    vertex_url,
)
from gateway.providers.google_auth import GoogleToken
from gateway.providers.on_premises import texts_alone

_CHAT = ("chat", "completions", "embeddings")
_AUDIO = ("transcriptions", "speech")
_BEDROCK = SignatureV4("bedrock")
_AZURE = KeyOrEntra(ApiKey("api-key", ""))
_AZURE_CLAUDE = KeyOrEntra(ApiKey("x-api-key", ""), ApiKey("api-key", ""))
_GOOGLE = GoogleToken()
_NO_BETAS: frozenset[str] = frozenset()
_FOUNDRY_BETAS = frozenset(
    (
        "advanced-tool-use-2025-11-20",
        "claude-code-20250219",
        "code-execution-2025-08-25",
        "computer-use-2025-01-24",
        "computer-use-2025-11-24",
        "context-1m-2025-08-07",
        "context-management-2025-06-27",
        "effort-2025-11-24",
        "files-api-2025-04-14",
        "interleaved-thinking-2025-05-14",
        "mcp-client-2025-04-04",
        "mcp-client-2025-11-20",
        "prompt-caching-2024-07-31",
        "prompt-caching-scope-2026-01-05",
        "skills-2025-10-02",
        "structured-outputs-2025-11-13",
        "token-counting-2024-11-01",
        "web-fetch-2025-09-10",
        "web-search-2025-03-05",
    )
)
"""As public tables of other gateways list them for Foundry (November 2026), with three that Claude Code always sends,
and that nobody was seen to refuse. `betas:` of a deployment says what is newer."""

_ROWS = (
    Provider(
        "openai",
        base_url="https://api.openai.com/v1",
        needs_base_url=False,
        dialects=("responses", *_CHAT, "images", "moderations", *_AUDIO),
        refuses={"/embeddings": frozenset(("input_type", "task_type", "truncate", "title"))},
        pseudonyms=True,
        price_list="openai",
    ),
    Provider(
        "anthropic",
        base_url="https://api.anthropic.com/v1",
        needs_base_url=False,
        dialects=("messages",),
        authorize=ApiKey("x-api-key", ""),
        pseudonyms=True,
        price_list="anthropic",
    ),
    Provider("openai-compatible", dialects=(*_CHAT, "rerank", "images", "moderations", *_AUDIO)),
    Provider(
        "vllm",
        dialects=(*_CHAT, "responses", "messages", "rerank", "transcriptions"),
        betas=_NO_BETAS,
        prefix_cache=True,
        takes_suffix=False,
        shape=texts_alone,
        litellm_name="hosted_vllm",
    ),
    Provider(
        "llama.cpp",
        dialects=(*_CHAT, "responses", "messages", "infill", "rerank"),
        betas=_NO_BETAS,
        beside={"/infill": "/infill"},
        prefix_cache=True,
        takes_suffix=False,
        shape=texts_alone,
    ),
    Provider(
        "cohere",
        base_url="https://api.cohere.com",
        needs_base_url=False,
        dialects=("cohere", "cohere-embeddings", "cohere-rerank"),
        paths={"/embed": "/v2/embed", "/rerank": "/v2/rerank"},
        url=cohere_url,
        price_list="cohere",
        trace_name="cohere",
        litellm_name="cohere",
    ),
    # Codestral has an address of its own, too, for keys of its own: https://codestral.mistral.ai/v1.
    Provider(
        "mistral",
        base_url="https://api.mistral.ai/v1",
        needs_base_url=False,
        dialects=("chat", "mistral-embeddings", "fim", "moderations", "transcriptions"),
        stream_usage=False,
        price_list="mistral",
        trace_name="mistral_ai",
        litellm_name="mistral",
    ),
    Provider(
        "deepseek",
        base_url="https://api.deepseek.com",
        needs_base_url=False,
        dialects=("chat", "completions"),
        beside={"/completions": "/beta/completions"},
        price_list="deepseek",
        trace_name="deepseek",
        litellm_name="deepseek",
    ),
    Provider(
        "bedrock",
        needs_base_url=False,
        dialects=("converse",),
        dialects_of=bedrock.dialects,
        takes_query=False,
        url=bedrock.url,
        authorize=_BEDROCK,
        framings=dict.fromkeys(("/converse", "/messages"), AMAZON_EVENT_STREAM),
        betas=bedrock.BETAS,
        shape=bedrock.shape,
        keys=frozenset(("profile", "role_arn")),
        problems=bedrock.problems,
        credentials_problem=_BEDROCK.problem,
        credentials_name=_BEDROCK.name,
        fetched_secrets=_BEDROCK.secrets,
        price_list="aws",
        trace_name="aws.bedrock",
    ),
    Provider(
        "azure",
        dialects=(*_CHAT, "responses", "images", *_AUDIO),
        dialects_of=azure.dialects,
        url=azure.url,
        shape=azure.shape,
        authorize=_AZURE,
        credentials_problem=_AZURE.problem,
        credentials_name=_AZURE.name,
        fetched_secrets=_AZURE.secrets,
        keys=frozenset(("api_version", "entra")),
        problems=azure.problems,
        price_list="azure",
        trace_name="azure.ai.openai",
    ),
    # Claude in Azure AI Foundry: https://RESOURCE.services.ai.azure.com/anthropic/v1, `model` is the deployment's name.
    Provider(
        "azure-anthropic",
        dialects=("messages",),
        url=azure.claude_url,
        authorize=_AZURE_CLAUDE,
        credentials_problem=_AZURE_CLAUDE.problem,
        credentials_name=_AZURE_CLAUDE.name,
        fetched_secrets=_AZURE_CLAUDE.secrets,
        keys=frozenset(("entra",)),
        problems=azure.problems,
        betas=_FOUNDRY_BETAS,
        price_list="anthropic",
        trace_name="anthropic",
        litellm_name="azure_ai",
    ),
    Provider(
        "gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta",
        needs_base_url=False,
        dialects=("gemini", "gemini-embeddings"),
        url=gemini_url,
        shape=gemini_shape,
        authorize=ApiKey("x-goog-api-key", ""),
        price_list="google",
        trace_name="gcp.gemini",
        litellm_name="gemini",
    ),
    Provider(
        "vertex",
        needs_base_url=False,
        dialects=("gemini", "messages", "chat"),
        dialects_of=vertex_dialects,
        url=vertex_url,
        shape=vertex_shape,
        takes_query=False,
        authorize=_GOOGLE,
        keys=frozenset(("project", "location", "credentials_file", "access_token")),
        problems=vertex_problems,
        credentials_problem=_GOOGLE.problem,
        credentials_name=_GOOGLE.name,
        fetched_secrets=_GOOGLE.secrets,
        price_list="google",
        trace_name="gcp.vertex_ai",
        litellm_name="vertex_ai",
    ),
)

PROVIDERS: dict[str, Provider] = {row.name: row for row in _ROWS}
