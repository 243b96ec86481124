"""The record: its fields, in the order in which they are written and shipped."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

LARGEST_COUNT = 10**12
"""A trillion tokens, or milliseconds: more than a request can have."""
LARGEST_COST = 10**15
"""A million USD, in nano-USD."""
LATEST = 4_102_444_800 * 10**6
"""The year 2100, in microseconds."""

Count = Annotated[int, Meta(ge=0, le=LARGEST_COUNT)]
Cost = Annotated[int, Meta(ge=0, le=LARGEST_COST)]
Moment = Annotated[int, Meta(ge=0, le=LATEST)]
Outcome = Literal["ok", "error", "refused", "cancelled"]
UsageSource = Literal["provider", "estimated", "none"]


class Record(msgspec.Struct, kw_only=True):
    """One request. Times are UTC microseconds, durations milliseconds, money nano-USD.

    `input_tokens` includes cached tokens, always. None means not known, never zero. Numbers beyond the bounds above are
    read as not known, here and in SQL (`gateway.ledger.lines`, `gateway.ledger.duck`); moments beyond them as 1970.
    """

    request_id: str
    started_at: Moment
    api: str
    """The client's dialect: chat, completions, embeddings, …"""
    task: str = "chat"
    stream: bool = False
    model: str | None = None
    """The public name that was asked for."""
    provider: str | None = None
    upstream_model: str | None = None
    deployment: str | None = None
    status: Count = 0
    """The HTTP status that the client got; 499 where it left before one was sent."""
    outcome: Outcome = "error"
    error_code: str | None = None
    key_id: str | None = None
    key_alias: str | None = None
    team: str | None = None
    user_id: str | None = None
    user_email: str | None = None
    user_name: str | None = None
    user_role: str | None = None
    user_groups: tuple[str, ...] = ()
    identity_source: str = "none"
    chat_id: str | None = None
    message_id: str | None = None
    client: str = "other"
    client_ip: str | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    images: Count | None = None
    audio_seconds: Annotated[float, Meta(ge=0, le=LARGEST_COUNT)] | None = None
    search_units: Count | None = None
    usage_source: UsageSource = "none"
    cost_nano_usd: Cost | None = None
    price_id: str | None = None
    queue_ms: Count | None = None
    first_token_ms: Count | None = None
    duration_ms: Count | None = None
    attempts: Count = 0
    fallback_from: str | None = None
