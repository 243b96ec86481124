"""The person's usage, as the gateway tells it."""

import json
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import aiohttp

from plugins.shared.asker import signed
from plugins.shared.connection import connection_key
from plugins.shared.fetching import fetch
from plugins.shared.log import log

GATEWAY_SECONDS = 4
LARGEST_USAGE = 2_000_000  # bytes


def known_zone(name: str) -> str:
    """Return an IANA time zone as it is, UTC for anything else."""
    try:
        return name if name and ZoneInfo(name) else "UTC"
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"


async def month_usage(valves: Any, user: dict[str, Any], zone: str) -> dict[str, Any] | None:
    """Return usage of this month in a time zone as GET /v1/me/usage tells it; None if the gateway does not answer."""
    if not (valves.secret and (key := await connection_key(valves.gateway_url))):
        return None
    headers = {
        "Authorization": f"Bearer {key}",
        "X-OpenWebUI-User-Jwt": await signed(user, valves.secret, valves.email),
    }
    url = f"{valves.gateway_url.strip().rstrip('/')}/me/usage?by=model,day&timezone={quote(known_zone(zone))}"
    try:
        usage = json.loads(await fetch(url, headers, GATEWAY_SECONDS, LARGEST_USAGE))
    except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
        log.warning("sekisho: the gateway does not tell a person's usage (%s)", type(error).__name__)
        return None
    return usage if isinstance(usage, dict) and isinstance(usage.get("total"), dict) else None
