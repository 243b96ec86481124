"""What is limited, as data; and how a limit that is reached is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, Protocol

from gateway.errors import ApiError
from gateway.ledger.record import Record

Kind = Literal["requests", "tokens", "parallel", "budget"]
Window = Literal["minute", "day", "week", "month"]


@dataclass(frozen=True, slots=True)
class Limit:
    """`amount`: requests or tokens a minute, requests at the same time, or nano-USD a window."""

    scope: str
    """`key:…`, `person:…`, `team:…`."""
    kind: Kind
    amount: int
    window: Window | None = None
    hard: bool = True
    """False: counted and told, never refused."""


@dataclass(frozen=True, slots=True)
class Demand:
    """One request's estimate, or what it really used."""

    tokens: int = 0
    cost_nano_usd: int = 0


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a request holds until it is settled, or until `expires_at` (Unix seconds)."""

    id: str
    """The request's id: reserving it twice is reserving it once."""
    limits: tuple[Limit, ...]
    demand: Demand
    began_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How a limit stands now; the same unit as its `amount`."""

    limit: Limit
    used: int
    reserved: int = 0
    resets_in: float = 0.0
    """Seconds until all of it is free again."""

    @property
    def left(self) -> int:
        return max(0, self.limit.amount - self.used - self.reserved)


class Limiter(Protocol):
    """Where limits are counted."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def reserve(self, request_id: str, limits: Sequence[Limit], demand: Demand) -> Reservation:
        """All or nothing. Raises `LimitReached`; `Overloaded` where the count is kept elsewhere and out of reach."""

    async def settle(self, reservation: Reservation, used: Demand) -> None:
        """Replace the estimate by what was used; a second time changes nothing."""

    async def standing(self, limits: Sequence[Limit]) -> list[Standing]: ...

    @property
    def healthy(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Told:
    type: str
    code: str
    text: str


_TOLD = {
    "requests": _Told("requests", "rate_limit_exceeded", "{who} has made its {amount:,} requests of this minute"),
    "tokens": _Told("tokens", "rate_limit_exceeded", "{who} has used its {amount:,} tokens of this minute"),
    "parallel": _Told("requests", "rate_limit_exceeded", "{who} has {amount:,} requests running, as many as it may"),
    "budget": _Told(
        "insufficient_quota", "insufficient_quota", "{who} has used its budget of {usd} USD for this {window}"
    ),
}


class LimitReached(ApiError):
    """A hard limit has no room for a request. `standing` tells how it stands."""

    status = 429

    def __init__(self, standing: Standing, retry_after: float) -> None:
        limit, told = standing.limit, _TOLD[standing.limit.kind]
        kind, _, name = limit.scope.partition(":")
        who = "This API key" if kind == "key" else f"The {kind} '{name}'"
        usd = f"{(Decimal(limit.amount) / 10**9).normalize():f}"
        what = told.text.format(who=who, amount=limit.amount, usd=usd, window=limit.window)
        super().__init__(f"{what}; {_remedy(limit, retry_after)}", code=told.code, retry_after=retry_after)
        self.type = told.type  # type: ignore[misc]  # OpenAI names the resource here
        self.standing = standing


def _remedy(limit: Limit, retry_after: float) -> str:
    if limit.kind == "budget":
        anew = datetime.fromtimestamp(datetime.now(UTC).timestamp() + retry_after, UTC)
        return f"it starts anew on {anew:%Y-%m-%d %H:%M} UTC. An administrator can raise it."
    if limit.kind == "parallel":
        return "wait for one to end. An administrator can raise the limit."
    return f"try again in {max(1, round(retry_after))} s. An administrator can raise the limit."


def scopes_of(record: Record) -> tuple[str, ...]:
    """Who a record counts against. A person is known by e-mail where there is one, else by id."""
    person = (record.user_email or record.user_id or "").lower()
    scopes = (("key", record.key_id), ("person", person), ("team", record.team))
    return tuple(f"{kind}:{name}" for kind, name in scopes if name)


def ratelimit_headers(standings: Sequence[Standing]) -> list[tuple[bytes, bytes]]:
    """OpenAI's `x-ratelimit-*`, from the tightest limit of each kind."""
    headers: list[tuple[bytes, bytes]] = []
    for kind in ("requests", "tokens"):
        found = min((each for each in standings if each.limit.kind == kind), key=lambda each: each.left, default=None)
        if found:
            told = (
                ("limit", str(found.limit.amount)),
                ("remaining", str(found.left)),
                ("reset", _span(found.resets_in)),
            )
            headers += [(f"x-ratelimit-{name}-{kind}".encode(), value.encode()) for name, value in told]
    return headers


def soft_budget_headers(standings: Sequence[Standing]) -> list[tuple[bytes, bytes]]:
    """A warning for each budget that is used up but refuses nobody."""
    over = [each.limit for each in standings if each.limit.kind == "budget" and not each.limit.hard and not each.left]
    return [(b"x-sekisho-warning", f"budget of {each.scope} for this {each.window} used up".encode()) for each in over]


def _span(seconds: float) -> str:
    """`20ms`, `1s`, `6m0s`, as OpenAI writes them."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
