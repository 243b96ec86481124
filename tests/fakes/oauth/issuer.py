"""An authorization server. A browser says in `x-user` who sits before it; nobody is asked to agree."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING, dataclass, field, fields
from typing import Any
from urllib.parse import parse_qs

from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    RefreshToken,
    TokenError,
    construct_redirect_uri,
)
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.fakes.serving import free_port, serving

USER: ContextVar[str] = ContextVar("user", default="somebody")
Change = Callable[[dict[str, Any]], None]
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@dataclass
class Issuer:
    """What it knows, and how it misbehaves. `asked`: the paths that were asked, in order."""

    url: str = ""
    lifetime: int | None = 3600
    scopes: list[str] = field(default_factory=lambda: ["read", "write"])
    change_metadata: Change = lambda metadata: None
    change_answer: Callable[[dict[str, str]], None] = lambda query: None
    """Changes what a browser is sent back with."""
    grants: Callable[[list[str]], list[str]] = lambda scopes: scopes
    change_tokens: Change = lambda tokens: None
    instead: dict[str, ASGIApp] = field(default_factory=dict)
    """By path, what answers in place of the issuer."""
    clients: dict[str, OAuthClientInformationFull] = field(default_factory=dict)
    codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    access: dict[str, AccessToken] = field(default_factory=dict)
    refresh: dict[str, RefreshToken] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    authorized: list[AuthorizationParams] = field(default_factory=list)
    refreshes: int = 0
    forms: list[dict[str, str]] = field(default_factory=list)
    """Of the token endpoint."""

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        self.authorized.append(params)
        code = secrets.token_urlsafe(24)
        self.codes[code] = AuthorizationCode(
            code=code,
            scopes=params.scopes or [],
            expires_at=time.time() + 300,
            client_id=client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject=USER.get(),
        )
        answer = {"code": code, "state": params.state or ""}
        self.change_answer(answer)
        return construct_redirect_uri(str(params.redirect_uri), **answer)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        if self.codes.pop(authorization_code.code, None) is None:
            raise TokenError("invalid_grant")
        found = authorization_code
        return self.give(client.client_id, found.subject or "", self.grants(found.scopes), found.resource)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        self.refreshes += 1
        if self.refresh.pop(refresh_token.token, None) is None:
            raise TokenError("invalid_grant")
        return self.give(client.client_id, refresh_token.subject or "", refresh_token.scopes, refresh_token.resource)

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.access.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.revoked.append(token.token)
        self.access.pop(token.token, None)
        self.refresh.pop(token.token, None)

    async def exchange_identity_assertion(self, client: Any, params: Any) -> OAuthToken:
        raise TokenError("unsupported_grant_type")

    def give(self, client: str, subject: str, scopes: list[str], resource: str | None) -> OAuthToken:
        """Give tokens of a person; refresh tokens are good for once."""
        access, refresh = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        ends = None if self.lifetime is None else int(time.time()) + self.lifetime
        more = {"client_id": client, "scopes": scopes, "resource": resource, "subject": subject}
        self.access[access] = AccessToken(token=access, expires_at=ends, **more)
        self.refresh[refresh] = RefreshToken(token=refresh, **more)
        return OAuthToken(
            access_token=access, expires_in=self.lifetime, scope=" ".join(scopes) or None, refresh_token=refresh
        )

    def reset(self) -> None:
        """Forget everything, and behave."""
        anew(self, kept=("url",))

    def forget(self) -> None:
        """Let all tokens end."""
        self.access.clear()
        self.refresh.clear()

    def app(self) -> ASGIApp:
        registration = ClientRegistrationOptions(enabled=True, valid_scopes=[*self.scopes, "offline_access"])
        routes = create_auth_routes(self, AnyHttpUrl(self.url), None, registration, RevocationOptions(enabled=True))
        return _Front(self, Starlette(routes=list(routes)))


class _Front:
    """Notes what is asked, changes answers, and serves the grants for which nobody signs in."""

    def __init__(self, issuer: Issuer, app: ASGIApp) -> None:
        self._issuer, self._app = issuer, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        issuer, path = self._issuer, scope["path"]
        issuer.asked.append(path)
        headers = dict(scope["headers"])
        USER.set(headers.get(b"x-user", b"somebody").decode())
        if path in issuer.instead:
            await issuer.instead[path](scope, receive, send)
        elif path == "/token":
            await self._token(scope, receive, send)
        elif path.startswith("/.well-known/"):
            await self._app(scope, receive, _changed(send, issuer.change_metadata))
        else:
            await self._app(scope, receive, send)

    async def _token(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self._issuer.forms.append(form)
        if form.get("grant_type") in ("client_credentials", EXCHANGE):
            await self._own(form, dict(scope["headers"]))(scope, receive, send)
            return

        async def again() -> Message:
            return {"type": "http.request", "body": body}

        await self._app(scope, again, _changed(send, self._issuer.change_tokens))

    def _own(self, form: dict[str, str], headers: dict[bytes, bytes]) -> Response:
        if b"authorization" not in headers and "client_id" not in form:
            return JSONResponse({"error": "invalid_client"}, 401)
        subject = form.get("subject_token", "the gateway")
        tokens = self._issuer.give("own", subject, form.get("scope", "").split(), form.get("resource"))
        answer = tokens.model_dump(exclude_none=True, exclude={"refresh_token"})
        self._issuer.change_tokens(answer)
        return JSONResponse(answer)


def _changed(send: Send, change: Change) -> Send:
    """Return a `send` that changes an answer's JSON."""
    start: Message = {}

    async def sending(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        body = message.get("body", b"")
        if body and start["status"] == 200:
            content = json.loads(body)
            change(content)
            body = json.dumps(content).encode()
        headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})

    return sending


async def _read(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def anew(found: Any, kept: tuple[str, ...]) -> None:
    """Give the fields of a dataclass what they have at first, but the kept ones."""
    for each in fields(found):
        if each.name not in kept:
            setattr(found, each.name, each.default if each.default_factory is MISSING else each.default_factory())


@contextmanager
def issuing(**settings: Any) -> Iterator[Issuer]:
    """Serve an authorization server."""
    port = free_port()
    issuer = Issuer(url=f"http://127.0.0.1:{port}", **settings)
    with serving(issuer.app(), port=port):
        yield issuer
