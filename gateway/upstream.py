"""The clients that call the models' servers: pooled HTTP/1.1, one for each outbound path.

HTTP/1.1 on purpose: one HTTP/2 connection a host stalls at about a hundred streams, and bursts are our rule.
"""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from gateway.errors import ConfigError, UpstreamTimeout, UpstreamUnreachable
from gateway.routing import Target

_LARGEST_ANSWER = 256 * 1024 * 1024
_READ_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """An upstream request, ready to be sent."""

    target: Target
    url: str
    headers: dict[str, str]
    body: bytes
    stream: bool


class UpstreamClient:
    """Opens calls. One session; every call brings its own timeouts."""

    def __init__(self, outbound_proxy: str | None = None, custom_ca: Path | None = None) -> None:
        self._proxy = outbound_proxy
        self._context = _trusting(custom_ca) if custom_ca else None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30, ssl=self._context or True)
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=True,
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=_READ_CHUNK,
        )

    async def stop(self) -> None:
        if self._session:
            await self._session.close()

    async def open(self, call: Call) -> aiohttp.ClientResponse:
        """Send a call and wait for the head of the answer.

        The caller closes the response. Raises `UpstreamUnreachable`, `UpstreamTimeout`.
        """
        assert self._session is not None, "the client is not started"
        deployment = call.target.deployment
        timeout = aiohttp.ClientTimeout(
            total=None if call.stream else deployment.timeout,
            sock_connect=deployment.connect_timeout,
            sock_read=deployment.idle_timeout if call.stream else deployment.timeout,
        )
        try:
            return await self._session.post(
                call.url,
                data=call.body,
                headers=call.headers,
                timeout=timeout,
                proxy=self._proxy_for(call.url),
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise broken(error, call.target.id) from error

    def _proxy_for(self, url: str) -> str | None:
        local = ("http://127.", "http://localhost", "http://[::1]")
        return None if url.startswith(local) else self._proxy


def _trusting(custom_ca: Path) -> ssl.SSLContext:
    """The public authorities and the company's own. Raises `ConfigError`."""
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(custom_ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"server.custom_ca: {custom_ca} is not a readable PEM file ({error})") from error
    return context


async def read_all(response: aiohttp.ClientResponse, deployment_id: str) -> bytes:
    """A whole answer. Raises `UpstreamUnreachable` where it breaks off, `UpstreamTimeout`."""
    parts, size = [], 0
    try:
        async for part in response.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > _LARGEST_ANSWER:
                raise UpstreamUnreachable(
                    f"The answer of deployment '{deployment_id}' is larger than {_LARGEST_ANSWER // 2**20} MiB.",
                    code="upstream_answer_too_large",
                )
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise broken(error, deployment_id) from error
    return b"".join(parts)


def broken(error: BaseException, deployment_id: str) -> UpstreamUnreachable | UpstreamTimeout:
    """A client library's failure as ours. Addresses stay out of the message: clients read it."""
    if isinstance(error, (asyncio.TimeoutError, aiohttp.ServerTimeoutError)):
        return UpstreamTimeout(
            f"Deployment '{deployment_id}' did not answer in time. Try again, or ask for a shorter answer."
        )
    if isinstance(error, (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, ConnectionResetError)):
        return UpstreamUnreachable(
            f"Deployment '{deployment_id}' closed the connection before its answer was complete.",
            code="upstream_closed",
        )
    return UpstreamUnreachable(f"Deployment '{deployment_id}' cannot be reached. The administrator can see why.")
