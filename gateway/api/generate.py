"""The endpoint of a model family: ask, try deployments until a first byte, relay, record."""

import asyncio
import logging
from contextlib import AbstractContextManager, nullcontext

import msgspec
from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.ask import Ask, authenticate, parse
from gateway.api.classify import SUPERSEDE_HEADER, hints, traffic_class
from gateway.api.client import ClientGone, UntilGone, check_encoding, read_body
from gateway.api.exchange import CLIENT_CLOSED, Exchange
from gateway.api.govern import Reserved
from gateway.api.stream import answer_streaming
from gateway.api.whole import answer_whole
from gateway.bodies import Share
from gateway.dialects.family import Family
from gateway.errors import ApiError, InvalidRequest, Overloaded, Superseded
from gateway.identity.keys import Key
from gateway.network import check_key, check_server, client_address
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
        except Superseded as error:
            exchange.settle("cancelled", 200 if exchange.answer.started else error.status, error.code)
            await exchange.fail(error)
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
            log.exception("request %s failed in the gateway", exchange.record.request_id)
            await exchange.fail(ApiError("The gateway failed. The administrator finds the cause under the request id."))
        finally:
            exchange.release()
            if exchange.content:
                self._runtime.contents.write(exchange.record, exchange.content)

    async def _serve(self, exchange: Exchange, scope: Scope, receive: Receive) -> None:
        server = exchange.snapshot.config.server
        address = client_address(scope, exchange.headers, server)
        exchange.record.client_ip = str(address) if address else None
        check_server(address, server)
        if self._runtime.ledger.refusing:
            raise Overloaded("The gateway's disk is full. Try again later, or tell the administrator.", retry_after=30)
        key = await authenticate(exchange)
        check_key(address, key.policy)
        share = Share(self._runtime.bodies, key.id)
        try:
            ask = await self._read(exchange, key, scope, receive, share)
            async with Reserved(exchange, key, ask), UntilGone(receive, exchange.answer):
                with self._superseding(exchange):
                    await (answer_streaming if ask.stream else answer_whole)(exchange, ask)
        finally:
            share.end()

    async def _read(self, exchange: Exchange, key: Key, scope: Scope, receive: Receive, share: Share) -> Ask:
        """Read and check the body. Long ones are worked on one at a time, with pauses for other requests."""
        check_encoding(exchange.headers)
        body = await read_body(scope, receive, exchange.snapshot.config.server.max_body_bytes, share)
        if len(body) <= wire.LARGE_BYTES:
            return self._understand(exchange, key, body)
        async with self._runtime.bodies.turn:
            await wire.check_utf8(body, _let_others_run)
            ask = self._understand(exchange, key, body)
            await _let_others_run()
            return ask

    def _understand(self, exchange: Exchange, key: Key, body: bytes) -> Ask:
        if self._runtime.contents.wants(key.alias):
            exchange.content = exchange.answer.capture(self._runtime.contents, body)
        ask = parse(exchange, key, body)
        exchange.hints = hints(ask.fields, len(body))
        exchange.traffic_class = traffic_class(exchange.record, exchange.headers, key)
        return ask

    def _superseding(self, exchange: Exchange) -> AbstractContextManager[None]:
        """Code completions replace each other; everything else stands by itself."""
        record = exchange.record
        wanted = exchange.traffic_class == "completion" and exchange.headers.get(SUPERSEDE_HEADER) != "off"
        if not wanted or not exchange.snapshot.config.admission.supersede_completions:
            return nullcontext()
        who = (record.user_id or "", record.key_id or "", record.client, exchange.headers.get("user-agent", ""))
        return self._runtime.superseding.newest(who)


async def _let_others_run() -> None:
    """Give the event loop to other requests."""
    await asyncio.sleep(0)
