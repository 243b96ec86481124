"""Collects what becomes known of one request, and makes its one record."""

import time
from collections.abc import Mapping
from typing import Any

from gateway.dialects.usage import Usage
from gateway.identity.caller import Caller
from gateway.identity.person import NOBODY
from gateway.identity.policy import TrafficClass
from gateway.ids import request_id
from gateway.ledger.record import Outcome, Record

_CLOCK = time.perf_counter


class Recorder:
    """The facts of a request, written down as they come. Times are in seconds of `time.perf_counter`."""

    __slots__ = (
        "_began",
        "_first_token",
        "api",
        "attempts",
        "caller",
        "client",
        "client_ip",
        "cost_nano_usd",
        "default_task",
        "model",
        "price_id",
        "queue_seconds",
        "record",
        "request_id",
        "served_by",
        "started_at",
        "stream",
        "traffic_class",
        "usage",
    )

    def __init__(self, *, api: str, client: str, client_ip: str | None = None, task: str = "chat") -> None:
        self.request_id = request_id()
        self.started_at = time.time_ns() // 1000
        self.api = api
        self.client = client
        self.client_ip = client_ip
        self.default_task = task
        self.caller: Caller | None = None
        self.model: str | None = None
        """The public name that was asked for."""
        self.stream = False
        self.traffic_class: TrafficClass = "chat"
        self.served_by: Mapping[str, Any] = {}
        """The record's fields of the deployment that was asked last."""
        self.attempts = 0
        self.queue_seconds: float | None = None
        self.usage: Usage | None = None
        self.cost_nano_usd: int | None = None
        self.price_id: str | None = None
        self._began = _CLOCK()
        self._first_token: float | None = None
        self.record: Record | None = None
        """The record, once it is made."""

    @property
    def task(self) -> str:
        """What the request is for, in the ledger's words."""
        return (self.caller and self.caller.person.task) or self.default_task

    def asked_by(self, caller: Caller) -> None:
        """Note who asks."""
        self.caller = caller
        if caller.is_open_webui:
            self.client = caller.key.identity or self.client

    def queued(self, seconds: float) -> None:
        """Note a wait for a free place."""
        self.queue_seconds = (self.queue_seconds or 0.0) + seconds

    def first_token(self) -> None:
        """Note the moment at which the answer began."""
        if self._first_token is None:
            self._first_token = _CLOCK()

    def settle(self, outcome: Outcome, status: int, error_code: str | None = None) -> Record | None:
        """Return the request's record, once; None from the second time on."""
        if self.record:
            return None
        usage, caller = self.usage, self.caller
        person = caller.person if caller else NOBODY
        key = caller.key if caller else None
        self.record = Record(
            request_id=self.request_id,
            started_at=self.started_at,
            api=self.api,
            task=person.task or self.default_task,
            stream=self.stream,
            model=self.model,
            status=status,
            outcome=outcome,
            error_code=error_code,
            key_id=key.id if key else None,
            key_alias=key.alias if key else None,
            team=caller.team if caller else None,
            user_id=person.user_id,
            user_email=person.email,
            user_name=person.name,
            user_role=person.role,
            user_groups=person.groups,
            identity_source=person.source,
            chat_id=person.chat_id,
            message_id=person.message_id,
            client=self.client,
            client_ip=self.client_ip,
            input_tokens=usage.input if usage else None,
            output_tokens=usage.output if usage else None,
            cached_input_tokens=usage.cached_input if usage else None,
            cache_write_tokens=usage.cache_write if usage else None,
            reasoning_tokens=usage.reasoning if usage else None,
            images=usage.images if usage else None,
            audio_seconds=usage.audio_seconds if usage else None,
            search_units=usage.search_units if usage else None,
            usage_source=usage.source if usage else "none",
            cost_nano_usd=self.cost_nano_usd,
            price_id=self.price_id,
            queue_ms=_milliseconds(self.queue_seconds),
            first_token_ms=_milliseconds(self._first_token - self._began) if self._first_token else None,
            duration_ms=_milliseconds(_CLOCK() - self._began),
            attempts=self.attempts,
            **self.served_by,
        )
        return self.record


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
