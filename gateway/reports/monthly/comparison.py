"""Compare the cost of the traffic at public prices with that of own machines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from gateway.config.models import Deployment
from gateway.config.schema import Config
from gateway.errors import ConfigError
from gateway.pricing import priced
from gateway.providers.rows import PROVIDERS
from gateway.reports.rows import Row
from gateway.upstream.destination import is_internal

COMPARED = (
    ("openai", "gpt-6.1-sol"),
    ("openai", "gpt-6-luna"),
    ("anthropic", "claude-sonnet-5-5"),
    ("google", "gemini-3.8-flash"),
    ("deepseek", "deepseek-chat"),
    ("cloudflare", "@cf/qwen/qwen2.5-coder-32b-instruct"),
    ("openrouter", "google/gemma-3-27b-it"),
)
"""Models that are compared by default; those that the price list lacks are left out."""
EMBEDDING = ("openai", "text-embedding-3-small")
"""Embeddings are priced as this where the configuration has no model of a vendor for them."""
SELF_HOSTED = ("vllm", "llama.cpp")
"""Providers that a company runs itself, whatever the address."""

_PROBE = 1000
"""Tokens by which a price is learned: few, so that prices for long prompts do not count."""


@dataclass(frozen=True, slots=True)
class PricedModel:
    """USD per million tokens."""

    name: str
    input: float
    output: float
    cached_input: float


@dataclass(frozen=True, slots=True)
class OnPremises:
    """Cost of own machines in the report's time, as given by the reader."""

    gpu_hours: float = 0
    gpu_hour_usd: float = 0
    power_kwh: float = 0
    kwh_usd: float = 0
    people_usd: float = 0

    @property
    def total_usd(self) -> float:
        return self.gpu_hours * self.gpu_hour_usd + self.power_kwh * self.kwh_usd + self.people_usd


def elsewhere(
    totals: Row, priced: Sequence[PricedModel], embedding: PricedModel | None, own: OnPremises
) -> dict[str, Any]:
    """Return the cost of all traffic at each model's price, embeddings at that of a model for embeddings.

    The dearest come first. `times`: how often the public price goes into the own cost; so much more traffic, and both
    cost the same (`break_even_tokens`).
    """
    tokens = totals["input_tokens"] + totals["output_tokens"]
    embeddings = _embeddings(totals["embedding_tokens"], embedding)
    apart = embeddings["cost_usd"] if embeddings else 0
    rows: list[Row] = [
        {"model": model.name, "cost_usd": _cost(totals, model) + apart, "prices": _prices(model)} for model in priced
    ]
    rows.sort(key=lambda row: (-row["cost_usd"], row["model"]))
    if total := own.total_usd:
        for row in rows:
            row["times"] = total / row["cost_usd"] if row["cost_usd"] else None
            row["break_even_tokens"] = round(tokens * row["times"]) if row["times"] else None
    on_premises = _told(own, tokens) if own.total_usd else None
    return {"tokens": tokens, "embeddings": embeddings, "rows": rows, "on_premises": on_premises}


def _cost(totals: Row, model: PricedModel) -> float:
    """Return the cost of what models read and wrote without embeddings, which nobody caches."""
    cached, output = totals["cached_input_tokens"], totals["output_tokens"]
    plain = totals["input_tokens"] - cached - totals["embedding_tokens"]
    return float(plain * model.input + cached * model.cached_input + output * model.output) / 1e6


def _embeddings(tokens: int, model: PricedModel | None) -> Row | None:
    if not tokens or model is None:
        return None
    return {"tokens": tokens, "model": model.name, "price": model.input, "cost_usd": tokens * model.input / 1e6}


def _prices(model: PricedModel) -> Row:
    return {"input": model.input, "cached_input": model.cached_input, "output": model.output}


def _told(own: OnPremises, tokens: int) -> Row:
    return {
        "gpu_usd": own.gpu_hours * own.gpu_hour_usd,
        "power_usd": own.power_kwh * own.kwh_usd,
        "people_usd": own.people_usd,
        "total_usd": own.total_usd,
        "usd_per_million_tokens": own.total_usd / tokens * 1e6 if tokens else None,
    }


def priced_models(config: Config, compare: Iterable[str] = ()) -> list[PricedModel]:
    """Return the configuration's prices, and public ones: those named `provider:model`, or `COMPARED`.

    Raises `ConfigError` for a name that the price list does not know.
    """
    asked = [tuple(name.partition(":")[::2]) for name in compare]
    public = [_public(provider, model) for provider, model in asked or COMPARED]
    for (provider, model), found in zip(asked, public, strict=False):
        if found is None:
            raise ConfigError(f"compare: the price list has no {provider}:{model}; such as openai:gpt-6-luna.")
    return _configured(config) + [model for model in public if model]


def priced_embedding(config: Config) -> PricedModel | None:
    """Return the model by whose price embeddings are compared: a vendor's in the configuration, else `EMBEDDING`."""
    return next(iter(_configured(config, ("embedding",))), None) or _public(*EMBEDDING)


def _configured(config: Config, modes: Sequence[str] = ("chat", "completion")) -> list[PricedModel]:
    """Return prices as requests are priced: the configuration's, else the public ones of the vendor.

    A model that runs inside is not elsewhere, whatever the company charges for it.
    """
    found = []
    for model in config.models:
        outside = [each for each in model.deployments if _is_elsewhere(each, config.server.no_proxy)]
        known = (priced(model, deployment) for deployment in outside)
        price = next((each.price for each in known if each), None)
        if price and model.mode in modes and (price.input or price.output):
            cached = price.input if price.cached_input is None else price.cached_input
            found.append(PricedModel(model.name, float(price.input), float(price.output), float(cached)))
    return found


def _is_elsewhere(deployment: Deployment, direct: Sequence[str]) -> bool:
    """Return whether a deployment is a vendor's: at the vendor's own address, or at one outside of the company."""
    if deployment.provider in SELF_HOSTED:
        return False
    host = urlsplit(deployment.base_url or "").hostname
    return PROVIDERS[deployment.provider].price_list is not None if host is None else not is_internal(host, direct)


def _public(provider: str, model: str) -> PricedModel | None:
    from genai_prices import Usage, calc_price

    # Some prices depend on the hour; noon of today is as good as any, and always the same.
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)

    def usd(**tokens: int) -> float:
        found = calc_price(Usage(**tokens), model_ref=model, provider_id=provider, genai_request_timestamp=noon)
        return float(found.total_price) * 1e6 / _PROBE

    try:
        plain, output = usd(input_tokens=_PROBE), usd(output_tokens=_PROBE)
        cached = usd(input_tokens=_PROBE, cache_read_tokens=_PROBE)
    except LookupError:
        return None
    return PricedModel(f"{model.rsplit('/', 1)[-1]} ({provider})", plain, output, cached or plain)
