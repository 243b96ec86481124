"""Headers of the request: the key, and who asks."""

from plugins.agents.manifest import Agent, keys_of
from plugins.agents.turn import Turn
from plugins.shared.connection import connection_key
from plugins.shared.groups import group_names
from plugins.shared.identity import identity
from plugins.shared.signature import sign


async def key_of(turn: Turn, agent: Agent) -> str | None:
    return await connection_key(agent.url) if agent._of_gateway else keys_of(turn.valves.keys).get(agent.id)


async def introduction(turn: Turn) -> str:
    """Return a signed token with the claims of the user_identity filter."""
    groups = await group_names(turn.user.get("id", ""))
    claims = identity(turn.user, turn.metadata, groups, turn.valves.share)
    return sign(claims, turn.valves.identity_secret, turn.valves.lifetime_seconds)


async def headers_of(turn: Turn, agent: Agent) -> dict[str, str]:
    headers = {"Accept": "text/event-stream, application/json"}
    if key := await key_of(turn, agent):
        headers["Authorization"] = f"Bearer {key}"
    ids = {"X-OpenWebUI-Chat-Id": "chat_id", "X-OpenWebUI-Message-Id": "message_id"}
    if agent._of_gateway:
        ids["X-Sekisho-Message-Id"] = "message_id"
    headers |= {name: str(turn.metadata[key]) for name, key in ids.items() if turn.metadata.get(key)}
    if turn.valves.identity_secret:
        headers["X-OpenWebUI-User-Jwt"] = await introduction(turn)
    elif agent._of_gateway:  # which believes the connection's key
        headers["X-OpenWebUI-User-Id"] = str(turn.user.get("id") or "")
    return headers
