"""What a request cost, in whole nano-USD, and by which price.

A model's price is its own in the configuration, or else the public list price of where its deployment runs, or else
that of the model table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from gateway.config.models import Deployment, Model, Price, Rates
from gateway.dialects.image_kinds import keys_of
from gateway.dialects.usage import Media, Usage
from gateway.profiles.known import known_of, plain_name
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
        usage = usage.charged
        for tokens, price in self.longer:
            if (usage.input or 0) > tokens:
                return cost_nano_usd(price, usage)
        return cost_nano_usd(self.price, usage)

    def id_of(self, usage: Usage) -> str:
        """Return the name by which a record tells this price; with the kind of its images, which costs may turn on."""
        kind = usage.media.image_kind if usage.media and usage.images else None
        return f"{self.id}@{kind}" if kind else self.id

    @property
    def turns_on_media(self) -> bool:
        """Return whether tokens of images and audio, which records do not tell from those of text, cost otherwise."""
        return bool(self.price.model_fields_set & _UNRECORDED)


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
    if usage.media:
        tokens += _beyond_text(rates, usage.media, plain, answer)
    cost = (tokens + 500_000) // 1_000_000
    if usage.measured:
        cost += (usage.images or 0) * image_rate(price, usage.media.image_kind if usage.media else None)
        cost += (usage.search_units or 0) * rates.search_unit + round((usage.audio_seconds or 0) * rates.audio_second)
    return cost


def _beyond_text(rates: Rates, media: Media, plain: int, answer: int) -> int:
    """Return what tokens of images and audio cost more than the text that they were counted as.

    Of `plain` tokens of the prompt, which no cache read, and of those of the answer they are at most all.
    """
    image_input, image_output = min(media.image_input, plain), min(media.image_output, answer)
    return (
        image_input * (rates.image_input - rates.input)
        + min(media.audio_input, plain - image_input) * (rates.audio_input - rates.input)
        + image_output * (rates.image_output - rates.output)
        + min(media.audio_output, answer - image_output) * (rates.audio_output - rates.output)
        + media.characters * rates.characters
    )


def image_rate(price: Price, kind: str | None) -> int:
    """Return nano-USD for one image of a kind: size and quality, else the size, else the quality, else any image."""
    by_kind = price.image_rates
    if by_kind and kind:
        return next((by_kind[key] for key in keys_of(kind) if key in by_kind), price.rates.image)
    return price.rates.image


def priced(model: Model, deployment: Deployment, at: datetime | None = None) -> Priced | None:
    """Return the price of a model where it runs, or None. Looked up once a configuration, never for a request."""
    if model.price is not None:
        return Priced(f"config:{model.name}({numbers(model.price)})", model.price)
    return listed(deployment.provider, deployment.known_model, deployment.base_url, at) or tabled(
        deployment.provider, deployment.known_model
    )


def tabled(provider: str, name: str) -> Priced | None:
    """Return the price of a provider's model that only the model table knows, or None."""
    known = known_of(provider, name)
    if not known.price:
        return None
    price = Price.model_validate(known.price)
    return Priced(f"table:{provider}/{plain_name(name)}({numbers(price)})", price)


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
        input=max(_largest(each.input, each.cache_write, each.image_input, each.audio_input) for each in every),
        output=max(_largest(each.output, each.reasoning, each.image_output, each.audio_output) for each in every),
        characters=max(each.characters for each in every),
        image=max(rate for each in every for rate in (each.rates.image, *each.image_rates.values())) / Decimal(10**9)
        or None,
        audio_second=max(each.audio_second for each in every),
        search_unit=max(each.search_unit for each in every),
    )


def _dearest_image(prices: Iterable[Price]) -> Decimal | None:
    rate = max(rate for each in prices for rate in (each.rates.image, *each.image_rates.values()))
    return Decimal(rate) / 10**9 if rate else None


def _largest(first: Decimal, *others: Decimal | None) -> Decimal:
    return max(first, *(each or Decimal(0) for each in others))


def numbers(price: Price) -> str:
    """Return a price as records tell it: `input=3,output=15`."""
    given = price.model_dump(exclude_none=True, exclude_unset=True)
    images = {f"images.{kind}": value for kind, value in given.pop("images", {}).items()}
    return ",".join(f"{name}={value.normalize():f}" for name, value in (given | images).items())


_UNRECORDED = frozenset(("image_input", "image_output", "audio_input", "audio_output", "characters"))
_FIELDS = {
    "input": ("input_mtok", 1),
    "output": ("output_mtok", 1),
    "cached_input": ("cache_read_mtok", 1),
    "cache_write": ("cache_write_mtok", 1),
    "reasoning": ("output_reasoning_mtok", 1),
    "image_input": ("input_image_mtok", 1),
    "image_output": ("output_image_mtok", 1),
    "audio_input": ("input_audio_mtok", 1),
    "audio_output": ("output_audio_mtok", 1),
    "characters": ("input_mchars", 1),
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
