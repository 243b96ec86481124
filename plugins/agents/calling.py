"""The connection to the agent."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from open_webui.env import AIOHTTP_CLIENT_SESSION_SSL

from plugins.agents.headers import headers_of
from plugins.agents.lines import lines_of, values_of
from plugins.agents.manifest import Agent
from plugins.agents.pieces import Piece, at, trouble_said
from plugins.agents.reading import pieces_of
from plugins.agents.request import request_of
from plugins.agents.turn import Turn
from plugins.shared.json_values import dict_of
from plugins.shared.log import log
from plugins.shared.network import PublicResolver, refuse_private
from plugins.shared.trouble import Trouble
from plugins.shared.types import Json

CONNECT_SECONDS = 10


def below(url: str, path: str) -> str:
    parts = urlsplit(url)
    return parts._replace(path=parts.path.rstrip("/") + path).geturl()


REFUSALS = {401: "key", 403: "key", 404: "missing", 413: "too_large", 429: "busy"}


async def refusal(response: Any) -> Trouble:
    """Map a status to a sentence; the agent's own words where it has some."""
    status, body = int(response.status), {}
    with suppress(ValueError, RecursionError, aiohttp.ClientError, TimeoutError):
        body = dict_of(json.loads(await response.content.read(65_536)))
    if at(body, "error", "code") == "insufficient_quota":
        return Trouble("quota")
    if key := REFUSALS.get(status) or ("redirect" if 300 <= status < 400 else None):
        return Trouble(key)
    for piece in trouble_said(body):
        return Trouble(piece.value.key, **piece.value.said)
    return Trouble("failed", status=status)


async def chunks_of(turn: Turn, agent: Agent, path: str, body: Json) -> AsyncIterator[Any]:
    """Yield each JSON value that the agent sends. Raises Trouble, aiohttp.ClientError, TimeoutError."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=agent.timeout)
    guarded = turn.valves.public_only and not agent._of_gateway
    connector = aiohttp.TCPConnector(resolver=PublicResolver()) if guarded else None
    if guarded:
        refuse_private(urlsplit(agent.url).hostname or "")
    async with (
        aiohttp.ClientSession(timeout=timeout, connector=connector, trust_env=not connector) as session,
        session.post(
            below(agent.url, path),
            json=body,
            headers=await headers_of(turn, agent),
            ssl=AIOHTTP_CLIENT_SESSION_SSL,
            allow_redirects=False,
        ) as response,
    ):
        if response.status != 200:
            raise await refusal(response)
        if "html" in response.content_type:
            raise Trouble("garbage")
        async for value in values_of(lines_of(response.content.iter_any())):
            yield value


async def pump(turn: Turn, agent: Agent, queue: "asyncio.Queue[Piece | None]") -> None:
    """Put everything the agent says into the queue, which waits while it is full; then None."""
    response_started = False
    try:
        path, body, notes = await request_of(turn, agent)
        for note in notes:
            await queue.put(note)
        async for chunk in chunks_of(turn, agent, path, body):
            for piece in pieces_of(chunk):
                response_started = True
                await queue.put(piece)
    except Trouble as trouble:
        await queue.put(Piece("trouble", trouble))
    except aiohttp.ConnectionTimeoutError:
        await queue.put(Piece("trouble", Trouble("unreachable")))
    except TimeoutError:  # also aiohttp's own, which is a ClientError too
        await queue.put(Piece("trouble", Trouble("silent", seconds=f"{agent.timeout:g}")))
    except (aiohttp.ClientError, OSError) as error:
        log.warning("agents: %s: %s", agent.id, type(error).__name__)
        await queue.put(Piece("trouble", Trouble("cut" if response_started else "unreachable")))
    except Exception:
        log.exception("agents: %s", agent.id)
        await queue.put(Piece("trouble", Trouble("garbage")))
    await queue.put(None)
