"""Amounts of money."""

import math

SYMBOLS = {"USD": "$", "JPY": "¥", "EUR": "€", "GBP": "£", "KRW": "₩"}


def money(amount: float, currency: str) -> str:
    """Format an amount as a person writes it: ¥312, ¥1.8, $12.34, $0.0031, CHF 12.34"""
    code = currency.strip().upper()[:8]
    symbol = SYMBOLS.get(code) or f"{code} "
    if 0 < amount < 0.0001:
        return f"<{symbol}0.0001"
    if 0 < amount < 0.995:
        return f"{symbol}{amount:.{leading_zeros(amount) + 2}f}"
    whole = code in ("JPY", "KRW")
    if amount >= 100 or amount == 0:
        return f"{symbol}{amount:,.0f}" if whole or amount >= 10_000 else f"{symbol}{amount:,.2f}"
    return f"{symbol}{amount:.1f}".removesuffix(".0") if whole else f"{symbol}{amount:.2f}"


def leading_zeros(amount: float) -> int:
    """Return the number of zeros between the point and the first other digit of an amount below 1."""
    return -math.floor(math.log10(amount)) - 1
