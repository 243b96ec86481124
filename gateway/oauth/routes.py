"""The routes of programs; the page on which people answer is `gateway.oauth.page`."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.api.client import headers_of
from gateway.oauth import codes, device, families, tokens
from gateway.oauth.codes import Authorization, check_redirect, check_request
from gateway.oauth.errors import OAuthError, invalid_grant, invalid_request
from gateway.oauth.forms import Form, parsed, read_form, required
from gateway.oauth.grants import Asked
from gateway.oauth.programs import OWN, Program, program_of
from gateway.oauth.redirects import with_parameters
from gateway.oauth.server import PAGE, AuthorizationServer, answering

_CODE_CLIENTS = frozenset((OWN,))
"""Programs that may send a browser here and listen on loopback."""


def oauth_routes(server: AuthorizationServer) -> list[Route]:
    """Return the routes of metadata, grants and revocation."""
    table: tuple[tuple[str, str, Callable[[AuthorizationServer, Request], Awaitable[Any]]], ...] = (
        ("GET", "/.well-known/oauth-authorization-server", metadata),
        ("POST", "/oauth/device_authorization", _device_authorization),
        ("POST", "/oauth/token", _token),
        ("POST", "/oauth/revoke", _revoke),
        ("GET", "/oauth/authorize", _authorize),
    )
    return [Route(path, answering(server, handler), methods=[method]) for method, path, handler in table]


async def metadata(server: AuthorizationServer, request: Request) -> dict[str, Any]:
    """Return the server's metadata (RFC 8414)."""
    root = server.root(request)
    return {
        "issuer": root,
        "authorization_endpoint": f"{root}/oauth/authorize",
        "device_authorization_endpoint": f"{root}/oauth/device_authorization",
        "token_endpoint": f"{root}/oauth/token",
        "revocation_endpoint": f"{root}/oauth/revoke",
        "grant_types_supported": list(_GRANTS),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": True,
    }


async def _device_authorization(server: AuthorizationServer, request: Request) -> dict[str, Any]:
    form = await read_form(request)
    server.check_open()
    program = program_of(form.get("client_id", ""), form.get("surface", ""), headers_of(request.scope))
    return await server.devices.begin(_asked(server, request, program), f"{server.root(request)}{PAGE}")


async def _token(server: AuthorizationServer, request: Request) -> dict[str, Any]:
    form = await read_form(request)
    grant = _GRANTS.get(required(form, "grant_type"))
    if grant is None:
        raise OAuthError("unsupported_grant_type", f"The grant_type must be one of {', '.join(_GRANTS)}.")
    return await grant(server, form)


async def _by_device(server: AuthorizationServer, form: Form) -> dict[str, Any]:
    answer, _ = await server.tokens.issue(await server.devices.poll(required(form, "device_code")))
    return answer


async def _by_code(server: AuthorizationServer, form: Form) -> dict[str, Any]:
    code = required(form, "code")
    if family := await server.codes.family_of_used(code):
        await server.tokens.end_family(family)
        raise invalid_grant("This code was used before. Start again.")
    approval = await server.codes.redeem(form)
    answer, family = await server.tokens.issue(approval)
    await server.codes.used(code, family, approval.person)
    return answer


async def _by_refresh(server: AuthorizationServer, form: Form) -> dict[str, Any]:
    return await server.tokens.refresh(required(form, "refresh_token"))


async def _by_exchange(server: AuthorizationServer, form: Form) -> dict[str, Any]:
    if form.get("subject_token_type") != tokens.REFRESH_TOKEN_TYPE:
        raise invalid_request(f"The subject_token_type must be {tokens.REFRESH_TOKEN_TYPE}.")
    return await server.tokens.exchange(required(form, "subject_token"), required(form, "client_id"))


_GRANTS: dict[str, Callable[[AuthorizationServer, Form], Awaitable[dict[str, Any]]]] = {
    codes.GRANT: _by_code,
    device.GRANT: _by_device,
    families.GRANT: _by_refresh,
    tokens.EXCHANGE: _by_exchange,
}


async def _revoke(server: AuthorizationServer, request: Request) -> dict[str, Any]:
    form = await read_form(request)
    await server.tokens.revoke(required(form, "token"))
    return {}


async def _authorize(server: AuthorizationServer, request: Request) -> Response:
    """Send a browser to the person's page, or back to its program with an error; elsewhere never."""
    form = parsed(request.scope.get("query_string", b""))
    client_id, redirect_uri = check_redirect(form, _CODE_CLIENTS)
    try:
        challenge, state = check_request(form)
        server.check_open()
        asked = _asked(server, request, program_of(client_id, "", {}))
        id_ = await server.codes.begin(Authorization(asked, client_id, redirect_uri, challenge, state))
    except OAuthError as error:
        given = {"state": form["state"]} if 0 < len(form.get("state", "")) <= codes.LONGEST_STATE else {}
        told = {"error": error.code, "error_description": error.message, "iss": server.root(request), **given}
        return RedirectResponse(with_parameters(redirect_uri, **told), 303)
    return RedirectResponse(f"{PAGE}?request={id_}", 303)


def _asked(server: AuthorizationServer, request: Request, program: Program) -> Asked:
    return Asked(program, server.address(request), time.time())
