"""The endpoint of a model family: ask, try deployments until a first byte, relay, record."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import msgspec
from starlette.types import Receive, Scope, Send

from gateway.api.ask import Ask, understand
from gateway.api.authenticate import authenticate, session_key
from gateway.api.client import ClientGone, UntilGone, check_encoding
from gateway.api.completing import answer_warming, is_idle, while_typing
from gateway.api.count_tokens import answer_count
from gateway.api.exchange import CLIENT_CLOSED, Exchange
from gateway.api.govern import Reserved
from gateway.api.payloads import read_payload
from gateway.api.stream import answer_streaming
from gateway.api.untouched import answer_untouched
from gateway.api.whole import answer_whole
from gateway.bodies import Share
from gateway.dialects.endpoint import ANYTHING, Endpoint
from gateway.errors import ApiError, InvalidRequest, Overloaded, Superseded, TooLate
from gateway.identity.caller import Caller
from gateway.network import check_key, check_server, client_address
from gateway.payload import Payload
from gateway.runtime import Runtime

log = logging.getLogger("sekisho.requests")


class Generate:
    """The ASGI application of an endpoint. Every request that reaches it leaves one record."""

    def __init__(self, endpoint: Endpoint, runtime: Runtime) -> None:
        self._endpoint = endpoint
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(self._endpoint, self._runtime, scope, send)
        try:
            await self._serve(exchange, scope, receive)
        except (Superseded, TooLate) as error:
            await exchange.drop(error)
        except ApiError as error:
            await exchange.fail(error)
        except msgspec.DecodeError as error:  # of a member that is read only where it is needed
            await exchange.fail(InvalidRequest(f"The request body cannot be read: {error}.", code="invalid_json"))
        except ClientGone:
            exchange.settle("cancelled", CLIENT_CLOSED, "client_closed")
        except asyncio.CancelledError:
            if exchange.answer.started and not exchange.answer.ended:
                await exchange.fail(Overloaded("The gateway is stopping. Try again.", code="shutdown"))
            exchange.settle("cancelled", CLIENT_CLOSED, "shutdown")
            raise
        except Exception:
            log.exception("request %s failed in the gateway", exchange.recorder.request_id)
            await exchange.fail(ApiError("The gateway failed. The administrator finds the cause under the request id."))
        finally:
            exchange.release()
            if exchange.content and exchange.recorder.record:
                self._runtime.contents.write(exchange.recorder.record, exchange.content)

    async def _serve(self, exchange: Exchange, scope: Scope, receive: Receive) -> None:
        server = exchange.snapshot.config.server
        address = client_address(scope, exchange.headers, server)
        exchange.recorder.client_ip = str(address) if address else None
        check_server(address, server)
        if self._runtime.ledger.refusing:
            raise Overloaded("The gateway's disk is full. Try again later, or tell the administrator.", retry_after=30)
        key = session_key(scope) or await authenticate(self._runtime, exchange.headers)
        exchange.recorder.asked_by(Caller(key))
        check_key(address, key.policy)
        check_encoding(exchange.headers)
        share = exchange.share = Share(self._runtime.bodies, key.id)
        payload: Payload | None = None
        try:
            payload = await read_payload(exchange, scope, receive, share)
            if self._endpoint.addressed:
                self._endpoint.addressed(scope["path"], payload.fields)
            store, headers = self._runtime.keys, exchange.headers
            ask = understand(self._endpoint, exchange.snapshot, store, key, headers, payload, exchange.recorder)
            limited = nullcontext() if ask.endpoint.counts else Reserved(exchange, ask)
            async with while_typing(exchange, ask), limited, UntilGone(receive, exchange.answer):
                await _answering(ask)(exchange, ask)
        finally:
            share.end()
            if payload:
                payload.close()


def _answering(ask: Ask) -> Callable[[Exchange, Ask], Awaitable[None]]:
    if ask.endpoint.counts:
        return answer_count
    if ask.warms and is_idle(ask):
        return answer_warming
    if ask.endpoint.accept == ANYTHING and not ask.stream:
        return answer_untouched
    return answer_streaming if ask.stream else answer_whole
