"""Operations of `/admin/…`."""

from gateway.api.audit import AuditQuery
from gateway.api.endings import EndingQuery
from gateway.api.live import Live
from gateway.api.overview import Overview, OverviewQuery
from gateway.api.state import Configuration, LedgerState
from gateway.api.usage import RecordsQuery, UsageQuery
from gateway.identity.keys import Budget, Key
from gateway.notices.users import EndingModels
from gateway.openapi.operation import Operation
from gateway.openapi.shapes.explain import ExplainQuery, Explanation
from gateway.openapi.shapes.keys import (
    AdminRotation,
    BudgetList,
    KeyChange,
    KeyList,
    KeyMade,
    NewAdminKey,
    NewBudget,
    Removed,
)
from gateway.openapi.shapes.usage import AuditList, RecordList, Usage
from gateway.reports.dimensions import DIMENSIONS

_ADMIN_KEY = {
    "id": "key_5d1f0c3a9b7e2468",
    "hint": "sk-…x7Qa",
    "alias": "alice-laptop",
    "owner": "alice@example.com",
    "team": "research",
    "identity": None,
    "created_at": 1_777_593_600_000_000,
    "revoked_at": None,
    "policy": {
        "models": ["claude-*"],
        "networks": None,
        "traffic_class": None,
        "requests_per_minute": 60,
        "tokens_per_minute": None,
        "parallel_requests": None,
        "budget_nano_usd": 20_000_000_000,
        "budget_window": "month",
        "budget_hard": True,
        "expires_at": None,
        "mcp": None,
    },
    "purpose": "Claude Code",
    "made_by": None,
}
_SECRET = {"key": "sk-4Jx…x7Qa"}
_NAMED = {404: ("not_found",)}

ADMIN: tuple[Operation, ...] = (
    Operation(method="GET", path="/admin/keys", summary="Every key", answer=KeyList),
    Operation(
        method="POST",
        path="/admin/keys",
        summary="Make a key",
        about="The secret is in `key`, this once.",
        body=NewAdminKey,
        answer=KeyMade,
        example={
            "alias": "alice-laptop",
            "owner": "alice@example.com",
            "team": "research",
            "purpose": "Claude Code",
            "models": ["claude-*"],
            "requests_per_minute": 60,
            "budget_nano_usd": 20_000_000_000,
            "budget_window": "month",
        },
        answered={**_ADMIN_KEY, **_SECRET},
    ),
    Operation(
        method="GET",
        path="/admin/keys/{name}",
        summary="One key, by id or alias",
        answer=Key,
        codes=_NAMED,
        answered=_ADMIN_KEY,
    ),
    Operation(
        method="PATCH",
        path="/admin/keys/{name}",
        summary="Change a key",
        about="At once, in every gateway process.",
        body=KeyChange,
        answer=Key,
        codes=_NAMED,
        example={"requests_per_minute": 120, "models": None},
    ),
    Operation(
        method="DELETE",
        path="/admin/keys/{name}",
        summary="Revoke a key",
        about="At once, in every gateway process, its rotated secret included.",
        answer=Key,
        codes=_NAMED,
    ),
    Operation(
        method="POST",
        path="/admin/keys/{name}/rotate",
        summary="Give a key a new secret",
        about="The old one works on for `grace_seconds`, a day where it is not given.",
        body=AdminRotation,
        answer=KeyMade,
        codes={**_NAMED, 400: ("key_ended",)},
        example={"grace_seconds": 0},
    ),
    Operation(
        method="POST",
        path="/admin/explain",
        summary="What would happen to a request, without calling anyone",
        about="The body is the request as its client would send it.",
        query=ExplainQuery,
        any_body=True,
        answer=Explanation,
        codes={404: ("not_found", "model_not_found")},
        example={"model": "claude-sonnet", "messages": [{"role": "user", "content": "Hello"}]},
    ),
    Operation(method="GET", path="/admin/budgets", summary="Every budget", answer=BudgetList),
    Operation(
        method="PUT",
        path="/admin/budgets/{name}",
        summary="Set the budget of a person or team",
        about="`name` is `person:alice@example.com`, `team:research`, or `person:*` for everybody who has none.",
        body=NewBudget,
        answer=Budget,
        example={"nano_usd": 20_000_000_000, "window": "month", "hard": True},
        answered={"scope": "person:*", "nano_usd": 20_000_000_000, "window": "month", "hard": True},
    ),
    Operation(
        method="DELETE",
        path="/admin/budgets/{name}",
        summary="Take a budget away",
        answer=Removed,
        codes=_NAMED,
        answered={"removed": "team:research"},
    ),
    Operation(
        method="GET",
        path="/admin/models/ending",
        summary="Models that end or are temporary, who still uses them, and what to write to these people",
        about="Users are those of the last 30 days. `draft` is a message in English and in Japanese.",
        query=EndingQuery,
        answer=EndingModels,
    ),
    Operation(
        method="GET",
        path="/admin/records",
        summary="The newest records of this machine that are not shipped yet",
        query=RecordsQuery,
        answer=RecordList,
    ),
    Operation(
        method="GET",
        path="/admin/usage",
        summary="What was used, by any dimensions",
        about="As `sekisho usage summary --json`. Without `from` it is this month. "
        f"Dimensions: {', '.join(DIMENSIONS)}; "
        "each can also be given by its value, such as `team=research`, also several times.",
        query=UsageQuery,
        open_query=tuple(DIMENSIONS),
        answer=Usage,
    ),
    Operation(
        method="GET",
        path="/admin/overview",
        summary="Today, the last 7 and the last 30 days, each against the time before",
        query=OverviewQuery,
        answer=Overview,
    ),
    Operation(method="GET", path="/admin/live", summary="Deployments and the queue of this process, now", answer=Live),
    Operation(
        method="GET",
        path="/admin/configuration",
        summary="Every value of the configuration, where it comes from, and what is to be looked at",
        answer=Configuration,
    ),
    Operation(method="GET", path="/admin/ledger", summary="How this machine's ledger stands", answer=LedgerState),
    Operation(
        method="GET",
        path="/admin/audit",
        summary="Who changed what, the newest first",
        about="Of the machine that answers. `action` is an action's name or its beginning, such as `key`.",
        query=AuditQuery,
        answer=AuditList,
    ),
)
