"""What a request cost, in whole nano-USD, and by which price.

A model's price is its own in the configuration, or else the public list price of where its deployment runs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.config.schema import Deployment, Model, Price
from gateway.dialects.usage import Usage
from gateway.providers.rows import PROVIDERS


@dataclass(frozen=True, slots=True)
class Priced:
    """A price with the name by which records tell it: where it is from, and its numbers."""

    id: str
    price: Price
    longer: tuple[tuple[int, Price], ...] = ()
    """Prices of prompts of more than so many tokens, the longest first."""

    def cost(self, usage: Usage) -> int:
        """Return what a request cost, in nano-USD."""
        for tokens, price in self.longer:
            if (usage.input or 0) > tokens:
                return cost_nano_usd(price, usage)
        return cost_nano_usd(self.price, usage)


def cost_nano_usd(price: Price, usage: Usage) -> int:
    """Return nano-USD: amounts times their prices, rounded once at the end, a half upwards.

    Cached and cache-written tokens are part of the input, reasoning tokens part of the output; each is priced apart.
    """
    rates = price.rates
    cached, written, reasoning = usage.cached_input or 0, usage.cache_write or 0, usage.reasoning or 0
    plain = max((usage.input or 0) - cached - written, 0)
    answer = max((usage.output or 0) - reasoning, 0)
    tokens = (
        plain * rates.input
        + cached * rates.cached_input
        + written * rates.cache_write
        + answer * rates.output
        + reasoning * rates.reasoning
    )
    cost = (tokens + 500_000) // 1_000_000
    if usage.images or usage.search_units or usage.audio_seconds:
        cost += (usage.images or 0) * rates.image + (usage.search_units or 0) * rates.search_unit
        cost += round((usage.audio_seconds or 0) * rates.audio_second)
    return cost


def priced(model: Model, deployment: Deployment, at: datetime | None = None) -> Priced | None:
    """Return the price of a model where it runs, or None. Looked up once a configuration, never for a request."""
    if model.price is not None:
        return Priced(f"config:{model.name}({numbers(model.price)})", model.price)
    return listed(deployment.provider, deployment.known_model, deployment.base_url, at)


def listed(provider: str | None, name: str, base_url: str | None = None, at: datetime | None = None) -> Priced | None:
    """Return the public list price of a provider's model, or None where nobody published one."""
    row = PROVIDERS.get(provider or "")
    vendor = row.price_list if row else None
    if vendor is None and not (base_url and base_url.startswith("https://")):
        return None
    # Two megabytes and a tenth of a second, which only those pay who need them.
    from genai_prices.data_snapshot import get_snapshot

    try:
        where, model = get_snapshot().find_provider_model(name, None, vendor, None if vendor else base_url)
    except LookupError:
        return None
    prices = vars(model.get_prices(at or datetime.now(UTC)))
    base = _price({key: getattr(value, "base", value) for key, value in prices.items()})
    starts = {tier.start for value in prices.values() for tier in getattr(value, "tiers", ())}
    longer = [(start, _price({key: _tier(value, start) for key, value in prices.items()})) for start in starts]
    return Priced(f"list:{where.id}/{model.id}({numbers(base)})", base, tuple(sorted(longer, reverse=True)))


def dearest(prices: Iterable[Priced | None]) -> Price:
    """Return the most that any of these may ask for a token; what no price is known of is free."""
    every = [each for one in prices if one for each in (one.price, *(price for _, price in one.longer))]
    if not every:
        return Price()
    return Price(
        input=max(max(each.input, each.cache_write or 0) for each in every),
        output=max(max(each.output, each.reasoning or 0) for each in every),
        image=max(each.image for each in every),
        search_unit=max(each.search_unit for each in every),
    )


def numbers(price: Price) -> str:
    """Return a price as records tell it: `input=3,output=15`."""
    given = price.model_dump(exclude_none=True, exclude_unset=True)
    return ",".join(f"{name}={value.normalize():f}" for name, value in given.items())


_FIELDS = {
    "input": ("input_mtok", 1),
    "output": ("output_mtok", 1),
    "cached_input": ("cache_read_mtok", 1),
    "cache_write": ("cache_write_mtok", 1),
    "reasoning": ("output_reasoning_mtok", 1),
    "audio_second": ("input_audio_hours", 3600),
    "search_unit": ("rerank_searches_kcount", 1000),
}
"""Our fields: the price list's, and how many of ours one of its units is."""


def _price(found: Mapping[str, object]) -> Price:
    """Return a price from the numbers of the price list."""
    given = {field: (found.get(key), count) for field, (key, count) in _FIELDS.items()}
    return Price.model_validate({field: value / count for field, (value, count) in given.items() if value is not None})  # type: ignore[operator]


def _tier(value: object, start: int) -> object:
    """Return what holds for prompts of more than `start` tokens."""
    reached = [tier for tier in getattr(value, "tiers", ()) if tier.start <= start]
    return reached[-1].price if reached else getattr(value, "base", value)
