"""Addresses that Claude Code asks before it sends anything, to see whether somebody is there; it shows no key then."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

PATHS = ("/", "/api/hello")


async def hello(_: Request) -> Response:
    return Response()


class _HeadOnly(Route):
    """An address that there is for nobody who asks for more than its head."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(scope) if scope.get("method") == "HEAD" else (Match.NONE, {})


def hello_routes() -> list[Route]:
    return [_HeadOnly(path, hello, methods=["HEAD"]) for path in PATHS]
