"""The shared store: Redis or Valkey, reached by atomic scripts within a bounded time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.errors import ConfigError

CONNECTIONS = 8
"""Enough for one event loop; opening many at once in a burst would take longer than the timeout."""
TIMEOUT_SECONDS = 0.2
_CONNECT_SECONDS = 0.5
_QUEUE_SECONDS = 1.0
_SCRIPTS = Path(__file__).parent / "lua"


class StoreAway(Exception):
    """The store did not answer, or not as it should; `str` says how."""


@dataclass(frozen=True, slots=True)
class Script:
    """A file of `lua/` behind what all of them share."""

    name: str

    @property
    def text(self) -> str:
        return "\n".join((_SCRIPTS / f"{name}.lua").read_text() for name in ("common", self.name))


RESERVE, SETTLE, REFRESH, PUBLISH = (Script(name) for name in ("reserve", "settle", "refresh", "publish"))


class Store:
    """Runs scripts. Each may run twice without harm, so one that got no answer is tried once more."""

    def __init__(self, url: str, namespace: str = "sekisho", timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Raises `ConfigError` for an address that is none."""
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=CONNECTIONS,
                timeout=_QUEUE_SECONDS,
                socket_timeout=timeout_seconds,
                socket_connect_timeout=_CONNECT_SECONDS,
                protocol=2,
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError as error:
            raise ConfigError(
                f"shared_state: {error}. Allowed: redis://[user:password@]host:port/0, rediss://…"
            ) from None
        self._redis = Redis.from_pool(pool)
        self._key = f"{{{namespace}}}:"
        self._scripts = {
            script: self._redis.register_script(script.text) for script in (RESERVE, SETTLE, REFRESH, PUBLISH)
        }
        address = pool.connection_kwargs
        self.name = str(address.get("path") or f"{address.get('host', 'localhost')}:{address.get('port', 6379)}")
        """For logs: no password in it."""

    async def run(self, script: Script, *arguments: Any) -> Any:
        """The script's answer. Raises `StoreAway`."""
        try:
            return await self._scripts[script](keys=[self._key], args=[msgspec.msgpack.encode(arguments)])
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreAway(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        await self._redis.aclose()
