"""Operations of `/v1/me/…`: what people may ask about themselves."""

from gateway.api.notices import Acknowledged, Chatting
from gateway.api.own_keys import NewKey, Rotation
from gateway.api.speeds import SpeedsTold
from gateway.api.tool_accounts import AccountList, SignedOut
from gateway.api.usage import OWN_DIMENSIONS, UsageQuery
from gateway.openapi.operation import Operation
from gateway.openapi.shapes.own import AcknowledgementList, ConsoleLinkAsked, ConsoleLinkMade, Me, MyUsage, NoticeList
from gateway.openapi.shapes.own_keys import OwnKey, OwnKeyDetails, OwnKeyList, OwnKeyMade

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
_SECRET = {"key": "sk-4Jx…x7Qa"}

ME: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path="/v1/me",
        summary="What a key may do: limits, budgets, models and prices",
        answer=Me,
    ),
    Operation(
        method="GET",
        path="/v1/me/usage",
        summary="What one used, over chat and all own keys",
        about=f"Without `from` it is this month. `by` names dimensions: {', '.join(OWN_DIMENSIONS)}.",
        query=UsageQuery,
        answer=MyUsage,
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
    Operation(method="GET", path="/v1/me/keys", summary="Every own key", answer=OwnKeyList),
    Operation(
        method="POST",
        path="/v1/me/keys",
        summary="Make a key of one's own",
        about="Open where the configuration has `own_keys`. The secret is in `key`, this once.",
        body=NewKey,
        answer=OwnKeyMade,
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
        answer=OwnKeyDetails,
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
        answer=OwnKey,
        codes={404: ("key_not_found",)},
    ),
    Operation(
        method="POST",
        path="/v1/me/keys/{id}/rotate",
        summary="Give an own key a new secret",
        about="The old one works on for `grace_seconds`, at most a day.",
        body=Rotation,
        answer=OwnKeyMade,
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
        answer=NoticeList,
        codes={401: ("invalid_identity",), 403: ("no_owner",)},
        example={"model": "claude-sonnet"},
        answered={"notices": [{"kind": "model", "text": "The model “claude-sonnet” ends on 2026-12-31."}]},
    ),
    Operation(
        method="GET",
        path="/v1/me/acknowledgements",
        summary="What one has acknowledged",
        answer=AcknowledgementList,
        codes={401: ("invalid_identity",), 403: ("no_owner",)},
    ),
    Operation(
        method="POST",
        path="/v1/me/acknowledgements",
        summary="Note that one has read a notice",
        about="A second time changes nothing. `guide` is the pack's notice about mistakes and confidential data.",
        body=Acknowledged,
        answer=AcknowledgementList,
        codes={401: ("invalid_identity",), 403: ("no_owner",)},
        example={"notice": "guide", "version": "1"},
        answered={"data": [{"notice": "guide", "version": "1", "at": 1_777_593_600_000_000}]},
    ),
    Operation(
        method="POST",
        path="/v1/me/console-link",
        summary="A link that signs a person in to the console, once, within a minute",
        about="For Open WebUI's key, with the person's signed identity.",
        body=ConsoleLinkAsked,
        answer=ConsoleLinkMade,
        codes={401: ("invalid_identity",), 404: ("not_found",)},
        answered={"url": "https://ai.example.com/console/enter/Zm9v…", "expires_in": 60},
    ),
)
