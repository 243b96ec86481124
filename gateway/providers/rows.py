"""The providers: a row each."""

from gateway.dialects.amazon_frames import AMAZON_EVENT_STREAM
from gateway.providers import bedrock
from gateway.providers.amazon import SignatureV4
from gateway.providers.contract import ApiKey, Provider

_CHAT = ("chat", "completions", "embeddings")
_BEDROCK = SignatureV4("bedrock")

_ROWS = (
    Provider(
        "openai",
        base_url="https://api.openai.com/v1",
        needs_base_url=False,
        dialects=("responses", *_CHAT),
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
    Provider("openai-compatible"),
    Provider(
        "vllm",
        dialects=(*_CHAT, "responses", "messages"),
        prefix_cache=True,
        takes_suffix=False,
        litellm_name="hosted_vllm",
    ),
    Provider(
        "llama.cpp",
        dialects=(*_CHAT, "responses", "messages", "infill"),
        beside={"/infill": "/infill"},
        prefix_cache=True,
        takes_suffix=False,
    ),
    # Codestral has an address of its own, too, for keys of its own: https://codestral.mistral.ai/v1.
    Provider(
        "mistral",
        base_url="https://api.mistral.ai/v1",
        needs_base_url=False,
        dialects=("chat", "embeddings", "fim"),
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
        dialects_by_family={"claude": ("messages",)},
        url=bedrock.url,
        authorize=_BEDROCK,
        framings=dict.fromkeys(("/converse", "/messages"), AMAZON_EVENT_STREAM),
        shapes={"/messages": bedrock.invoke},
        keys=frozenset(("profile", "role_arn")),
        problems=bedrock.problems,
        credentials_problem=_BEDROCK.problem,
        price_list="aws",
        trace_name="aws.bedrock",
    ),
    Provider(
        "azure",
        dialects=(*_CHAT, "responses"),
        authorize=ApiKey("api-key", ""),
        price_list="azure",
        trace_name="azure.ai.openai",
    ),
    # Claude in Azure AI Foundry: https://RESOURCE.services.ai.azure.com/anthropic/v1, `model` is the deployment's name.
    Provider(
        "azure-anthropic",
        dialects=("messages",),
        authorize=ApiKey("x-api-key", ""),
        price_list="anthropic",
        trace_name="anthropic",
        litellm_name="azure_ai",
    ),
    Provider(
        "vertex",
        needs_base_url=False,
        dialects=("gemini",),
        price_list="google",
        trace_name="gcp.vertex_ai",
        litellm_name="vertex_ai",
    ),
)

PROVIDERS: dict[str, Provider] = {row.name: row for row in _ROWS}
