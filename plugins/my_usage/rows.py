"""Rows of the gateway's answer."""

import math
from collections import defaultdict
from typing import Any

Row = dict[str, Any]
MODELS_IN_COLOUR = 6


def number(row: Row, key: str) -> float:
    value = row.get(key)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def tokens_of(row: Row) -> float:
    return number(row, "input_tokens") + number(row, "output_tokens")


def cost_of(row: Row) -> float:
    return number(row, "cost_usd")


def grouped(rows: list[Row]) -> dict[str, Row]:
    """Sum by model, the dearest first; beyond MODELS_IN_COLOUR they become one, under an empty name."""
    sums: dict[str, Row] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        for key in ("requests", "input_tokens", "output_tokens", "cost_usd"):
            sums[str(row.get("model") or "?")][key] += number(row, key)
    order = sorted(sums, key=lambda name: (-sums[name]["cost_usd"], -tokens_of(sums[name]), name))
    kept = {name: sums[name] for name in order[:MODELS_IN_COLOUR]}
    for name in order[MODELS_IN_COLOUR:]:
        rest = kept.setdefault("", defaultdict(float))
        for key, value in sums[name].items():
            rest[key] += value
    return kept
