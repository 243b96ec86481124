"""The person's usage, as the gateway tells it."""

import json
from typing import Any

import aiohttp
from open_webui.env import AIOHTTP_CLIENT_SESSION_SSL

from plugins.shared.asker import signed
from plugins.shared.bounded import read_within
from plugins.shared.connection import connection_key
from plugins.shared.log import log

GATEWAY_SECONDS = 4
LARGEST_USAGE = 2_000_000  # bytes


async def month_usage(valves: Any, user: dict[str, Any]) -> dict[str, Any] | None:
    """Return this month's usage as GET /v1/me/usage tells it; None if the gateway does not answer."""
    if not (valves.secret and (key := await connection_key(valves.gateway_url))):
        return None
    headers = {
        "Authorization": f"Bearer {key}",
        "X-OpenWebUI-User-Jwt": signed(user, valves.secret, valves.email),
    }
    url = f"{valves.gateway_url.strip().rstrip('/')}/me/usage?by=model,day"
    try:
        usage = json.loads(await fetched(url, headers))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        log.warning("sekisho: the gateway does not tell a person's usage (%s)", type(error).__name__)
        return None
    return usage if isinstance(usage, dict) and isinstance(usage.get("total"), dict) else None


async def fetched(url: str, headers: dict[str, str]) -> bytes:
    """Return the body of a GET. Raises aiohttp.ClientError, TimeoutError, ValueError."""
    timeout = aiohttp.ClientTimeout(total=GATEWAY_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=True, raise_for_status=True) as session,
        session.get(url, headers=headers, ssl=AIOHTTP_CLIENT_SESSION_SSL, allow_redirects=False) as answer,
    ):
        return await read_within(answer.content, LARGEST_USAGE)
