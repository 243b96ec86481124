"""What the gateway has to tell a person: budgets that are nearly used up, models that end."""

import json
import time
from typing import Any

import aiohttp

from plugins.shared.asker import signed
from plugins.shared.connection import connection_key, connection_prefix
from plugins.shared.fetching import fetch
from plugins.shared.language import variable
from plugins.shared.log import log
from plugins.shared.window import base_model

NOTICE_SECONDS = 4
ASK_AGAIN_SECONDS = 120
MOST_ASKERS = 5_000
LARGEST_NOTICES = 200_000  # bytes
LONGEST_NOTICE = 2_000  # characters
MOST_NOTICES = 5
asked_at: dict[tuple[str, str], float] = {}


async def ask_gateway(
    path: str, body: dict[str, Any] | None, valves: Any, user: dict[str, Any], metadata: dict[str, Any]
) -> dict[str, Any]:
    """Return the answer of a route below /v1/me, asked as the person; empty where the gateway does not give one."""
    if not (valves.secret and (key := await connection_key(valves.gateway_url))):
        return {}
    more = {
        name: variable(metadata, of) for name, of in (("language", "USER_LANGUAGE"), ("timezone", "CURRENT_TIMEZONE"))
    }
    headers = {
        "Authorization": f"Bearer {key}",
        "X-OpenWebUI-User-Jwt": await signed(user, valves.secret, valves.email, **more),
    }
    url = f"{valves.gateway_url.strip().rstrip('/')}/me/{path}"
    try:
        told = json.loads(
            await fetch(url, headers, NOTICE_SECONDS, LARGEST_NOTICES, "GET" if body is None else "POST", body)
        )
    except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
        log.warning("sekisho: the gateway does not answer %s (%s)", path, type(error).__name__)
        return {}
    return told if isinstance(told, dict) else {}


async def notices(valves: Any, user: dict[str, Any], metadata: dict[str, Any], model: dict[str, Any]) -> list[str]:
    """Return what the person was not told yet; asked of the gateway once in some minutes for a person and model.

    The gateway remembers what it told: who asks has to show it.
    """
    prefix = await connection_prefix(valves.gateway_url)
    name = base_model(model).removeprefix(f"{prefix}." if prefix else "")
    if not is_due((str(user["id"]), name)):
        return []
    told = (await ask_gateway("notices", {"model": name}, valves, user, metadata)).get("notices")
    found = told[:MOST_NOTICES] if isinstance(told, list) else []
    texts = [str(each.get("text") or "")[:LONGEST_NOTICE] for each in found if isinstance(each, dict)]
    return [text for text in texts if text]


def is_due(asker: tuple[str, str]) -> bool:
    """Return whether it is time to ask again, and note that it is done now."""
    now = time.monotonic()
    if now - asked_at.get(asker, -ASK_AGAIN_SECONDS) < ASK_AGAIN_SECONDS:
        return False
    if len(asked_at) >= MOST_ASKERS:
        asked_at.clear()
    asked_at[asker] = now
    return True
