"""The refusal: which limit, how it stands, when to come back, and who can help."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from gateway.errors import ApiError
from gateway.limits.limit import Demand, Standing, wanted


@dataclass(frozen=True, slots=True)
class _Told:
    """`nothing_left` and `too_little` are the sentence; `type` and `code` OpenAI's words for programs."""

    type: str
    code: str
    nothing_left: str
    too_little: str


_RATE = "rate_limit_exceeded"
_TOLD = {
    "requests": _Told("requests", _RATE, "{who} has made its {amount:,} requests of this minute", ""),
    "tokens": _Told(
        "tokens",
        _RATE,
        "{who} has used its {amount:,} tokens of this minute",
        "{who} has {left:,} left of its {amount:,} tokens of this minute, and this request may take {need:,}",
    ),
    "parallel": _Told("requests", _RATE, "{who} has {amount:,} requests running, as many as it may", ""),
    "budget": _Told(
        "insufficient_quota",
        "insufficient_quota",
        "{who} has used its budget of {usd_amount} USD for this {window}",
        "{who} has {usd_left} USD left of its budget of {usd_amount} USD for this {window}, and this request may cost "
        "{usd_need} USD (a smaller max_tokens lowers that)",
    ),
}


class LimitReached(ApiError):
    """A hard limit has no room for a request.

    `standing` is that limit's, `standings` those of all that were looked at, `retry_after` in seconds.
    """

    status = 429

    def __init__(self, standing: Standing, demand: Demand, now: float, standings: Sequence[Standing] = ()) -> None:
        told, retry_after = _TOLD[standing.limit.kind], _retry_after(standing, demand)
        text = f"{_sentence(told, standing, demand)}; {_remedy(standing, now, retry_after)}"
        super().__init__(text, code=told.code, retry_after=retry_after)
        self.type = told.type  # type: ignore[misc]  # OpenAI names the resource here
        self.standing = standing
        self.standings = tuple(standings) or (standing,)


def _sentence(told: _Told, standing: Standing, demand: Demand) -> str:
    limit = standing.limit
    kind, _, name = limit.scope.partition(":")
    amounts = {"amount": limit.amount, "left": standing.left, "need": wanted(limit, demand)}
    words = {f"usd_{name}": usd(amount) for name, amount in amounts.items()}
    sentence = told.too_little if standing.left and told.too_little else told.nothing_left
    who = "This API key" if kind == "key" else f"The {kind} '{name}'"
    return sentence.format(who=who, window=limit.window, **amounts, **words)


def _remedy(standing: Standing, now: float, retry_after: float) -> str:
    if standing.limit.kind == "budget":
        anew = datetime.fromtimestamp(round(now + standing.resets_in), UTC)
        return f"it starts anew on {anew:%Y-%m-%d %H:%M} UTC. Ask an administrator to raise it."
    if standing.limit.kind == "parallel":
        return "wait for one to end. An administrator can raise the limit."
    return f"try again in {max(1, round(retry_after))} s. An administrator can raise the limit."


def _retry_after(standing: Standing, demand: Demand) -> float:
    """A rate refills steadily; a budget does not before its window ends."""
    limit = standing.limit
    if limit.kind not in ("requests", "tokens"):
        return standing.resets_in
    missing = min(wanted(limit, demand), limit.amount) - (limit.amount - standing.resets_in * limit.amount / 60)
    return missing * 60 / limit.amount if limit.amount else 60.0


def usd(nano: int) -> str:
    """`1.00`, `0.00000015`: two places at least, and no more than there are."""
    text = f"{(Decimal(nano) / 10**9).normalize():f}"
    places = len(text.partition(".")[2])
    return text if places >= 2 else f"{Decimal(text):.2f}"
