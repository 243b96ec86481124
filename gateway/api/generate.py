"""The endpoint of a model family: ask, try deployments until a first byte, relay, record."""

import asyncio
import logging

from starlette.types import Receive, Scope, Send

from gateway.api.ask import authenticate, parse
from gateway.api.client import ClientGone, read_body, until_gone
from gateway.api.exchange import CLIENT_CLOSED, Exchange
from gateway.api.stream import answer_streaming
from gateway.api.whole import answer_whole
from gateway.dialects.chat import Family
from gateway.errors import ApiError
from gateway.runtime import Runtime

log = logging.getLogger("sekisho.requests")


class Generate:
    """A family's ASGI application. Every request that reaches it leaves one record."""

    def __init__(self, family: Family, runtime: Runtime) -> None:
        self._family = family
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(self._family, self._runtime, scope, send)
        try:
            await self._serve(exchange, scope, receive)
        except ApiError as error:
            await exchange.fail(error)
        except ClientGone:
            exchange.settle("cancelled", CLIENT_CLOSED, "client_closed")
        except asyncio.CancelledError:
            exchange.settle("cancelled", CLIENT_CLOSED, "shutdown")
            raise
        except Exception:
            log.exception("request %s failed in the gateway", exchange.record.request_id)
            await exchange.fail(ApiError("The gateway failed. The administrator finds the cause under the request id."))
        finally:
            exchange.release()

    async def _serve(self, exchange: Exchange, scope: Scope, receive: Receive) -> None:
        key = await authenticate(exchange)
        body = await read_body(scope, receive, exchange.snapshot.config.server.max_body_bytes)
        ask = parse(exchange, key, body)
        async with until_gone(receive):
            await (answer_streaming if ask.stream else answer_whole)(exchange, ask)
