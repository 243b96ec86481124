"""`/v1/me/tool-servers`, and the document by which issuers know the gateway."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.authenticate import authenticate_reader
from gateway.api.client import Answer, headers_of
from gateway.api.holder import person_of
from gateway.api.telling import refuse
from gateway.api.tool_accounts import AccountList, SignedOut
from gateway.errors import ApiError, NotFound, Overloaded
from gateway.mcp.accounts import Accounts, ours
from gateway.mcp.oauth.failures import OAuthFailed
from gateway.mcp.oauth.words import told
from gateway.runtime import Runtime
from gateway.sessions.cookies import public_url

Handler = Callable[[Runtime, Accounts, Scope], Awaitable[Any]]


def account_routes(runtime: Runtime, accounts: Accounts) -> list[BaseRoute]:
    """Return the routes."""
    return [
        Route(path, _AccountRoute(runtime, accounts, handler), methods=[method]) for method, path, handler in _TABLE
    ]


class _AccountRoute:
    def __init__(self, runtime: Runtime, accounts: Accounts, handler: Handler) -> None:
        self._runtime, self._accounts, self._handler = runtime, accounts, handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            content = await self._handled(scope)
            await answer.whole(200, [(b"cache-control", b"no-store")], wire.encode(content))
        except ApiError as error:
            await refuse(answer, error, scope)

    async def _handled(self, scope: Scope) -> Any:
        try:
            return await self._handler(self._runtime, self._accounts, scope)
        except OAuthFailed as error:
            raise Overloaded(told(error), code="tool_server_sign_in_failed", retry_after=5) from error
        except (SQLAlchemyError, OSError) as error:
            raise Overloaded(told(OAuthFailed("store")), code="keys_unavailable", retry_after=2) from error


async def _list(runtime: Runtime, accounts: Accounts, scope: Scope) -> AccountList:
    key = await authenticate_reader(runtime, scope)
    person = person_of(runtime, key, headers_of(scope))
    return AccountList(await accounts.of(person, public_url(runtime.current.config, scope)))


async def _end(runtime: Runtime, accounts: Accounts, scope: Scope) -> SignedOut:
    key = await authenticate_reader(runtime, scope)
    person = person_of(runtime, key, headers_of(scope))
    server = scope["path_params"]["server"]
    return SignedOut(server, await accounts.end(server, person))


async def _document(runtime: Runtime, accounts: Accounts, scope: Scope) -> Any:
    """Return the metadata document of the gateway as a client; issuers read it, so no key is asked for."""
    from gateway.mcp.oauth.clients import document_of

    server = scope["path_params"]["server"]
    accounts.server(server)
    own = ours(public_url(runtime.current.config, scope), server)
    if not own.document:
        raise NotFound("There is a client's document only where 'server.public_url' begins with https://.")
    return document_of(own)


_TABLE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v1/me/tool-servers", _list),
    ("DELETE", "/v1/me/tool-servers/{server}", _end),
    ("GET", "/mcp-sign-in/{server}/client.json", _document),
)
