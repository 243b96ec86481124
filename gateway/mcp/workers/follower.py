"""A worker process that does not run the hub: it finds the one that does, and becomes it where there is none."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.authenticate import authenticate
from gateway.api.client import Answer, ClientGone, headers_of
from gateway.errors import ApiError, Overloaded
from gateway.identity.hashing import keyed_hash
from gateway.identity.keys import hash_secret
from gateway.ids import request_id
from gateway.mcp.bodies import body_of, method_of, replayed
from gateway.mcp.refusing import refuse
from gateway.mcp.standing import Standing, lasts
from gateway.mcp.workers.handing_over import NobodyLeads, hand_over
from gateway.mcp.workers.place import Place
from gateway.network import check_key, check_server, client_address
from gateway.runtime import Runtime

log = logging.getLogger("sekisho.mcp")

_LONGEST_SECONDS = 20.0
"""Longest wait for a process that is just starting the hub."""
_LOOK_SECONDS = 0.05
Lead = Callable[[], Awaitable[ASGIApp | None]]
"""Makes this process the one with the hub if no other is, and returns the hub then."""


class Follower:
    """Hands requests over, and ends streams for changes when the process stops."""

    def __init__(self, runtime: Runtime, place: Place) -> None:
        self._runtime = runtime
        self._place = place
        self._token = ""
        self._standing = Standing()

    async def token(self) -> str:
        """Return what the processes of this gateway know each other by."""
        if not self._token:
            secret = await asyncio.to_thread(hash_secret, self._runtime.current.config)
            self._token = keyed_hash(secret, "mcp hand-over").hex()
        return self._token

    def begin_stop(self) -> None:
        """End the streams that clients keep open for changes."""
        self._standing.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send, lead: Lead) -> None:
        """Serve a request by handing it over; `lead` is asked where no process runs the hub."""
        config = self._runtime.current.config
        assert config.mcp
        answer = Answer(send)
        try:
            await self._check(scope)
            body = await body_of(scope, receive, config.mcp.max_body_bytes) if scope["method"] == "POST" else b""
            with self._standing.noted() if lasts(scope["method"], method_of(body)) else nullcontext():
                await self._served(
                    scope, replayed(body, receive) if scope["method"] == "POST" else receive, send, body, lead
                )
        except ApiError as error:
            await refuse(answer, error, headers_of(scope), request_id())
        except ClientGone:
            return

    async def _check(self, scope: Scope) -> None:
        """Raise `ApiError` for strangers: nothing of theirs is read or handed over. The hub asks all the same."""
        headers, server = headers_of(scope), self._runtime.current.config.server
        address = client_address(scope, headers, server)
        check_server(address, server)
        check_key(address, (await authenticate(self._runtime, headers)).policy)

    async def _served(self, scope: Scope, receive: Receive, send: Send, body: bytes, lead: Lead) -> None:
        """Hand a request over, waiting for a process that starts the hub; or serve it. Raises `ApiError`."""
        token, loop = await self.token(), asyncio.get_running_loop()
        until = loop.time() + _LONGEST_SECONDS
        while loop.time() < until:
            try:
                await hand_over(scope, receive, send, body, self._place, token)
                return
            except NobodyLeads:
                hub = await lead()
            if hub is not None:
                await hub(scope, receive, send)
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise Overloaded("The process that serves tool servers does not start. Try again later.", retry_after=5)
