"""Requests to the provider: through the company's proxy and authorities, bounded in size and time."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gateway.errors import UpstreamError
from gateway.signin.errors import SignInFailed
from gateway.upstream.client import UpstreamClient
from gateway.upstream.request import Timeouts, UpstreamRequest

LARGEST_BYTES = 512 * 1024
_SECONDS = 10.0
_TIMEOUTS = Timeouts(connect=4.0, answer=8.0)
_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "sekisho"}


async def ask(
    client: UpstreamClient, url: str, *, form: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Return status and JSON object of an answer; redirects are not followed. Raises `SignInFailed`."""
    sent = {**_HEADERS, **(headers or {})}
    if form is not None:
        sent["content-type"] = "application/x-www-form-urlencoded"
    request = UpstreamRequest("GET" if form is None else "POST", url, sent, (form or "").encode(), _TIMEOUTS)
    where = urlsplit(url).hostname
    try:
        async with asyncio.timeout(_SECONDS), await client.send(request) as answer:
            body = await answer.read_beginning(LARGEST_BYTES + 1)
            status = answer.status
    except (UpstreamError, TimeoutError) as error:
        raise SignInFailed("unreachable", f"{where} does not answer ({type(error).__name__})") from error
    if len(body) > LARGEST_BYTES:
        raise SignInFailed("setup", f"{where} answers with more than {LARGEST_BYTES} bytes")
    if status >= 500 or status == 429:
        raise SignInFailed("unreachable", f"{where} answers with status {status}")
    return status, _object(body, f"{where} (status {status})")


def _object(body: bytes, where: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SignInFailed("setup", f"{where} answers with something that is no JSON object") from error
