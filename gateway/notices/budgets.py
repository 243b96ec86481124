"""Notices of budgets, at 80 % and where nothing is left."""

from collections.abc import Iterator, Sequence

from gateway.limits.in_words import budget_in_words
from gateway.limits.limit import LimitStatus, warning_of
from gateway.notices.notice import Notice
from gateway.wording.languages import Language

_LONGEST_SECONDS = 32 * 86_400


def budget_notices(
    statuses: Sequence[LimitStatus],
    now: float,
    said_in: Sequence[Language],
    *,
    in_chat: bool,
    zone: str | None,
    free_models: Sequence[str],
    contact: str | None,
) -> Iterator[Notice]:
    """Yield a notice for each budget that is nearly or wholly used up. `now` is in Unix seconds.

    One that was raised since is news again when it comes near its end.
    """
    for status in statuses:
        limit, warning = status.limit, warning_of(status)
        if limit.kind != "budget" or warning is None:
            continue
        words = (
            budget_in_words(
                status, warning, now, language, in_chat=in_chat, zone=zone, free_models=free_models, contact=contact
            )
            for language in said_in
        )
        ends = round(now + status.resets_in)
        yield Notice(
            f"budget {limit.scope} {limit.window} {ends // 3600} {limit.amount} {warning}",
            "budget",
            " ".join(words),
            min(max(status.resets_in, 60.0), _LONGEST_SECONDS),
        )
