"""Budgets in the headers of Messages answers, as Claude Code shows them: `anthropic-ratelimit-unified-*`.

An upstream's own headers of that name never reach a client: they would be shown to the person as theirs.
"""

import time
from collections.abc import Sequence

from gateway.api.client import Headers
from gateway.errors import ApiError
from gateway.limits.limit import LimitStatus
from gateway.limits.reached import LimitReached

_PREFIX = "anthropic-ratelimit-unified"
_THRESHOLDS = (0.95, 0.75)
"""Shares at which a person is warned, the highest first."""
_PERIODS = {"day": "daily", "week": "weekly", "month": "monthly"}


def budget_headers(statuses: Sequence[LimitStatus]) -> Headers:
    """Return how the fullest budget stands; nothing without one."""
    budgets = [each for each in statuses if each.limit.kind == "budget"]
    if not budgets:
        return []
    fullest = max(budgets, key=_share)
    share, reset = _share(fullest), str(round(time.time() + fullest.resets_in))
    passed = next((each for each in _THRESHOLDS if share >= each), None)
    status = "allowed" if passed is None else "allowed_warning"
    warning = {} if passed is None else {"overage-surpassed-threshold": str(passed)}
    told = {
        "status": status,
        "representative-claim": "overage",
        "overage-status": status,
        "overage-utilization": f"{share:.4g}",
        "reset": reset,
        "overage-reset": reset,
        **warning,
    }
    return _headers(told)


def used_up_headers(error: ApiError) -> Headers:
    """Return what tells that a budget is used up, so that the client shows our words; nothing for other errors."""
    if not isinstance(error, LimitReached) or error.limit_status.limit.kind != "budget":
        return []
    status = error.limit_status
    told = {
        "status": "rejected",
        "overage-period": _PERIODS[status.limit.window or "month"],
        "overage-disabled-reason": "org_spend_cap_reached",
        "reset": str(round(time.time() + status.resets_in)),
    }
    return _headers(told)


def _share(status: LimitStatus) -> float:
    return status.used / status.limit.amount if status.limit.amount else 1.0


def _headers(told: dict[str, str]) -> Headers:
    return [(f"{_PREFIX}-{name}".encode(), value.encode()) for name, value in told.items()]
