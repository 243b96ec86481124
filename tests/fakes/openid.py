"""An OpenID provider that answers as a test says, truly or not."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"}, private=True)
OTHER = RSAKey.generate_key(2048, {"kid": "other", "use": "sig"}, private=True)
CURVE = ECKey.generate_key("P-256", {"kid": "curve"}, private=True)
EDWARDS = OKPKey.generate_key("Ed25519", {"kid": "edwards"}, private=True)
Change = Callable[[dict[str, Any]], Any]


class FakeOpenId:
    """The ASGI application. Its parts may be replaced between requests."""

    def __init__(self) -> None:
        self.issuer = ""
        self.client_id = "sekisho"
        self.metadata: dict[str, Any] = {}
        """Replaces members of its description."""
        self.keys: list[Any] = [KEY, CURVE, EDWARDS]
        """Those that it shows."""
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "first"}
        self.key: Any = KEY
        """Signs."""
        self.claims: dict[str, Any] = {}
        """Replaces claims; None leaves one out."""
        self.token: Callable[[str], object] = lambda token: token
        """What is sent in place of a token."""
        self.user_info: dict[str, Any] = {"sub": "u-1"}
        self.answers: dict[str, Response] = {}
        """Answers by path, in place of its own."""
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        """Path, headers and form of requests."""
        self.nonce = ""
        paths = {"/.well-known/openid-configuration": self._describe, "/jwks": self._show_keys}
        routes = [Route(path, self._or_other(answer)) for path, answer in paths.items()]
        routes.append(Route("/token", self._or_other(self._give), methods=["POST"]))
        routes.append(Route("/me", self._or_other(lambda: JSONResponse(self.user_info))))
        self._app = Starlette(routes=routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _or_other(self, answer: Callable[[], Response]) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
            self.asked.append((request.url.path, dict(request.headers), form))
            return self.answers.get(request.url.path) or answer()

        return serve

    def _describe(self) -> Response:
        paths = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/jwks"}
        paths |= {"userinfo_endpoint": "/me", "end_session_endpoint": "/end?tenant=1"}
        own = {name: f"{self.issuer}{path}" for name, path in paths.items()}
        signing = {"id_token_signing_alg_values_supported": ["RS256", "ES256", "Ed25519", "HS256", "none"]}
        return JSONResponse({"issuer": self.issuer, **own, **signing, **self.metadata})

    def _show_keys(self) -> Response:
        return JSONResponse(
            {"keys": [each if isinstance(each, dict) else each.as_dict(private=False) for each in self.keys]}
        )

    def _give(self) -> Response:
        return JSONResponse({"access_token": "access", "token_type": "Bearer", "id_token": self.token(self.signed())})

    def signed(self) -> str:
        """Return a token."""
        now = int(time.time())
        times = {"iat": now, "exp": now + 300}
        person = {"sub": "u-1", "email": "alice@example.com", "email_verified": True}
        claims = {"iss": self.issuer, "aud": self.client_id, "nonce": self.nonce, **times, **person, **self.claims}
        shown = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(self.header, shown, self.key, algorithms=[self.header["alg"]])


SHARED = OctKey.import_key("a secret of the client that is long enough for HS256")
