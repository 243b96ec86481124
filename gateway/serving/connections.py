"""All open client connections of a process, and what each of them may use.

One timer looks at all connections once a second, so that a request costs no timer of its own.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from itertools import islice
from typing import Protocol

from gateway.config.schema import Server
from gateway.network import inside_any

log = logging.getLogger("sekisho.serving")

_SWEEP_SECONDS = 1.0
_OLDEST = 64
"""Number of an address's oldest connections that are searched for an idle one."""


class Connection(Protocol):
    """What the registry needs of a connection."""

    address: str | None

    @property
    def idle(self) -> bool:
        """Return whether no request of the connection is being read or answered."""

    def close_idle(self) -> None:
        """Close the connection at once."""

    def check(self, now: float, limits: Server) -> None:
        """Close the connection if its phase took too long."""


class Connections:
    """Counts connections by address, and closes those that time out."""

    def __init__(self, limits: Callable[[], Server]) -> None:
        """Keep connections within `limits`, which returns the `server` section in force now."""
        self._limits = limits
        self._open: set[Connection] = set()
        self._by_address: dict[str, dict[Connection, None]] = {}
        """Connections by address, oldest first."""
        self._crowded: dict[str, None] = {}
        """Addresses over their limit of connections, each logged once."""
        self.stopping = False
        """True while the process ends: responses then carry `connection: close`."""
        self.probed_at = 0.0
        """When /readyz was last asked (`time.monotonic`); 0 = never. A balancer asks; a developer does not."""

    @property
    def limits(self) -> Server:
        return self._limits()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> bool:
        """Register a connection. Return False where its address has too many already.

        An idle one of the same address makes way, so that forgotten connections lock nobody out.
        """
        self._open.add(connection)
        address = connection.address
        if address is None:
            return True
        siblings = self._by_address.setdefault(address, {})
        siblings[connection] = None
        most = self.limits.max_connections_per_address
        if len(siblings) <= most or self._is_proxy(address):
            return True
        if address not in self._crowded:
            self._crowded[address] = None
            log.warning("more than %d connections from %s; idle ones are closed, further ones refused", most, address)
        idle = next((each for each in islice(siblings, _OLDEST) if each.idle and each is not connection), None)
        if idle is None:
            return False
        self.remove(idle)
        idle.close_idle()
        return True

    def remove(self, connection: Connection) -> None:
        """Forget a closed connection."""
        if connection not in self._open:
            return
        self._open.discard(connection)
        siblings = self._by_address.get(connection.address or "", {})
        siblings.pop(connection, None)
        if not siblings and connection.address:
            self._by_address.pop(connection.address, None)
            self._crowded.pop(connection.address, None)

    def _is_proxy(self, address: str) -> bool:
        """Return whether many people share an address because a trusted proxy stands there."""
        try:
            return inside_any(ip_address(address), self.limits.trusted_proxies)
        except ValueError:
            return False

    @asynccontextmanager
    async def sweeping(self) -> AsyncIterator[None]:
        """Close timed-out connections once a second, for as long as the block runs."""
        task = asyncio.create_task(self._sweep(), name="connections")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now, limits = loop.time(), self.limits
            for connection in tuple(self._open):
                connection.check(now, limits)
