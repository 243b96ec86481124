"""GET /v1/me/usage as the gateway answers it, for the plugins that show it."""

from typing import Any

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

KEY = "sk-usage-of-a-person"
SECRET = "a-secret-of-at-least-32-characters!"
MONTH: dict[str, Any] = {
    "currency": "USD",
    "from": "2026-11-01",
    "to": "2026-11-30",
    "total": {"requests": 42, "input_tokens": 120_000, "output_tokens": 8_000, "cost_usd": 2.08},
    "budget": {"usd": 20.0, "window": "month", "used_usd": 2.08, "left_usd": 17.92, "hard": True},
    "rows": [
        {"model": "gpt-5", "day": "2026-11-02", "requests": 30, "input_tokens": 100_000, "output_tokens": 6_000}
        | {"cost_usd": 2.0},
        {"model": "gemma", "day": "2026-11-21", "requests": 12, "input_tokens": 20_000, "output_tokens": 2_000}
        | {"cost_usd": 0.08},
    ],
}


class UsageGateway:
    """The ASGI application. `answer` may be replaced: a JSON value, or a Response."""

    def __init__(self) -> None:
        self.answer: Any = MONTH
        self.asked: list[dict[str, Any]] = []
        """Claims of the signed identities, verified."""
        self.told: list[dict[str, Any]] = []
        """Claims of those who asked for notices."""
        self.zones: list[str] = []
        self.news: Any = []
        """What `POST /v1/me/notices` tells: a list, or a Response."""
        self.bodies: list[Any] = []
        """Of notices and acknowledgements that were asked for."""
        self.acknowledged: Any = []
        """What the person has acknowledged: a list, or a Response."""
        routes = [
            Route("/v1/me/usage", self._usage),
            Route("/v1/me/notices", self._notices, methods=["POST"]),
            Route("/v1/me/acknowledgements", self._acknowledgements, methods=["GET", "POST"]),
        ]
        self._app = Starlette(routes=routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _usage(self, request: Request) -> Response:
        if refused := self._refusal(request):
            return refused
        assert request.query_params["by"] == "model,day"
        self.zones.append(request.query_params["timezone"])
        return self.answer if isinstance(self.answer, Response) else JSONResponse(self.answer)

    async def _notices(self, request: Request) -> Response:
        if refused := self._refusal(request):
            return refused
        self.bodies.append(await request.json())
        return self.news if isinstance(self.news, Response) else JSONResponse({"notices": self.news})

    async def _acknowledgements(self, request: Request) -> Response:
        if refused := self._refusal(request):
            return refused
        if request.method == "POST":
            self.bodies.append(await request.json())
            self.acknowledged.append(self.bodies[-1])
        found = self.acknowledged
        return found if isinstance(found, Response) else JSONResponse({"data": found})

    def _refusal(self, request: Request) -> Response | None:
        """Note who asks; return a refusal for who does not prove it."""
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": {"message": "unknown key"}}, 401)
        try:
            token = request.headers["x-openwebui-user-jwt"]
            required = {"require": ["sub", "exp", "iat", "iss"]}
            claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer="sekisho", options=required)  # type: ignore[arg-type]
        except (KeyError, jwt.PyJWTError):
            return JSONResponse({"error": {"message": "no signed identity"}}, 401)
        (self.asked if request.url.path.endswith("/usage") else self.told).append(claims)
        return None
