"""The error of a limit that is reached: which one, its status, when to try again, and who can raise it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from gateway.errors import ApiError
from gateway.limits.in_words import MOST_MODELS, limit_in_words
from gateway.limits.limit import Demand, LimitStatus, wanted
from gateway.wording.languages import Language


@dataclass(frozen=True, slots=True)
class _Wording:
    """Sentences about a limit, and OpenAI's `type` and `code` for programs."""

    type: str
    code: str
    nothing_left: str
    too_little: str


_RATE = "rate_limit_exceeded"
_WORDINGS = {
    "requests": _Wording("requests", _RATE, "{who} has made its {amount:,} requests of this minute", ""),
    "tokens": _Wording(
        "tokens",
        _RATE,
        "{who} has used its {amount:,} tokens of this minute",
        "{who} has {left:,} left of its {amount:,} tokens of this minute, and this request may take {need:,}",
    ),
    "parallel": _Wording("requests", _RATE, "{who} has {amount:,} requests running, as many as it may", ""),
    "budget": _Wording(
        "insufficient_quota",
        "insufficient_quota",
        "{who} has used its budget of {usd_amount} USD for this {window}",
        "{who} has {usd_left} USD left of its budget of {usd_amount} USD for this {window}, and this request may cost "
        "{usd_need} USD (a smaller max_tokens lowers that)",
    ),
}


class LimitReached(ApiError):
    """A hard limit has no room for a request.

    `limit_status` is of that limit, `limit_statuses` of all that were checked; `retry_after` is in seconds.
    """

    status = 429

    def __init__(self, status: LimitStatus, demand: Demand, now: float, statuses: Sequence[LimitStatus] = ()) -> None:
        wording, retry_after = _WORDINGS[status.limit.kind], _retry_after(status, demand)
        text = f"{_sentence(wording, status, demand)}; {_remedy(status, now, retry_after)}"
        super().__init__(text, code=wording.code, retry_after=retry_after)
        self.type = wording.type  # type: ignore[misc]  # OpenAI names the resource here
        self.limit_status = status
        self.limit_statuses = tuple(statuses) or (status,)
        self._demand, self._now, self._seconds = demand, now, retry_after

    @property
    def is_of_a_team(self) -> bool:
        """Return whether a team's budget has no room; another team's may have."""
        limit = self.limit_status.limit
        return limit.kind == "budget" and limit.scope.startswith("team:")

    def in_words(
        self,
        language: Language,
        is_person: bool,
        zone: str | None,
        free_models: Sequence[str],
        contact: str | None = None,
    ) -> str:
        """Return what a person is told of the limit."""
        return limit_in_words(
            self.limit_status,
            self._demand,
            self._now,
            self._seconds,
            language,
            in_chat=is_person,
            zone=zone,
            free_models=free_models,
            contact=contact,
        )

    def for_programs(self, free_models: Sequence[str], contact: str | None) -> str:
        """Return the message; of a budget, with the models that go on and whom to ask."""
        if self.limit_status.limit.kind != "budget":
            return self.message
        free = f" Models that cost nothing go on: {', '.join(free_models[:MOST_MODELS])}." if free_models else ""
        return f"{self.message}{free}{f' Contact: {contact}.' if contact else ''}"


def _sentence(wording: _Wording, status: LimitStatus, demand: Demand) -> str:
    limit = status.limit
    kind, _, scope = limit.scope.partition(":")
    name = limit.name or scope
    amounts = {"amount": limit.amount, "left": status.left, "need": wanted(limit, demand)}
    words = {f"usd_{which}": usd(amount) for which, amount in amounts.items()}
    sentence = wording.too_little if status.left and wording.too_little else wording.nothing_left
    who = "This API key" if kind == "key" else f"The {kind} '{name}'"
    return sentence.format(who=who, window=limit.window, **amounts, **words)


def _remedy(status: LimitStatus, now: float, retry_after: float) -> str:
    if status.limit.kind == "budget":
        anew = datetime.fromtimestamp(round(now + status.resets_in), UTC)
        return f"it starts anew on {anew:%Y-%m-%d %H:%M} UTC. Ask an administrator to raise it."
    if status.limit.kind == "parallel":
        return "wait for one to end. An administrator can raise the limit."
    return f"try again in {max(1, round(retry_after))} s. An administrator can raise the limit."


def _retry_after(status: LimitStatus, demand: Demand) -> float:
    """Return seconds until a demand fits. A rate refills steadily; a budget when its window ends."""
    limit = status.limit
    if limit.kind not in ("requests", "tokens"):
        return status.resets_in
    missing = min(wanted(limit, demand), limit.amount) - (limit.amount - status.resets_in * limit.amount / 60)
    return missing * 60 / limit.amount if limit.amount else 60.0


def usd(nano: int) -> str:
    """Return an amount in USD with at least two decimals: `1.00`, `0.00000015`."""
    text = f"{(Decimal(nano) / 10**9).normalize():f}"
    places = len(text.partition(".")[2])
    return text if places >= 2 else f"{Decimal(text):.2f}"
