"""Dimensions and measures of usage: two tables of SQL. No text from outside gets into SQL.

`local` in an expression stands for the start of the request in the asked time zone.
"""

from itertools import pairwise

from gateway.errors import InvalidRequest
from gateway.identity.client import AGENTS

BACKGROUND_TASKS = (
    "title_generation",
    "tags_generation",
    "follow_up_generation",
    "emoji_generation",
    "image_prompt_generation",
    "autocomplete_generation",
    "memory_review",
    "context_compaction",
)

PERSON = "lower(coalesce(nullif(user_email, ''), user_id))"
"""One person is one person: chat and own keys add up, as in `gateway.limits`."""


def _texts(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


KIND = f"""CASE
    WHEN api = 'embeddings' THEN 'embedding'
    WHEN api IN ('completions', 'fim', 'infill') THEN 'completion'
    WHEN task IN ({_texts(BACKGROUND_TASKS)}) THEN 'task'
    WHEN client IN ({_texts(AGENTS)}) THEN 'agent'
    WHEN api IN ('chat', 'responses', 'messages') THEN 'chat'
    ELSE 'other' END"""
"""The kinds that people tell apart."""

DIMENSIONS: dict[str, str] = {
    "user": PERSON,
    "name": "user_name",
    "role": "user_role",
    "team": "team",
    "key": "coalesce(key_alias, key_id)",
    "model": "model",
    "provider": "provider",
    "upstream_model": "upstream_model",
    "deployment": "deployment",
    "kind": KIND,
    "task": "task",
    "client": "client",
    "client_ip": "client_ip",
    "api": "api",
    "outcome": "outcome",
    "status": "status",
    "error": "error_code",
    "chat": "chat_id",
    "identity": "identity_source",
    "price": "price_id",
    "month": "CAST(date_trunc('month', local) AS DATE)",
    "week": "CAST(date_trunc('week', local) AS DATE)",
    "day": "CAST(local AS DATE)",
    "hour": "date_trunc('hour', local)",
    "hour_of_day": "hour(local)",
    "weekday": "isodow(local)",
}
COMPOSED = {"user": ("user_email", "user_id"), "key": ("key_alias", "key_id")}
"""The columns of which these are made."""
TIMES = ("month", "week", "day", "hour", "hour_of_day", "weekday")
"""Rows of these come in their order, others with the dearest first."""

MEASURES: dict[str, str] = {
    "requests": "count(*)",
    "errors": "count(*) FILTER (outcome = 'error')",
    "refused": "count(*) FILTER (outcome = 'refused')",
    "cancelled": "count(*) FILTER (outcome = 'cancelled')",
    "input_tokens": "coalesce(sum(input_tokens), 0)",
    "cached_input_tokens": "coalesce(sum(cached_input_tokens), 0)",
    "output_tokens": "coalesce(sum(output_tokens), 0)",
    "cost_nano_usd": "coalesce(sum(cost_nano_usd), 0)",
}
FIRST_TOKEN_BOUNDS = (100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600)
"""Milliseconds; first tokens are counted between these, as percentiles cannot be added up."""


def _first_tokens() -> dict[str, str]:
    """Return a measure for each span of milliseconds: above the bound before, up to its own; the last has no bound."""
    edges = (-1, *FIRST_TOKEN_BOUNDS)
    spans = [f"first_token_ms > {low} AND first_token_ms <= {high}" for low, high in pairwise(edges)]
    spans.append(f"first_token_ms > {edges[-1]}")
    return {f"first_tokens_{number}": f"count(*) FILTER ({span})" for number, span in enumerate(spans)}


DETAILS: dict[str, str] = {
    "cache_write_tokens": "coalesce(sum(cache_write_tokens), 0)",
    "queued": "count(*) FILTER (queue_ms > 0)",
    "queue_ms": "coalesce(sum(queue_ms), 0)",
    "duration_ms": "coalesce(sum(duration_ms), 0)",
    **_first_tokens(),
}
"""Measures that are only told where they are asked for."""
MOST_DIMENSIONS = 8


def parse(by: str, allowed: dict[str, str] = DIMENSIONS) -> tuple[str, ...]:
    """Return the dimensions of `user,model,day`; none for an empty text. Raises `InvalidRequest`."""
    names = tuple(dict.fromkeys(name.strip() for name in by.split(",") if name.strip()))
    if unknown := [name for name in names if name not in allowed]:
        raise InvalidRequest(f"by: there is no {unknown[0]!r:.60}; allowed: {', '.join(allowed)}.", param="by")
    if len(names) > MOST_DIMENSIONS:
        raise InvalidRequest(f"by: {len(names)} dimensions; at most {MOST_DIMENSIONS} can be asked.", param="by")
    return names
