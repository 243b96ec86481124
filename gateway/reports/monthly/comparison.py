"""Compare the cost of the traffic at public prices with that of own machines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.config.schema import Config
from gateway.errors import ConfigError
from gateway.pricing import priced
from gateway.reports.rows import Row

COMPARED = (
    ("openai", "gpt-5"),
    ("openai", "gpt-5-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("google", "gemini-2.5-flash"),
    ("deepseek", "deepseek-chat"),
    ("cloudflare", "@cf/qwen/qwen2.5-coder-32b-instruct"),
    ("openrouter", "google/gemma-3-27b-it"),
)
"""Models that are compared by default; those that the price list lacks are left out."""

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


def elsewhere(totals: Row, priced: Sequence[PricedModel], own: OnPremises) -> dict[str, Any]:
    """The dearest first. `times`: how often the public price goes into the own cost; so much more traffic, and both
    cost the same (`break_even_tokens`)."""
    tokens = totals["input_tokens"] + totals["output_tokens"]
    rows: list[Row] = [
        {"model": model.name, "cost_usd": _cost(totals, model), "prices": _prices(model)} for model in priced
    ]
    rows.sort(key=lambda row: (-row["cost_usd"], row["model"]))
    if total := own.total_usd:
        for row in rows:
            row["times"] = total / row["cost_usd"] if row["cost_usd"] else None
            row["break_even_tokens"] = round(tokens * row["times"]) if row["times"] else None
    return {"tokens": tokens, "rows": rows, "on_premises": _told(own, tokens) if own.total_usd else None}


def _cost(totals: Row, model: PricedModel) -> float:
    plain = totals["input_tokens"] - totals["cached_input_tokens"]
    cached, output = totals["cached_input_tokens"], totals["output_tokens"]
    return float(plain * model.input + cached * model.cached_input + output * model.output) / 1e6


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
            raise ConfigError(f"compare: the price list has no {provider}:{model}; such as openai:gpt-5-mini.")
    return _configured(config) + [model for model in public if model]


def _configured(config: Config) -> list[PricedModel]:
    """Return prices as requests are priced: the configuration's, else the public ones of the vendor."""
    found = []
    for model in config.models:
        known = (priced(model, deployment) for deployment in model.deployments)
        price = next((each.price for each in known if each), None)
        if price and model.mode in ("chat", "completion") and (price.input or price.output):
            cached = price.input if price.cached_input is None else price.cached_input
            found.append(PricedModel(model.name, float(price.input), float(price.output), float(cached)))
    return found


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
