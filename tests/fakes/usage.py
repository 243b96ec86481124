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
        self.zones: list[str] = []
        self._app = Starlette(routes=[Route("/v1/me/usage", self._usage)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _usage(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": {"message": "unknown key"}}, 401)
        try:
            token = request.headers["x-openwebui-user-jwt"]
            required = {"require": ["sub", "exp", "iat", "iss"]}
            claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer="sekisho", options=required)  # type: ignore[arg-type]
        except (KeyError, jwt.PyJWTError):
            return JSONResponse({"error": {"message": "no signed identity"}}, 401)
        assert request.query_params["by"] == "model,day"
        self.asked.append(claims)
        self.zones.append(request.query_params["timezone"])
        return self.answer if isinstance(self.answer, Response) else JSONResponse(self.answer)
