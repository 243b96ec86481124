"""What is limited, as data; and how a caller is told in headers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import quote

import msgspec

from gateway.identity.scopes import scopes
from gateway.ledger.record import Record
from gateway.spending.days import LARGEST_SUM

Kind = Literal["requests", "tokens", "parallel", "budget"]
Window = Literal["minute", "day", "week", "month"]
OnFailure = Literal["open", "closed"]
"""What becomes of requests while the store that counts them is away: admitted, or refused."""

UNREACHABLE = LARGEST_SUM
"""An amount from here on limits nobody; no standing is told of it."""

TINY = 1e-6
"""Of a token or a request: what rounding may have lost."""


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
    """False: counted and told, never refused."""


class Demand(msgspec.Struct, frozen=True):
    """One request's estimate, or what it really used."""

    tokens: int = 0
    cost_nano_usd: int = 0


class Standing(msgspec.Struct, frozen=True):
    """How a limit stands now; the same unit as its `amount`."""

    limit: Limit
    used: int
    reserved: int = 0
    resets_in: float = 0.0
    """Seconds until all of it is free again."""

    @property
    def left(self) -> int:
        return max(0, self.limit.amount - self.used - self.reserved)


class Reservation(msgspec.Struct, frozen=True):
    """What a request holds until it is settled, or until `expires_at` (Unix seconds)."""

    id: str
    """The request's id: reserving it twice is reserving it once."""
    limits: tuple[Limit, ...]
    demand: Demand
    began_at: float
    expires_at: float
    standings: tuple[Standing, ...] | None = None
    """How the limits that can be reached stood just after it was made; None where asking for it costs no round trip."""


class Limiter(Protocol):
    """Where limits are counted."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def reserve(self, request_id: str, limits: Sequence[Limit], demand: Demand) -> Reservation:
        """All or nothing. Raises `LimitReached`; `Overloaded` where the count is kept elsewhere and out of reach."""

    async def settle(self, reservation: Reservation, used: Demand) -> None:
        """Replace the estimate by what was used; a second time changes nothing. Never raises."""

    async def release(self, reservation: Reservation) -> None:
        """Settle with nothing used. The request itself stays counted in its minute."""

    async def standing(self, limits: Sequence[Limit]) -> list[Standing]: ...

    @property
    def healthy(self) -> bool:
        """False while counts that others must see are out of reach."""


def wanted(limit: Limit, demand: Demand) -> int:
    """What a demand takes from a limit, in the limit's unit."""
    if limit.kind == "budget":
        return min(demand.cost_nano_usd, UNREACHABLE)
    return min(demand.tokens, UNREACHABLE) if limit.kind == "tokens" else 1


def fits(standing: Standing, demand: Demand) -> bool:
    """Whether there is room. More tokens than a whole minute's may go when all of them are free; what costs nothing
    needs no budget."""
    limit, need = standing.limit, wanted(standing.limit, demand)
    if limit.kind == "budget" and not need:
        return True
    if limit.kind == "tokens":
        need = min(need, limit.amount)
    return need <= standing.left and standing.left > 0


def rate_standing(limit: Limit, level: float) -> Standing:
    """A rate's standing, from its bucket's level."""
    left = max(0, int(level + TINY))
    resets_in = (limit.amount - level) * 60 / limit.amount if limit.amount else 60.0
    return Standing(limit, used=limit.amount - left, resets_in=resets_in)


def scopes_of(record: Record) -> tuple[str, ...]:
    """Return the scopes that a record counts against."""
    return scopes(record.key_id, record.team, record.user_email, record.user_id)


_RATE_HEADERS = {
    kind: tuple(f"x-ratelimit-{name}-{kind}".encode() for name in ("limit", "remaining", "reset"))
    for kind in ("requests", "tokens")
}


def ratelimit_headers(standings: Sequence[Standing]) -> list[tuple[bytes, bytes]]:
    """OpenAI's `x-ratelimit-*`, from the tightest limit of each kind."""
    tightest: dict[str, Standing] = {}
    for each in standings:
        kind = each.limit.kind
        if kind in _RATE_HEADERS and (kind not in tightest or each.left < tightest[kind].left):
            tightest[kind] = each
    headers: list[tuple[bytes, bytes]] = []
    for name, found in tightest.items():
        limit, remaining, reset = _RATE_HEADERS[name]
        told = (limit, b"%d" % found.limit.amount), (remaining, b"%d" % found.left)
        headers += (*told, (reset, _span(found.resets_in).encode()))
    return headers


def soft_budget_headers(standings: Sequence[Standing]) -> list[tuple[bytes, bytes]]:
    """A warning for each budget that is used up but refuses nobody."""
    over = [each.limit for each in standings if each.limit.kind == "budget" and not each.limit.hard and not each.left]
    told = [f"budget of {quote(each.scope, safe=':@')} for this {each.window} used up" for each in over]
    return [(b"x-sekisho-warning", text.encode()) for text in told]


def _span(seconds: float) -> str:
    """`20ms`, `1s`, `6m0s`, as OpenAI writes them."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
