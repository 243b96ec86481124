"""The providers: a row each."""

from gateway.dialects.amazon_frames import AMAZON_EVENT_STREAM
from gateway.providers import azure, bedrock, mantle
from gateway.providers.amazon import SignatureV4
from gateway.providers.authorizing import ApiKey
from gateway.providers.azure_auth import KeyOrEntra
from gateway.providers.cohere import cohere_url
from gateway.providers.contract import Provider
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
_V1 = "/v1"
_AUDIO = ("transcriptions", "speech")
_TOKENS = {path: path for path in ("/tokenize", "/detokenize")}
_NO_BETAS: frozenset[str] = frozenset()
_ROWS = (
    Provider(
        "openai",
        base_url="https://api.openai.com/v1",
        root=_V1,
        authorize=ApiKey(variable="OPENAI_API_KEY"),
        needs_base_url=False,
        dialects=("responses", *_CHAT, "images", "moderations", *_AUDIO),
        refuses={"/embeddings": frozenset(("input_type", "task_type", "truncate", "title"))},
        pseudonyms=True,
        price_list="openai",
    ),
    Provider(
        "anthropic",
        base_url="https://api.anthropic.com/v1",
        root=_V1,
        needs_base_url=False,
        dialects=("messages",),
        authorize=ApiKey("x-api-key", "", "ANTHROPIC_API_KEY"),
        pseudonyms=True,
        price_list="anthropic",
    ),
    Provider("openai-compatible", dialects=(*_CHAT, "rerank", "images", "moderations", *_AUDIO)),
    Provider(
        "vllm",
        root=_V1,
        dialects=(*_CHAT, "responses", "messages", "rerank", "score", "tokenize", "transcriptions"),
        beside=_TOKENS,
        betas=_NO_BETAS,
        prefix_cache=True,
        takes_suffix=False,
        shape=texts_alone,
        litellm_name="hosted_vllm",
    ),
    Provider(
        "llama.cpp",
        root=_V1,
        dialects=(*_CHAT, "responses", "messages", "infill", "rerank", "llama-tokenize"),
        betas=_NO_BETAS,
        beside={"/infill": "/infill", **_TOKENS},
        needs_bytes=frozenset(("chat", "messages", "responses")),
        prefix_cache=True,
        takes_suffix=False,
        shape=texts_alone,
    ),
    # docs.ollama.com/api/openai-compatibility. It speaks Responses and Messages, too, without state and not in older
    # versions, so that clients of them are translated. Its completions put the model's own template around a prompt,
    # so that a gap is asked for with `suffix`.
    Provider(
        "ollama",
        dialects=_CHAT,
        root=_V1,
        needs_bytes=frozenset(("chat",)),
        prefix_cache=True,
        litellm_name="ollama",
    ),
    # docs.sglang.io: OpenAI APIs, Anthropic-compatible API. Its /v1/rerank and /v1/score have other shapes.
    Provider(
        "sglang",
        root=_V1,
        dialects=(*_CHAT, "messages"),
        betas=_NO_BETAS,
        prefix_cache=True,
        takes_suffix=False,
        litellm_name="hosted_vllm",
    ),
    # huggingface.co/docs/text-generation-inference: Messages API (which is OpenAI's), API reference.
    Provider(
        "tgi",
        dialects=("chat", "completions"),
        root=_V1,
        prefix_cache=True,
        takes_suffix=False,
        litellm_name="huggingface",
    ),
    Provider(
        "cohere",
        base_url="https://api.cohere.com",
        authorize=ApiKey(variable="COHERE_API_KEY"),
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
        root=_V1,
        authorize=ApiKey(variable="MISTRAL_API_KEY"),
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
        authorize=ApiKey(variable="DEEPSEEK_API_KEY"),
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
        needs_bytes=frozenset(("converse", "messages")),
        counts_in="converse",
        takes_query=False,
        url=bedrock.url,
        authorize=SignatureV4("bedrock"),
        framings=dict.fromkeys(("/converse", "/messages"), AMAZON_EVENT_STREAM),
        betas=bedrock.BETAS,
        shape=bedrock.shape,
        keys=frozenset(("guardrail", "profile", "role_arn")),
        problems=bedrock.problems,
        price_list="aws",
        trace_name="aws.bedrock",
    ),
    Provider(
        "bedrock-mantle",
        needs_base_url=False,
        dialects=("responses", "chat"),
        dialects_of=mantle.dialects,
        takes_query=False,
        url=mantle.url,
        shape=mantle.shape,
        authorize=SignatureV4("bedrock-mantle"),
        betas=bedrock.BETAS,
        keys=frozenset(("profile", "project", "role_arn")),
        problems=bedrock.problems,
        price_list="aws",
        trace_name="aws.bedrock",
        litellm_name="bedrock_mantle",
    ),
    Provider(
        "azure",
        dialects=(*_CHAT, "responses", "images", "cohere-rerank", *_AUDIO),
        dialects_of=azure.dialects,
        url=azure.url,
        shape=azure.shape,
        authorize=KeyOrEntra(ApiKey("api-key", "")),
        keys=frozenset(("api_version", "entra")),
        problems=azure.problems,
        betas=azure.BETAS,
        price_list="azure",
        trace_name="azure.ai.openai",
    ),
    # Claude in Azure AI Foundry: https://RESOURCE.services.ai.azure.com/anthropic/v1, `model` is the deployment's name.
    Provider(
        "azure-anthropic",
        dialects=("messages",),
        url=azure.claude_url,
        authorize=KeyOrEntra(ApiKey("x-api-key", ""), ApiKey("api-key", "")),
        keys=frozenset(("entra",)),
        problems=azure.problems,
        betas=azure.BETAS,
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
        authorize=ApiKey("x-goog-api-key", "", "GEMINI_API_KEY"),
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
        needs_bytes=frozenset(("messages",)),
        takes_query=False,
        authorize=GoogleToken(),
        keys=frozenset(("project", "location", "credentials_file", "access_token")),
        problems=vertex_problems,
        price_list="google",
        trace_name="gcp.vertex_ai",
        litellm_name="vertex_ai",
    ),
)

PROVIDERS: dict[str, Provider] = {row.name: row for row in _ROWS}
