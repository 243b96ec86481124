"""Limits as data, and the response headers that report them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import quote

import msgspec

from gateway.identity.scopes import scopes
from gateway.ledger.record import Record
from gateway.spending.days import LARGEST_SUM

Kind = Literal["requests", "tokens", "parallel", "budget"]
Window = Literal["minute", "day", "week", "month"]
OnFailure = Literal["open", "closed"]
"""Behaviour while Redis is unreachable: count locally (`open`) or refuse (`closed`)."""

UNREACHABLE = LARGEST_SUM
"""An amount from here on limits nobody; callers are not shown it."""

TINY = 1e-6
"""Fraction of a token or a request that rounding may have lost."""


@dataclass(frozen=True, slots=True)
class Limit:
    """`amount`: requests or tokens a minute, requests at the same time, or nano-USD a window."""

    scope: str
    """`key:…`, `person:…`, `team:…`."""
    kind: Kind
    amount: int
    window: Window | None = None
    """A budget's calendar window in UTC; rates are of a minute, None is for parallel requests."""
    hard: bool = True
    """False: counted and shown, never refused."""
    name: str = field(default="", compare=False)
    """Of a team as people write it; its scope has it without case and width."""


class Demand(msgspec.Struct, frozen=True):
    """One request's estimate, or what it really used."""

    tokens: int = 0
    cost_nano_usd: int = 0


class LimitStatus(msgspec.Struct, frozen=True):
    """How much of a limit is used and reserved, in the unit of its `amount`."""

    limit: Limit
    used: int
    reserved: int = 0
    resets_in: float = 0.0
    """Seconds until all of it is free again."""

    @property
    def left(self) -> int:
        return max(0, self.limit.amount - self.used - self.reserved)


NEAR_SHARE = 0.8
"""The share of a budget from which on people are warned."""
Warning = Literal["near", "used_up"]


def warning_of(status: LimitStatus) -> Warning | None:
    """Return `near` from 80 % of a budget on, `used_up` where nothing is left of it."""
    if status.used >= status.limit.amount:
        return "used_up"
    return "near" if status.used >= status.limit.amount * NEAR_SHARE else None


class Reservation(msgspec.Struct, frozen=True):
    """What a request holds until it is settled, or until `expires_at` (Unix seconds)."""

    id: str
    """The request's id: reserving it twice is reserving it once."""
    limits: tuple[Limit, ...]
    demand: Demand
    began_at: float
    expires_at: float
    statuses: tuple[LimitStatus, ...] | None = None
    """Status of each finite limit just after it was made; None where asking for it costs no round trip."""


class Limiter(Protocol):
    """Counts limits, in this process or in a shared store."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def reserve(self, request_id: str, limits: Sequence[Limit], demand: Demand) -> Reservation:
        """Reserve in all limits or in none.

        Raises `LimitReached`; `Overloaded` where the shared store is needed and away.
        """

    async def settle(self, reservation: Reservation, used: Demand) -> None:
        """Replace the estimate by what was used; a second time changes nothing. Never raises."""

    async def release(self, reservation: Reservation) -> None:
        """Settle with nothing used. The request itself stays counted in its minute."""

    async def status(self, limits: Sequence[Limit]) -> list[LimitStatus]: ...

    @property
    def healthy(self) -> bool:
        """False while counts that others must see are out of reach."""


def wanted(limit: Limit, demand: Demand) -> int:
    """Return what a demand takes from a limit, in the unit of the limit."""
    if limit.kind == "budget":
        return min(demand.cost_nano_usd, UNREACHABLE)
    return min(demand.tokens, UNREACHABLE) if limit.kind == "tokens" else 1


def fits(status: LimitStatus, demand: Demand) -> bool:
    """Return whether a demand fits into a limit.

    More tokens than a whole minute's are admitted when all of them are free; what costs nothing needs no budget.
    """
    limit, need = status.limit, wanted(status.limit, demand)
    if limit.kind == "budget" and not need:
        return True
    if limit.kind == "tokens":
        need = min(need, limit.amount)
    return need <= status.left and status.left > 0


def rate_status(limit: Limit, level: float) -> LimitStatus:
    """Return a rate's status from the level of its bucket."""
    left = max(0, int(level + TINY))
    resets_in = (limit.amount - level) * 60 / limit.amount if limit.amount else 60.0
    return LimitStatus(limit, used=limit.amount - left, resets_in=resets_in)


def scopes_of(record: Record) -> tuple[str, ...]:
    """Return the scopes that a record counts against."""
    return scopes(record.key_id, record.team, record.user_email, record.user_id)


_RATE_HEADERS = {
    kind: tuple(f"x-ratelimit-{name}-{kind}".encode() for name in ("limit", "remaining", "reset"))
    for kind in ("requests", "tokens")
}


def ratelimit_headers(statuses: Sequence[LimitStatus]) -> list[tuple[bytes, bytes]]:
    """Return OpenAI's `x-ratelimit-*` headers, from the tightest limit of each kind."""
    tightest: dict[str, LimitStatus] = {}
    for each in statuses:
        kind = each.limit.kind
        if kind in _RATE_HEADERS and (kind not in tightest or each.left < tightest[kind].left):
            tightest[kind] = each
    headers: list[tuple[bytes, bytes]] = []
    for name, found in tightest.items():
        limit, remaining, reset = _RATE_HEADERS[name]
        headers += [
            (limit, b"%d" % found.limit.amount),
            (remaining, b"%d" % found.left),
            (reset, _duration(found.resets_in).encode()),
        ]
    return headers


def soft_budget_headers(statuses: Sequence[LimitStatus]) -> list[tuple[bytes, bytes]]:
    """Return a warning header for each soft budget that is used up."""
    over = [each.limit for each in statuses if each.limit.kind == "budget" and not each.limit.hard and not each.left]
    warnings = [f"budget of {quote(each.scope, safe=':@')} for this {each.window} used up" for each in over]
    return [(b"x-sekisho-warning", text.encode()) for text in warnings]


def _duration(seconds: float) -> str:
    """Return a duration as OpenAI writes it: `20ms`, `1s`, `6m0s`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
