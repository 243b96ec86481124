"""Every operation of `/v1/me/…` and `/admin/…`: the rows of the description.

A new route needs a row here; tests compare rows with routes, and each answer with the row's struct.
"""

from gateway.api.audit import AuditQuery
from gateway.api.endings import EndingQuery
from gateway.api.live import Live
from gateway.api.notices import Acknowledged, Chatting
from gateway.api.overview import Overview, OverviewQuery
from gateway.api.own_keys import NewKey, Rotation
from gateway.api.speeds import SpeedsTold
from gateway.api.state import Configuration, LedgerState
from gateway.api.tool_accounts import AccountList, SignedOut
from gateway.api.usage import OWN_DIMENSIONS, RecordsQuery, UsageQuery
from gateway.identity.keys import Budget, Key
from gateway.notices.users import EndingModels
from gateway.openapi import shapes
from gateway.openapi.operation import Operation
from gateway.reports.dimensions import DIMENSIONS

_OWN_KEY = {
    "id": "key_5d1f0c3a9b7e2468",
    "alias": "laptop",
    "purpose": "Claude Code",
    "hint": "sk-…x7Qa",
    "team": "research",
    "made_by": "person",
    "created_at": 1_777_593_600_000_000,
    "expires_at": 1_785_369_600_000_000,
    "revoked_at": None,
    "models": None,
    "valid": True,
    "presented": False,
}
_USE = {"requests": 412, "input_tokens": 5_120_400, "output_tokens": 88_210, "cost_usd": 12.48}
_ONE_BUDGET = {
    "scope": "person",
    "name": None,
    "usd": 20.0,
    "used_usd": 12.48,
    "left_usd": 7.52,
    "warning": None,
    "window": "month",
    "hard": True,
    "resets_at": "2026-05-01T00:00:00Z",
}
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


ME: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path="/v1/me",
        summary="What a key may do: limits, budgets, models and prices",
        answer=shapes.Me,
    ),
    Operation(
        method="GET",
        path="/v1/me/usage",
        summary="What one used, over chat and all own keys",
        about=f"Without `from` it is this month. `by` names dimensions: {', '.join(OWN_DIMENSIONS)}.",
        query=UsageQuery,
        answer=shapes.MyUsage,
        codes={401: ("invalid_identity",)},
        answered={
            "currency": "USD",
            "from": "2026-04-01",
            "to": "2026-04-30",
            "timezone": "Asia/Tokyo",
            "as_of": "2026-04-21T09:10:00Z",
            "total": _USE,
            "budget": _ONE_BUDGET,
            "budgets": [_ONE_BUDGET],
            "free_models": ["gemma-3-27b"],
            "team": "research",
            "teams": ["research"],
            "several": "first",
            "contact": "it-help@example.com",
            "rows": [{"model": "claude-sonnet", **_USE}],
        },
    ),
    Operation(method="GET", path="/v1/me/keys", summary="Every own key", answer=shapes.OwnKeyList),
    Operation(
        method="POST",
        path="/v1/me/keys",
        summary="Make a key of one's own",
        about="Open where the configuration has `own_keys`. The secret is in `key`, this once.",
        body=NewKey,
        answer=shapes.OwnKeyMade,
        codes={
            400: ("alias_taken",),
            403: ("own_keys_off", "no_owner", "key_restricted", "too_many_keys", "not_your_team"),
        },
        example={"alias": "laptop", "purpose": "Claude Code", "days": 90},
        answered={**_OWN_KEY, **_SECRET},
    ),
    Operation(
        method="GET",
        path="/v1/me/keys/{id}",
        summary="One own key, and when it was used last",
        answer=shapes.OwnKeyDetails,
        codes={404: ("key_not_found",)},
        answered={
            **_OWN_KEY,
            "last_used": {"hour": "2026-04-21 09:00:00", "client": "claude-code", "client_ip": "10.2.3.4"},
        },
    ),
    Operation(
        method="DELETE",
        path="/v1/me/keys/{id}",
        summary="Revoke an own key, at once and everywhere",
        answer=shapes.OwnKey,
        codes={404: ("key_not_found",)},
    ),
    Operation(
        method="POST",
        path="/v1/me/keys/{id}/rotate",
        summary="Give an own key a new secret",
        about="The old one works on for `grace_seconds`, at most a day.",
        body=Rotation,
        answer=shapes.OwnKeyMade,
        codes={400: ("key_ended",), 403: ("key_restricted",), 404: ("key_not_found",)},
        example={"grace_seconds": 3600},
    ),
    Operation(
        method="GET",
        path="/v1/me/tool-servers",
        summary="The tool servers at which one signs in, and where one has",
        answer=AccountList,
        codes={401: ("invalid_identity",)},
    ),
    Operation(
        method="DELETE",
        path="/v1/me/tool-servers/{server}",
        summary="Sign out at a tool server",
        about="The tokens are deleted, and revoked at their issuer where it has an address for that.",
        answer=SignedOut,
        codes={401: ("invalid_identity",), 403: ("no_owner",), 404: ("tool_server_not_found",)},
        answered={"server": "wiki", "was_signed_in": True},
    ),
    Operation(
        method="GET",
        path="/v1/me/speeds",
        summary="How fast the models answered in the last seven days",
        about="Medians over all people's requests, counted every ten minutes.",
        answer=SpeedsTold,
        answered={
            "from": "2026-04-15",
            "to": "2026-04-21",
            "rows": [{"model": "claude-sonnet", "requests": 5120, "first_token_ms": 640, "tokens_per_second": 71.4}],
        },
    ),
    Operation(
        method="POST",
        path="/v1/me/notices",
        summary="What one is to be told now: budgets from 80 % on, models that end soon",
        about="Each news once: a threshold once in a window of the budget, a model once a day.",
        body=Chatting,
        answer=shapes.NoticeList,
        codes={401: ("invalid_identity",), 403: ("no_owner",)},
        example={"model": "claude-sonnet"},
        answered={"notices": [{"kind": "model", "text": "The model “claude-sonnet” ends on 2026-12-31."}]},
    ),
    Operation(
        method="GET",
        path="/v1/me/acknowledgements",
        summary="What one has acknowledged",
        answer=shapes.AcknowledgementList,
        codes={401: ("invalid_identity",), 403: ("no_owner",)},
    ),
    Operation(
        method="POST",
        path="/v1/me/acknowledgements",
        summary="Note that one has read a notice",
        about="A second time changes nothing. `guide` is the pack's notice about mistakes and confidential data.",
        body=Acknowledged,
        answer=shapes.AcknowledgementList,
        codes={401: ("invalid_identity",), 403: ("no_owner",)},
        example={"notice": "guide", "version": "1"},
        answered={"data": [{"notice": "guide", "version": "1", "at": 1_777_593_600_000_000}]},
    ),
    Operation(
        method="POST",
        path="/v1/me/console-link",
        summary="A link that signs a person in to the console, once, within a minute",
        about="For Open WebUI's key, with the person's signed identity.",
        body=shapes.ConsoleLinkAsked,
        answer=shapes.ConsoleLinkMade,
        codes={401: ("invalid_identity",), 404: ("not_found",)},
        answered={"url": "https://ai.example.com/console/enter/Zm9v…", "expires_in": 60},
    ),
)

ADMIN: tuple[Operation, ...] = (
    Operation(method="GET", path="/admin/keys", summary="Every key", answer=shapes.KeyList),
    Operation(
        method="POST",
        path="/admin/keys",
        summary="Make a key",
        about="The secret is in `key`, this once.",
        body=shapes.NewAdminKey,
        answer=shapes.KeyMade,
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
        body=shapes.KeyChange,
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
        body=shapes.AdminRotation,
        answer=shapes.KeyMade,
        codes=_NAMED,
        example={"grace_seconds": 0},
    ),
    Operation(
        method="POST",
        path="/admin/explain",
        summary="What would happen to a request, without calling anyone",
        about="The body is the request as its client would send it.",
        query=shapes.ExplainQuery,
        any_body=True,
        answer=shapes.Explanation,
        codes={404: ("not_found", "model_not_found")},
        example={"model": "claude-sonnet", "messages": [{"role": "user", "content": "Hello"}]},
    ),
    Operation(method="GET", path="/admin/budgets", summary="Every budget", answer=shapes.BudgetList),
    Operation(
        method="PUT",
        path="/admin/budgets/{name}",
        summary="Set the budget of a person or team",
        about="`name` is `person:alice@example.com`, `team:research`, or `person:*` for everybody who has none.",
        body=shapes.NewBudget,
        answer=Budget,
        example={"nano_usd": 20_000_000_000, "window": "month", "hard": True},
        answered={"scope": "person:*", "nano_usd": 20_000_000_000, "window": "month", "hard": True},
    ),
    Operation(
        method="DELETE",
        path="/admin/budgets/{name}",
        summary="Take a budget away",
        answer=shapes.Removed,
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
        answer=shapes.RecordList,
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
        answer=shapes.Usage,
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
        answer=shapes.AuditList,
    ),
)

OPERATIONS: tuple[Operation, ...] = (*ME, *ADMIN)
