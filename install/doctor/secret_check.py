"""Whether the gateway accepts what the pack will sign, asked before people find out."""

from contextlib import closing

import httpx2

from gateway.secret import Secret
from install.doctor.ledger import Gateway
from install.pack.engine.change import Change, Plan
from install.wording import say

PATIENCE = 5
"""Seconds. From here the gateway may have another address; `sekisho doctor` says so."""
NOBODY = {"id": "sekisho-plan"}
"""Who is signed: asking for one's own usage leaves no record."""


def wrong_secret(plan: Plan, gateway_url: str) -> str:
    """Return that the gateway refuses the secret of `user_identity`, "" where it does not or cannot be asked."""
    identity, connection = plan.of("filter", "user_identity"), plan.of("connection", plan.gateway)
    secret, key = _value(identity, "valves", "secret"), _value(connection, "key")
    if not secret or not key:
        return ""
    try:
        with closing(Gateway(gateway_url, None, PATIENCE)) as gateway:
            _, code = gateway.accepts(Secret(key), secret, NOBODY)
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return ""
    if code != "invalid_identity":
        return ""
    problem = (
        say("The gateway does not accept what the given identity secret signs.")
        if identity and identity.pending
        else say("The gateway does not accept what the stored secret of user_identity signs.")
    )
    return say("{problem} {remedy}", problem=problem, remedy=_remedy())


def _remedy() -> str:
    return say(
        "Every chat would fail: give both the same, `open_webui.identity_secret` of the gateway and "
        "SEKISHO_IDENTITY_SECRET here."
    )


def _value(change: Change | None, *path: str) -> str:
    found: object = (change.target if change.pending else change.current) if change else None
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""
