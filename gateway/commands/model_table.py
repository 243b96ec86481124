"""Makes `gateway/profiles/public.csv` from a public list of models: the facts that `known` reads, in a form of our own.

    python -m gateway.commands.model_table LIST.json SOURCE DAY > gateway/profiles/public.csv

LIST.json is `model_prices_and_context_window_backup.json` of a `litellm` wheel (MIT), unpacked and never run; SOURCE is
what the rows name, DAY when it was looked up. A price is kept only where `genai-prices` has none.
"""

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.pricing import listed
from gateway.profiles.known import plain_name

COLUMNS = (
    *("host", "model", "context_window", "max_output_tokens", "capabilities", "price"),
    *("deprecated", "ends", "certain", "successor", "source", "looked_up"),
)
_TOLD = ("context_window", "max_output_tokens", "price", "ends")
"""A row that has none of these tells nothing."""
_HOSTS = {
    "openai": "openai",
    "text-completion-openai": "openai",
    "azure": "azure",
    "azure_ai": "azure",
    "anthropic": "anthropic",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "bedrock_mantle": "bedrock",
    "gemini": "gemini",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "mistral": "mistral",
}
"""The list's names of providers; those that begin with `vertex_ai` are `vertex`."""
_TEXT_MODES = ("chat", "responses", "completion", "embedding")
_MODES = (*_TEXT_MODES, "rerank", "image_generation", "audio_transcription", "audio_speech", "moderation")
_CAPABILITIES = {
    "tools": "supports_function_calling",
    "images": "supports_vision",
    "documents": "supports_pdf_input",
    "audio": "supports_audio_input",
    "reasoning": "supports_reasoning",
    "structured_output": "supports_response_schema",
    "prompt_cache": "supports_prompt_caching",
}
_PRICES = {
    "input": ("input_cost_per_token", 10**6),
    "output": ("output_cost_per_token", 10**6),
    "cached_input": ("cache_read_input_token_cost", 10**6),
    "image": ("output_cost_per_image", 1),
    "audio_second": ("input_cost_per_second", 1),
    "search_unit": ("input_cost_per_query", 1),
}
_WINDOWS_OF_OPENAI = (400_000, 1_050_000)
"""Of models of which the list tells the prompt's part alone."""
_SURE_HOSTS = ("openai",)
"""Hosts whose dates in the list are announced ones; those of others may be the earliest ones."""


def rows(entries: Mapping[str, Mapping[str, Any]], source: str, day: str) -> Iterator[dict[str, str]]:
    """Yield a row for each host's model, in order."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name, entry in sorted(entries.items(), key=lambda pair: len(pair[0])):
        host = _host(str(entry.get("litellm_provider", "")))
        if host is None or entry.get("mode") not in _MODES or name.startswith("ft:") or "*" in name:
            continue
        place = (host, plain_name(name))
        row = found.setdefault(place, _row(place, entry, source, day))
        row["ends"] = row["ends"] or str(entry.get("deprecation_date", ""))
        row["certain"] = ("yes" if host in _SURE_HOSTS else "no") if row["ends"] else ""
    yield from (row for _, row in sorted(found.items()) if any(row[name] for name in _TOLD))


def _host(provider: str) -> str | None:
    return "vertex" if provider.startswith("vertex_ai") else _HOSTS.get(provider)


def _row(place: tuple[str, str], entry: Mapping[str, Any], source: str, day: str) -> dict[str, str]:
    has_text = entry["mode"] in _TEXT_MODES
    able = (name for name, flag in _CAPABILITIES.items() if entry.get(flag)) if entry["mode"] in _TEXT_MODES[:2] else ()
    return dict.fromkeys(COLUMNS, "") | {
        "host": place[0],
        "model": place[1],
        "context_window": _window(place[0], entry) if has_text else "",
        "max_output_tokens": _number(entry.get("max_output_tokens")) if has_text else "",
        "capabilities": " ".join(able),
        "price": "" if listed(place[0], place[1]) else _price(entry),
        "source": source,
        "looked_up": day,
    }


def _window(host: str, entry: Mapping[str, Any]) -> str:
    prompt, answer = entry.get("max_input_tokens"), entry.get("max_output_tokens")
    if host in ("openai", "azure", "bedrock") and isinstance(prompt, int) and isinstance(answer, int):
        return str(prompt + answer if prompt + answer in _WINDOWS_OF_OPENAI else prompt)
    return _number(prompt)


def _number(value: object) -> str:
    return str(value) if isinstance(value, int) and value > 0 else ""


def _price(entry: Mapping[str, Any]) -> str:
    found = {field: Decimal(str(entry.get(key) or 0)) * count for field, (key, count) in _PRICES.items()}
    if found["input"]:
        found["audio_second"] = Decimal(0)  # the same audio, counted in tokens
    return " ".join(f"{field}={value.normalize():f}" for field, value in found.items() if value)


def main() -> None:
    """Write the table to standard output."""
    file, source, day = sys.argv[1:]
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(json.loads(Path(file).read_text("utf-8")), source, day))


if __name__ == "__main__":
    main()
