"""The record: its fields, in the order in which they are written and shipped."""

from typing import Literal

import msgspec

Outcome = Literal["ok", "error", "refused", "cancelled"]
UsageSource = Literal["provider", "estimated", "none"]


class Record(msgspec.Struct, kw_only=True):
    """One request. Times are UTC microseconds, durations milliseconds, money nano-USD.

    `input_tokens` includes cached tokens, always. None means not known, never zero.
    """

    request_id: str
    started_at: int
    api: str
    """The client's dialect: chat, completions, embeddings, …"""
    task: str = "chat"
    stream: bool = False
    model: str | None = None
    """The public name that was asked for."""
    provider: str | None = None
    upstream_model: str | None = None
    deployment: str | None = None
    status: int = 0
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
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    images: int | None = None
    audio_seconds: float | None = None
    search_units: int | None = None
    usage_source: UsageSource = "none"
    cost_nano_usd: int | None = None
    price_id: str | None = None
    queue_ms: int | None = None
    first_token_ms: int | None = None
    duration_ms: int | None = None
    attempts: int = 0
    fallback_from: str | None = None
