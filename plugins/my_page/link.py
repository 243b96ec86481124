"""The one-time link, as the gateway makes it."""

import json
import re
from typing import Any

import aiohttp

from plugins.shared.asker import signed
from plugins.shared.connection import connection_key
from plugins.shared.fetching import fetch
from plugins.shared.log import log

GATEWAY_SECONDS = 6
LARGEST_LINK = 20_000  # bytes
LINK = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+/[A-Za-z0-9/_-]+")
LONGEST_CLAIM = 200  # characters


async def one_time_link(valves: Any, user: dict[str, Any], language: str, zone: str) -> tuple[str, int] | None:
    """Return a link that signs the person in once, and for how many seconds; None if the gateway makes none."""
    if not (valves.secret and (key := await connection_key(valves.gateway_url))):
        return None
    claims = {"name": user.get("name"), "role": user.get("role"), "language": language, "timezone": zone}
    told = {name: value[:LONGEST_CLAIM] for name, value in claims.items() if isinstance(value, str) and value}
    headers = {
        "Authorization": f"Bearer {key}",
        "X-OpenWebUI-User-Jwt": await signed(user, valves.secret, valves.email, **told),
    }
    url = f"{valves.gateway_url.strip().rstrip('/')}/me/console-link"
    try:
        made = json.loads(await fetch(url, headers, GATEWAY_SECONDS, LARGEST_LINK, "POST"))
    except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
        log.warning("sekisho: the gateway makes no link to a person's page (%s)", type(error).__name__)
        return None
    link, seconds = (made.get("url"), made.get("expires_in")) if isinstance(made, dict) else (None, None)
    if not isinstance(link, str) or not LINK.fullmatch(link) or not isinstance(seconds, int):
        return None
    return link, seconds
