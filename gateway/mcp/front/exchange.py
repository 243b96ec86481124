"""One HTTP request of a client: who sent it, to which view, and its record and limits where it is a call."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from starlette.types import Scope

from gateway.api.client import headers_of
from gateway.api.exchange import CLIENT_CLOSED
from gateway.api.govern import limits_of
from gateway.config.mcp import McpServer
from gateway.errors import ApiError
from gateway.identity.caller import Caller
from gateway.identity.client import calling_client
from gateway.ledger.record import Outcome
from gateway.ledger.recorder import Recorder
from gateway.limits.limit import Demand, Reservation
from gateway.mcp.views import View
from gateway.runtime import Runtime

log = logging.getLogger("sekisho.requests")

METERED = frozenset({"tools/call", "resources/read", "prompts/get"})
_KEY = "sekisho.mcp"


class McpExchange:
    """What the parts that serve a request share."""

    def __init__(self, runtime: Runtime, scope: Scope) -> None:
        self.runtime = runtime
        self.scope = scope
        self.headers = headers_of(scope)
        self.caller: Caller
        self.view: View
        self.recorder = Recorder(api="mcp", client=calling_client(self.headers), task="tool")
        self.recorder.traffic_class = "agent"
        self.trace = runtime.tracing.begin("/mcp", self.headers) if runtime.tracing else None
        self.is_call = False
        """True for a request that leaves a record."""
        self.answered = 0
        """The status of the answer, once it has begun."""
        self.taken = False
        """True once a handler sees to the record."""
        self._held: Reservation | None = None
        self._outcome: Outcome = "ok"
        self._error_code: str | None = None
        self._server: McpServer | None = None
        scope[_KEY] = self

    def asks(self, name: str, own: str, server: McpServer, pin: str | None = None) -> None:
        """Note which server is asked, and for what; `pin`: the definition of the tool by which it is known."""
        self._server = server
        self.recorder.model = name
        self.recorder.attempts = 1
        self.recorder.served_by = {
            "provider": "mcp",
            "upstream_model": own[:512],
            "deployment": f"{name}@{pin[:12]}" if pin else name,
        }

    def failed(self, outcome: Outcome, error_code: str) -> None:
        """Note why the call is no success, though its answer may be one of the protocol."""
        self._outcome, self._error_code = outcome, error_code

    async def reserve(self) -> None:
        """Hold the caller's limits for this call. Raises `LimitReached`, `Overloaded`."""
        limits, mcp = limits_of(self.caller, self.runtime.keys), self.runtime.current.config.mcp
        prices = [mcp.servers[name].price_per_call for name in self.view.servers if name in mcp.servers] if mcp else []
        most = Demand(cost_nano_usd=round(max(prices, default=0) * 10**9))
        self._held = await self.runtime.limiter.reserve(self.recorder.request_id, limits, most)

    @asynccontextmanager
    async def metered(self) -> AsyncIterator[None]:
        """Write the one record of a call when its block ends, however that is."""
        self.taken = True
        try:
            yield
        except asyncio.CancelledError:
            await self.settle("cancelled", CLIENT_CLOSED, "client_closed")
            raise
        except ApiError as error:
            await self.settle("refused" if error.status < 500 else "error", error.status, error.code)
            raise
        except MCPError:
            outcome = "error" if self._outcome == "ok" else self._outcome
            await self.settle(outcome, 200, self._error_code or "mcp_error")
            raise
        except Exception:
            await self.settle("error", 200, "internal_error")
            raise
        if self._server and self._outcome == "ok" and self._server.price_per_call:
            self.recorder.cost_nano_usd = round(self._server.price_per_call * 10**9)
            self.recorder.price_id = "mcp"
        await self.settle(self._outcome, 200, self._error_code)

    async def settle(self, outcome: Outcome, status: int, error_code: str | None = None) -> None:
        """Write the record, once, and give back what of the limits was not used."""
        record = self.recorder.settle(outcome, status, error_code)
        if record is not None:
            self.runtime.ledger.write(record)
            self.runtime.metrics.observe(record, self.recorder.traffic_class)
            if self.trace:
                self.trace.end(record, self.runtime.pseudonym(record.user_id) if record.user_id else None)
        held, self._held = self._held, None
        if held is not None:
            taken = Demand(cost_nano_usd=self.recorder.cost_nano_usd or 0)
            await asyncio.shield(self.runtime.limiter.settle(held, taken))


def exchange_of(ctx: ServerRequestContext[Any, Any]) -> McpExchange:
    """Return the HTTP request that carried a message."""
    found = ctx.request.scope[_KEY]  # type: ignore[union-attr]
    assert isinstance(found, McpExchange)
    return found
