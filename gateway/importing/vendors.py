"""The vendors of LiteLLM's `model: vendor/name` as ours: a row each."""

from collections.abc import Mapping

import msgspec

from gateway.providers.rows import PROVIDERS


class Vendor(msgspec.Struct, frozen=True):
    """A row."""

    provider: str
    cloud: str
    """The file of models that its own stand in."""
    base_url: str | None = None
    """Where it is, if our provider's row does not know; None = the row knows, or the file must say."""
    key: str | None = None
    """The variable that LiteLLM reads the key from where the file names none; None = it needs none."""


def _public(url: str, key: str, cloud: str = "others") -> Vendor:
    return Vendor("openai-compatible", cloud, url, key)


_OWN = Vendor("openai-compatible", "onprem")
_OLLAMA = (
    Vendor("ollama", "onprem")
    if "ollama" in PROVIDERS
    else Vendor("openai-compatible", "onprem", "http://127.0.0.1:11434")
)
_COHERE = (
    Vendor("cohere", "cohere", None, "COHERE_API_KEY")
    if "cohere" in PROVIDERS
    else _public("https://api.cohere.ai/compatibility/v1", "COHERE_API_KEY", "cohere")
)

VENDORS: Mapping[str, Vendor] = {
    "openai": Vendor("openai", "openai", None, "OPENAI_API_KEY"),
    "text-completion-openai": Vendor("openai", "openai", None, "OPENAI_API_KEY"),
    "azure": Vendor("azure", "azure", None, "AZURE_API_KEY"),
    "azure_text": Vendor("azure", "azure", None, "AZURE_API_KEY"),
    "azure_ai": Vendor("azure", "azure", None, "AZURE_AI_API_KEY"),
    "anthropic": Vendor("anthropic", "anthropic", None, "ANTHROPIC_API_KEY"),
    "bedrock": Vendor("bedrock", "bedrock"),
    "bedrock_converse": Vendor("bedrock", "bedrock"),
    "vertex_ai": Vendor("vertex", "vertex"),
    "vertex_ai_beta": Vendor("vertex", "vertex"),
    "gemini": Vendor("gemini", "gemini", None, "GEMINI_API_KEY"),
    "mistral": Vendor("mistral", "mistral", None, "MISTRAL_API_KEY"),
    "codestral": Vendor("mistral", "mistral", "https://codestral.mistral.ai/v1", "CODESTRAL_API_KEY"),
    "deepseek": Vendor("deepseek", "others", None, "DEEPSEEK_API_KEY"),
    "cohere": _COHERE,
    "cohere_chat": _COHERE,
    "hosted_vllm": Vendor("vllm", "onprem"),
    "vllm": Vendor("vllm", "onprem"),
    "ollama": _OLLAMA,
    "ollama_chat": _OLLAMA,
    **dict.fromkeys(("openai_like", "custom_openai", "litellm_proxy", "lm_studio", "llamafile", "xinference"), _OWN),
    **dict.fromkeys(("infinity", "docker_model_runner", "lemonade", "oobabooga", "databricks"), _OWN),
    "groq": _public("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "together_ai": _public("https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
    "fireworks_ai": _public("https://api.fireworks.ai/inference/v1", "FIREWORKS_AI_API_KEY"),
    "openrouter": _public("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "perplexity": _public("https://api.perplexity.ai", "PERPLEXITYAI_API_KEY"),
    "xai": _public("https://api.x.ai/v1", "XAI_API_KEY"),
    "deepinfra": _public("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    "cerebras": _public("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "nvidia_nim": _public("https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    "sambanova": _public("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    "moonshot": _public("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    "zai": _public("https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
    "dashscope": _public("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    "minimax": _public("https://api.minimax.io/v1", "MINIMAX_API_KEY"),
    "voyage": _public("https://api.voyageai.com/v1", "VOYAGE_API_KEY"),
    "jina_ai": _public("https://api.jina.ai/v1", "JINA_AI_API_KEY"),
    "huggingface": _public("https://router.huggingface.co/v1", "HUGGINGFACE_API_KEY"),
    "github": _public("https://models.github.ai/inference", "GITHUB_API_KEY"),
}
"""By the word before the first slash. Others need an API that this gateway does not speak."""

_BEGINNINGS = {
    "gpt-": "openai",
    "chatgpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "text-embedding-": "openai",
    "whisper-": "openai",
    "tts-": "openai",
    "dall-e": "openai",
    "omni-moderation": "openai",
    "claude-": "anthropic",
    "gemini-": "vertex_ai",
    "command-": "cohere",
    "embed-": "cohere",
    "rerank-": "cohere",
    "mistral-": "mistral",
    "codestral-": "mistral",
    "amazon.": "bedrock",
    "anthropic.": "bedrock",
    "meta.": "bedrock",
}
"""Vendors of names without one, as LiteLLM tells them by its list of models."""


def vendor_of(model: str, named: str | None = None) -> tuple[str, str] | None:
    """Return a model's vendor and its name there; None for a vendor that is not known.

    `named` is `custom_llm_provider`, which stands over what the name begins with.
    """
    first, slash, rest = model.partition("/")
    if not model or (slash and not rest):
        return None
    if named and named in VENDORS:
        return named, rest if slash and first == named else model
    if slash and first in VENDORS:
        return first, rest
    found = next((vendor for begin, vendor in _BEGINNINGS.items() if model.startswith(begin)), None)
    return (found, model) if found and not named and not slash else None
