"""The shared store: Redis or Valkey, reached by atomic scripts within a bounded time."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import Connection, ConnectionPool, Redis, RedisCluster, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as NoAnswer

from gateway.limits.address import StoreAddress, store_address
from gateway.tls import tls_context

CONNECTIONS = 64
"""Of one process. Each carries one script at a time, so at 120 ms a round trip 64 carry 500 scripts a second."""
TIMEOUT_SECONDS = 1.5
"""For one script with everything that it needs: opening a connection over a distance takes five round trips."""
_SCRIPTS = Path(__file__).parent / "lua"
_CLOSED = (NotConnected, ConnectionError, EOFError, RuntimeError)
"""Raised for a connection that the other side closed; uvloop raises a `RuntimeError`."""


class StoreAway(Exception):
    """The store did not answer, or not as it should; `str` is the reason."""


@dataclass(frozen=True, slots=True)
class Script:
    """A file of `lua/` behind what all of them share."""

    name: str

    @property
    def text(self) -> str:
        return "\n".join((_SCRIPTS / f"{name}.lua").read_text() for name in ("common", self.name))


RESERVE, SETTLE, REFRESH, PUBLISH, ADOPT, LEARN = (
    Script(name) for name in ("reserve", "settle", "refresh", "publish", "adopt", "learn")
)


class Store:
    """Runs scripts. Each may run twice without harm, so one whose connection was closed is tried once more."""

    def __init__(
        self,
        url: str,
        namespace: str = "sekisho",
        timeout_seconds: float = TIMEOUT_SECONDS,
        custom_ca: Path | None = None,
    ) -> None:
        """Raises `ConfigError` for an invalid address."""
        self._address = address = store_address(url)
        self._answered = False
        self._client = connect(address, timeout_seconds, custom_ca)
        self._timeout = timeout_seconds
        self._key = f"{{{namespace}}}:"
        scripts = (RESERVE, SETTLE, REFRESH, PUBLISH, ADOPT, LEARN)
        self._scripts = {script: self._client.register_script(script.text) for script in scripts}
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._failed_at = float("-inf")
        self._failed = ""
        self.name = address.name
        """Address for logs, without a password."""

    async def run(self, script: Script, *arguments: Any) -> Any:
        """Return the script's answer. Raises `StoreAway`."""
        packed, asked_at = msgspec.msgpack.encode(arguments), time.monotonic()
        async with self._places:
            if self._failed_at > asked_at:
                # Who waited behind a call that failed does not wait for a failure of its own.
                raise StoreAway(self._failed)
            try:
                async with asyncio.timeout(self._timeout):
                    answer = await self._tried(script, packed)
                    self._answered = True
                    return answer
            except Exception as error:
                # Whatever the client stumbles over is an outage of the store, never of the request.
                self._failed_at, self._failed = time.monotonic(), _describe(error)
                self._failed += await self._hint(error)
                await self._let_go()
                raise StoreAway(self._failed) from error

    async def close(self) -> None:
        clients = [self._client, *getattr(self._client, "sentinels", ())]
        for client in clients:
            with contextlib.suppress(*_CLOSED, OSError):
                await client.aclose()

    async def _tried(self, script: Script, packed: bytes) -> Any:
        call = self._scripts[script]
        try:
            return await call(keys=[self._key], args=[packed])
        except _CLOSED:
            return await call(keys=[self._key], args=[packed])

    async def _hint(self, error: Exception) -> str:
        """Return the remedy where a server never answered because one of both speaks TLS; looked at once."""
        if self._answered or not isinstance(error, (*_CLOSED, TimeoutError, NoAnswer)):
            return ""
        self._answered = True
        from gateway.limits.probe import tls_problem

        problem = await asyncio.to_thread(tls_problem, self._address)
        return f"; {problem} in 'shared_state'" if problem else ""

    async def _let_go(self) -> None:
        """Close idle connections, for the server that answers next may be another one."""
        pool = getattr(self._client, "connection_pool", None)
        if pool is not None:
            with contextlib.suppress(*_CLOSED, OSError, TimeoutError):
                async with asyncio.timeout(self._timeout):
                    await pool.disconnect(inuse_connections=False)


def connect(address: StoreAddress, timeout_seconds: float, custom_ca: Path | None) -> Any:
    """Return a client of redis-py for an address. Connects at its first call."""
    settings: dict[str, Any] = {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "driver_info": None,
        **address.options,
    }
    if address.tls and custom_ca is not None:
        # In the gateway's way of reading it, for its words where it cannot be read.
        tls_context(custom_ca)
        settings.setdefault("ssl_ca_certs", str(custom_ca))
    return _KINDS[address.kind](address, settings)


def _server(address: StoreAddress, settings: dict[str, Any]) -> Any:
    host, port = address.hosts[0]
    kind = SSLConnection if address.tls else Connection
    return _pooled(connection_class=kind, host=host, port=port, **settings)


def _socket(address: StoreAddress, settings: dict[str, Any]) -> Any:
    return _pooled(connection_class=UnixDomainSocketConnection, path=address.path, **settings)


def _pooled(**settings: Any) -> Any:
    return Redis.from_pool(ConnectionPool(max_connections=CONNECTIONS, **settings))


def _sentinel(address: StoreAddress, settings: dict[str, Any]) -> Any:
    own = {name: settings.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    shared = ("socket_timeout", "socket_connect_timeout", "protocol", "retry", "driver_info")
    asked = {name: settings[name] for name in settings if name in shared or name.startswith("ssl_")}
    asked |= {"ssl": address.tls, **own}
    sentinels = Sentinel(list(address.hosts), sentinel_kwargs=asked, ssl=address.tls, **settings)  # type: ignore[no-untyped-call]
    client = sentinels.master_for(address.service, max_connections=CONNECTIONS)
    client.sentinels = sentinels.sentinels
    return client


def _cluster(address: StoreAddress, settings: dict[str, Any]) -> Any:
    nodes = [ClusterNode(host, port) for host, port in address.hosts]
    return RedisCluster(startup_nodes=nodes, ssl=address.tls, max_connections=CONNECTIONS, **settings)


_KINDS: dict[str, Callable[[StoreAddress, dict[str, Any]], Any]] = {
    "server": _server,
    "socket": _socket,
    "sentinel": _sentinel,
    "cluster": _cluster,
}


def _describe(error: Exception) -> str:
    """Return the reason of a failure, with the remedy where the address is of another kind than the server."""
    text = f"{type(error).__name__}: {str(error) or 'no answer in time'}"[:300]
    if text.startswith(("MovedError", "ResponseError: MOVED")):
        return f"{text}; it is part of a cluster: write redis+cluster:// in 'shared_state'"
    return text
