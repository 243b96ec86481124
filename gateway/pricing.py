"""What a request cost, in whole nano-USD."""

from decimal import Decimal

from gateway.config.schema import Price
from gateway.dialects.usage import Usage

_NANO_PER_MILLION = Decimal(10**9) / 10**6


def cost_nano_usd(price: Price, usage: Usage) -> int:
    """Tokens times USD per million; cached and cache-written tokens are part of the input and priced apart."""
    cached, written = usage.cached_input or 0, usage.cache_write or 0
    plain = max((usage.input or 0) - cached - written, 0)
    cached_price = price.input if price.cached_input is None else price.cached_input
    written_price = price.input if price.cache_write is None else price.cache_write
    usd_per_million = (
        plain * price.input + cached * cached_price + written * written_price + (usage.output or 0) * price.output
    )
    return round(usd_per_million * _NANO_PER_MILLION)
