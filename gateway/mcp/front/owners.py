"""To whom sessions and sealed states belong: key, view and person."""

from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import ServerRequestContext

from gateway.identity.caller import Caller
from gateway.mcp.front.exchange import exchange_of
from gateway.mcp.principal import principal_of
from gateway.mcp.views import View


def session_owner(caller: Caller, view: View) -> AuthenticatedUser:
    """Return to whom a session belongs: the SDK answers 404 to everybody else."""
    owner = f"{caller.key.id}@{view.name}"
    return AuthenticatedUser(AccessToken(token=caller.key.id, client_id=owner, scopes=[], subject=principal_of(caller)))


def state_owner(ctx: ServerRequestContext[Any, Any]) -> str:
    """Return to whom a sealed state belongs."""
    exchange = exchange_of(ctx)
    return f"{exchange.caller.key.id}@{exchange.view.name}@{principal_of(exchange.caller)}"
