"""`GET /openapi.json`: made at the first request, the same for everybody."""

import asyncio
from functools import cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import wire
from gateway.openapi.document import document

PATH = "/openapi.json"


def openapi_routes() -> list[Route]:
    return [Route(PATH, _serve, methods=["GET"])]


async def _serve(_: Request) -> Response:
    return Response(await asyncio.to_thread(_encoded), media_type="application/json")


@cache
def _encoded() -> bytes:
    return wire.encode(document())
