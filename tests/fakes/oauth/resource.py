"""The everything-server, for whoever shows a token that an issuer gave for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mcp.server.auth.routes import create_protected_resource_routes
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.fakes.mcp_everything.serving import Era, Everything, everything_app
from tests.fakes.oauth.issuer import Issuer, anew
from tests.fakes.serving import free_port, serving


@dataclass
class Protected:
    """A tool server, and who used it. `issuers`: those that its metadata names; the first one's tokens are taken."""

    url: str
    issuers: list[Issuer]
    needed: list[str] = field(default_factory=list)
    """Scopes without which a call is refused with 403."""
    seen: list[tuple[str, str]] = field(default_factory=list)
    """Who sent a request, and its method of HTTP."""
    tokens: list[str] = field(default_factory=list)
    challenge: str = ""
    """In place of the right one."""
    instead: dict[str, ASGIApp] = field(default_factory=dict)
    subject_of_session: dict[bytes, str] = field(default_factory=dict)
    mixed: list[str] = field(default_factory=list)
    """Sessions that were used with two people's tokens."""

    def reset(self) -> None:
        """Forget everything, and behave."""
        anew(self, kept=("url", "issuers"))

    @property
    def base(self) -> str:
        return self.url.rpartition("/")[0]

    def challenge_for(self, error: str, scopes: list[str]) -> bytes:
        if self.challenge:
            return self.challenge.encode()
        parts = [f'resource_metadata="{self.base}/.well-known/oauth-protected-resource/mcp"']
        parts += [f'error="{error}"'] if error else []
        parts += [f'scope="{" ".join(scopes)}"'] if scopes else []
        return f"Bearer {', '.join(parts)}".encode()


class _Guarded:
    def __init__(self, server: Protected, app: ASGIApp, metadata: ASGIApp) -> None:
        self._server, self._app, self._metadata = server, app, metadata

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = self._server
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] in server.instead:
            await server.instead[scope["path"]](scope, receive, send)
            return
        if scope["path"].startswith("/.well-known/"):
            await self._metadata(scope, receive, send)
            return
        headers = dict(scope["headers"])
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        found = server.issuers[0].access.get(token)
        if found is None or (found.resource or "") not in server.url:
            await _refuse(send, 401, server.challenge_for("invalid_token" if token else "", server.needed))
            return
        if missing := [each for each in server.needed if each not in found.scopes]:
            await _refuse(send, 403, server.challenge_for("insufficient_scope", missing))
            return
        subject = found.subject or ""
        server.seen.append((subject, scope["method"]))
        server.tokens.append(token)
        session = headers.get(b"mcp-session-id")
        if session and server.subject_of_session.setdefault(session, subject) != subject:
            server.mixed.append(subject)
        scope["sekisho.test.subject"] = subject
        await self._app(scope, receive, send)


async def _refuse(send: Send, status: int, challenge: bytes) -> None:
    headers = [(b"www-authenticate", challenge), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body"})


@contextmanager
def protected(*issuers: Issuer, era: Era = "modern", server: Everything | None = None) -> Iterator[Protected]:
    """Serve a tool server that takes tokens."""
    port = free_port()
    found = Protected(f"http://127.0.0.1:{port}/mcp", list(issuers))
    named = [AnyHttpUrl(each.url) for each in issuers]
    metadata = Starlette(
        routes=list(create_protected_resource_routes(AnyHttpUrl(found.url), named, scopes_supported=None))
    )
    app = _Guarded(found, everything_app(era, server or Everything()), metadata)
    with serving(app, port=port, lifespan="on"):
        yield found
